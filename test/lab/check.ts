// The checker: after a restart, with nothing else going on, everything the lab knows is compared with what the server
// says. Every acknowledged write is there or replaced by a later one; an unanswered one took effect or did not; LIST, HEAD
// and GET say the same.

import { call, etagOf, keyPath, type LabContext } from "./calls.ts";
import { bytesOfPieces } from "./contents.ts";
import { tick } from "./register.ts";
import { checkUploads } from "./check-uploads.ts";
import { ABSENT } from "./history.ts";
import { noteVerdict } from "./recorded-calls.ts";
import { checkVersions } from "./version-load.ts";
import { forgetAbsent, historyOf, type KeyValue, type LabKey } from "./world.ts";

const CALLERS = 8;

interface Found {
  readonly etag: string;
  readonly sizeBytes: number;
}

/** Afterwards every history begins anew with what was found. */
export async function checkAll(context: LabContext): Promise<void> {
  const { world } = context;
  // Before the keys: whether an upload's completion took effect says what its key may hold.
  await checkUploads(context);
  const heads = new Map<string, Found>();
  const left = [...world.allKeys];
  const take = async (): Promise<void> => {
    for (let key = left.pop(); key !== undefined; key = left.pop()) {
      const found = await checkKey(context, key);
      if (found !== undefined) heads.set(key.name, found);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, take));
  await checkListing(context, heads);
  await checkVersions(context);
  forgetAbsent(world);
}

async function checkKey(context: LabContext, key: LabKey): Promise<Found | undefined> {
  const { journal, world } = context;
  const path = keyPath(world, key.name);
  const from = tick();
  const outcome = await call(context, { method: "GET", path });
  if (outcome.kind === "unknown") {
    journal.violation(`no answer to GET; ${historyOf(key)}`);
    return undefined;
  }
  const isAbsent = outcome.kind === "refused";
  if (isAbsent && outcome.code !== "NoSuchKey") {
    journal.violation(`GET refused: ${outcome.code}; ${historyOf(key)}`);
    return undefined;
  }
  const op = Number(outcome.answer.headers["x-amz-meta-op"] ?? 0);
  const found = key.register
    .candidates(from, tick())
    .find((write) => (isAbsent ? write.value === undefined : write.op === op && op > 0));
  noteVerdict(context, key, key.history.settle(isAbsent ? ABSENT : op));
  if (found === undefined) {
    journal.violation(`${isAbsent ? "absent" : `op ${op}`} after restart; ${historyOf(key)}`);
    resign(key, isAbsent);
    return isAbsent
      ? undefined
      : { etag: etagOf(outcome.answer), sizeBytes: outcome.answer.body.length };
  }
  key.register.settle(found);
  if (found.value === undefined) return undefined;
  const { etag, sizeBytes, pieces } = found.value;
  key.history.name(op, etag);
  if (etagOf(outcome.answer) !== etag)
    journal.violation(`GET says ETag ${etagOf(outcome.answer)}; ${historyOf(key)}`);
  if (!outcome.answer.body.equals(bytesOfPieces(pieces))) {
    journal.violation(`wrong bytes of op ${op} after restart; ${historyOf(key)}`);
  }
  if (key.isSolo) await checkTags(context, key, found.value);
  const head = await call(context, { method: "HEAD", path });
  if (head.kind !== "done" || Number(head.answer.headers["content-length"]) !== sizeBytes) {
    journal.violation(`HEAD differs from GET; ${historyOf(key)}`);
  }
  return { etag, sizeBytes };
}

/** After a violation the history begins anew, else one fault would be told in every later cycle. */
function resign(key: LabKey, isAbsent: boolean): void {
  const [first] = key.register.candidates(Infinity, Infinity);
  if (first !== undefined)
    key.register.settle({ ...first, value: isAbsent ? undefined : first.value });
}

async function checkTags(
  context: LabContext,
  key: LabKey,
  value: NonNullable<KeyValue>,
): Promise<void> {
  const from = tick();
  const path = keyPath(context.world, key.name);
  const outcome = await call(context, { method: "GET", path, query: "tagging=" });
  if (outcome.kind !== "done") {
    context.journal.violation(`no tags; ${historyOf(key)}`);
    return;
  }
  const seen = /<Value>(\w*)</.exec(outcome.answer.body.toString())?.[1] ?? "";
  const found = value.tags.candidates(from, tick()).find((write) => write.value === seen);
  if (found !== undefined) value.tags.settle(found);
  else {
    const history = value.tags.describe((tag) => tag);
    context.journal.violation(`tag "${seen}" of ${key.name} op ${value.op}; ${history}`);
  }
}

async function checkListing(context: LabContext, heads: ReadonlyMap<string, Found>): Promise<void> {
  const { journal, world } = context;
  const listed = new Map<string, Found>();
  const pageSize = 1 + world.random.below(60);
  for (let token = ""; ;) {
    const query = `list-type=2&max-keys=${pageSize}${token === "" ? "" : `&continuation-token=${encodeURIComponent(token)}`}`;
    const outcome = await call(context, { method: "GET", path: `/${world.bucket}`, query });
    if (outcome.kind !== "done") {
      journal.violation("LIST does not answer");
      return;
    }
    const xml = outcome.answer.body.toString();
    for (const [, row = ""] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const name = /<Key>([^<]*)</.exec(row)?.[1] ?? "";
      if (listed.has(name)) journal.violation(`LIST shows ${name} twice`);
      const etag = /<ETag>(?:&quot;|"|&#34;)?([0-9a-f-]+)/.exec(row)?.[1] ?? "";
      listed.set(name, { etag, sizeBytes: Number(/<Size>(\d+)/.exec(row)?.[1]) });
    }
    token = /<NextContinuationToken>([^<]+)</.exec(xml)?.[1] ?? "";
    if (token === "") break;
  }
  for (const [name, { etag, sizeBytes }] of heads) {
    const row = listed.get(name);
    if (row === undefined) journal.violation(`LIST lacks ${name}`);
    else if (row.etag !== etag || row.sizeBytes !== sizeBytes) {
      journal.violation(`LIST says ${row.etag} ${row.sizeBytes} of ${name}: ${etag} ${sizeBytes}`);
    }
  }
  for (const name of listed.keys()) {
    if (!heads.has(name)) journal.violation(`LIST shows ${name}, which cannot be read`);
  }
}
