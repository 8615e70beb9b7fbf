// The load on objects: each function is one call, what it promises is written into the key's history before it is sent,
// and what the answer says after it came.

import { createHash } from "node:crypto";
import type { SeededRandom } from "../../src/util/seeded-random.ts";
import { call, etagOf, keyPath, type LabContext, type Outcome } from "./calls.ts";
import { bytesOfPiece, bytesOfPieces, md5, type Piece } from "./contents.ts";
import { beginRead, beginWrite, type RecordedWrite } from "./recorded-calls.ts";
import { Register, tick, type Write } from "./register.ts";
import { historyOf, nextOperation, type KeyValue, type LabKey, type ObjectValue } from "./world.ts";

const KIB = 1024;
/** Around every size at which the store does something else. */
const SIZES = [
  0,
  1,
  4 * KIB,
  16 * KIB - 1,
  16 * KIB,
  16 * KIB + 1,
  64 * KIB,
  256 * KIB - 1,
  256 * KIB,
  256 * KIB + 1,
  1024 * KIB + 3,
  5 * 1024 * KIB,
];
/** Large ones are rarer, or the load would be nothing but bytes. */
const WEIGHTS = [4, 8, 16, 5, 5, 6, 8, 2, 2, 2, 2, 1];

export interface Step {
  readonly context: LabContext;
  readonly random: SeededRandom;
  /** Where only these are wanted. */
  readonly sizes?: readonly number[];
}

function pickSize({ context, random, sizes: wanted }: Step): number {
  if (wanted !== undefined) return wanted[random.below(wanted.length)] ?? 0;
  const sizes = SIZES.filter((size) => size <= context.world.sizeMax);
  const total = WEIGHTS.slice(0, sizes.length).reduce((sum, weight) => sum + weight, 0);
  let left = random.below(total);
  const index = WEIGHTS.findIndex((weight) => (left -= weight) < 0);
  return sizes[index] ?? 0;
}

/** With its bytes. */
function newValue(piece: Piece, tag: string): { value: ObjectValue; body: Buffer } {
  const body = bytesOfPiece(piece);
  const { seed: op, sizeBytes } = piece;
  return {
    value: { op, pieces: [piece], sizeBytes, etag: md5(body), tags: new Register(tag) },
    body,
  };
}

/** A key that this call may change. */
export function pickKey({ context, random }: Step): LabKey | undefined {
  const { keys } = context.world;
  for (let tries = 0; tries < 8; tries += 1) {
    const key = keys[random.below(keys.length)];
    if (key !== undefined && !(key.isSolo && key.isBusy)) return key;
  }
  return undefined;
}

export async function holding(key: LabKey, work: () => Promise<void>): Promise<void> {
  key.isBusy = true;
  try {
    await work();
  } finally {
    key.isBusy = false;
  }
}

type Condition = "absent" | "same" | undefined;

/** A put, plain or with a condition. */
export async function put(step: Step, key: LabKey, wanted?: Condition): Promise<void> {
  const { context, random } = step;
  const op = nextOperation();
  const tag = random.below(4) === 0 ? `t${op}` : "";
  const { value, body } = newValue({ seed: op, sizeBytes: pickSize(step) }, tag);
  const expected = wanted === "same" ? pickPresent(step, key) : undefined;
  if (wanted === "same" && expected === undefined) return;
  const headers: Record<string, string> = { "x-amz-meta-op": String(op) };
  if (tag !== "") headers["x-amz-tagging"] = `t=${tag}`;
  if (wanted === "absent") headers["if-none-match"] = "*";
  if (expected !== undefined) headers["if-match"] = `"${expected.etag}"`;
  const write = key.register.begin(op, value);
  const recorded = beginWrite(context, key, write);
  const outcome = await call(context, {
    method: "PUT",
    path: keyPath(context.world, key.name),
    headers,
    body,
  });
  if (wanted !== undefined) {
    judgeCondition(step, { key, write, outcome, etag: expected?.etag });
  }
  const expectedEtag = wanted === "absent" ? null : expected?.etag;
  const kind = wanted === undefined ? "put" : `put if ${wanted}`;
  settleWrite(step, { key, write, recorded, expectedEtag, outcome, kind });
  if (outcome.kind === "done" && etagOf(outcome.answer) !== value.etag) {
    context.journal.violation(`put answered ETag ${etagOf(outcome.answer)}; ${historyOf(key)}`);
  }
}

interface Settling {
  readonly key: LabKey;
  readonly write: Write<KeyValue>;
  readonly recorded: RecordedWrite;
  /** What a condition asks for: an ETag, or nothing (null); undefined where there is none on the key itself. */
  readonly expectedEtag?: string | null | undefined;
  readonly outcome: Outcome;
  readonly kind: string;
}

const EXPECTED_REFUSALS = new Set([
  "PreconditionFailed",
  "NoSuchKey",
  "ConditionalRequestConflict",
]);

export function settleWrite({ context }: Step, settling: Settling): void {
  const { key, write, recorded, expectedEtag, outcome, kind } = settling;
  recorded.end(outcome, expectedEtag);
  if (outcome.kind === "unknown") return;
  if (outcome.kind === "done") {
    key.register.acknowledge(write);
    context.journal.count(kind);
    return;
  }
  key.register.refuse(write);
  if (EXPECTED_REFUSALS.has(outcome.code)) context.journal.note(`refused ${kind}`);
  else context.journal.violation(`${kind} of ${key.name} refused: ${outcome.code}`);
}

interface Judged {
  readonly key: LabKey;
  readonly write: Write<KeyValue>;
  readonly outcome: Outcome;
  /** What If-Match named; undefined where nothing was to be there. */
  readonly etag: string | undefined;
}

/** Whether the condition can have been as the answer says. */
function judgeCondition({ context }: Step, { key, write, outcome, etag }: Judged): void {
  if (outcome.kind === "unknown") return;
  const candidates = key.register.candidates(write.invokedAt, tick(), write);
  const isMet = ({ value }: Write<KeyValue>) => value?.etag === etag;
  const possible = outcome.kind === "done" ? candidates.some(isMet) : !candidates.every(isMet);
  if (possible) return;
  const said = outcome.kind === "done" ? "accepted" : "refused";
  context.journal.violation(`a condition on ${etag ?? "absence"} was ${said}; ${historyOf(key)}`);
}

/** An object that is, or lately was, at the key. */
export function pickPresent({ random }: Step, key: LabKey): ObjectValue | undefined {
  const now = tick();
  const present = key.register.candidates(now, now).flatMap(({ value }) => value ?? []);
  return present[random.below(present.length)];
}

/** Several at once want to be the first: one may win. */
export async function race(step: Step): Promise<void> {
  const key = step.context.world.freshKey();
  const before = step.context.journal.acknowledged.get("put if absent") ?? 0;
  await Promise.all(Array.from({ length: 3 }, () => put(step, key, "absent")));
  const now = tick();
  const winners = key.register.candidates(now, now).filter(({ respondedAt, op }) => {
    return op !== 0 && respondedAt !== Infinity;
  });
  if (winners.length > 1) {
    step.context.journal.violation(`${winners.length} firsts (${before}); ${historyOf(key)}`);
  }
}

export async function remove(step: Step, key: LabKey): Promise<void> {
  const { context } = step;
  const write = key.register.begin(nextOperation(), undefined);
  const recorded = beginWrite(context, key, write);
  const path = keyPath(context.world, key.name);
  const outcome = await call(context, { method: "DELETE", path });
  settleWrite(step, { key, write, recorded, outcome, kind: "delete" });
}

export async function removeMany(step: Step, keys: readonly LabKey[]): Promise<void> {
  const { context } = step;
  const writes = keys.map((key) => {
    const write = key.register.begin(nextOperation(), undefined);
    return { key, write, recorded: beginWrite(context, key, write) };
  });
  const rows = keys.map(({ name }) => `<Object><Key>${name}</Key></Object>`).join("");
  const body = Buffer.from(`<Delete>${rows}</Delete>`);
  const outcome = await call(context, {
    method: "POST",
    path: `/${context.world.bucket}`,
    query: "delete=",
    headers: { "content-md5": createHash("md5").update(body).digest("base64") },
    body,
  });
  for (const write of writes) settleWrite(step, { ...write, outcome, kind: "delete of many" });
  if (outcome.kind === "done" && outcome.answer.body.includes("<Error>")) {
    context.journal.violation(`DeleteObjects: ${outcome.answer.body.toString().slice(0, 300)}`);
  }
}

/** A copy of exactly the source that was picked: the server refuses it when another stands there by then. */
export async function copy(step: Step, from: LabKey, to: LabKey): Promise<void> {
  const { context } = step;
  const source = pickPresent(step, from);
  if (source === undefined) return;
  const op = nextOperation();
  // A copy of an object of parts is an object of one: its ETag is the MD5 of the whole.
  const etag = source.etag.includes("-") ? md5(bytesOfPieces(source.pieces)) : source.etag;
  const value: ObjectValue = { ...source, op, etag, tags: new Register("") };
  const write = to.register.begin(op, value);
  const recorded = beginWrite(context, to, write);
  const endRead = beginRead(context, from);
  const outcome = await call(context, {
    method: "PUT",
    path: keyPath(context.world, to.name),
    headers: {
      "x-amz-copy-source": keyPath(context.world, from.name),
      "x-amz-copy-source-if-match": `"${source.etag}"`,
      "x-amz-metadata-directive": "REPLACE",
      "x-amz-tagging-directive": "REPLACE",
      "x-amz-meta-op": String(op),
    },
  });
  endRead(outcome.kind === "done" ? { etag: source.etag } : undefined);
  settleWrite(step, { key: to, write, recorded, outcome, kind: "copy" });
  if (outcome.kind === "done" && !outcome.answer.body.includes(etag)) {
    context.journal.violation(`a copy's ETag is not ${etag}: ${outcome.answer.body.toString()}`);
  }
}

/** Only of a key that nobody else changes meanwhile, so that it is known which object gets them. */
export async function setTags(step: Step, key: LabKey): Promise<void> {
  const { context } = step;
  const now = tick();
  const [only, ...others] = key.register.candidates(now, now);
  if (only?.value === undefined || others.length > 0) return;
  const { tags } = only.value;
  const op = nextOperation();
  const write = tags.begin(op, `t${op}`);
  const outcome = await call(context, {
    method: "PUT",
    path: keyPath(context.world, key.name),
    query: "tagging=",
    body: `<Tagging><TagSet><Tag><Key>t</Key><Value>t${op}</Value></Tag></TagSet></Tagging>`,
  });
  if (outcome.kind === "done") {
    tags.acknowledge(write);
    context.journal.count("tags");
  } else if (outcome.kind === "refused") {
    context.journal.violation(`tags refused: ${outcome.code}; ${historyOf(key)}`);
  }
}

/** A read while others write: what it sees must be something that may be seen now, whole. */
export async function read({ context }: Step, key: LabKey): Promise<void> {
  const endRead = beginRead(context, key);
  const from = tick();
  const path = keyPath(context.world, key.name);
  const outcome = await call(context, { method: "GET", path });
  if (outcome.kind === "unknown") return endRead(undefined);
  const to = tick();
  const op = Number(outcome.answer.headers["x-amz-meta-op"] ?? 0);
  const isAbsent = outcome.kind === "refused" && outcome.code === "NoSuchKey";
  endRead(isAbsent || op > 0 ? { op } : undefined);
  const seen = key.register
    .candidates(from, to)
    .filter((write) => (isAbsent ? write.value === undefined : write.op === op && op > 0));
  const [only] = seen;
  if (only === undefined) {
    context.journal.violation(`GET saw ${isAbsent ? "nothing" : `op ${op}`}; ${historyOf(key)}`);
    return;
  }
  if (seen.length === 1) key.register.acknowledge(only, to);
  context.journal.count("get");
  if (only.value !== undefined && outcome.kind === "done") {
    if (!outcome.answer.body.equals(bytesOfPieces(only.value.pieces))) {
      context.journal.violation(`GET gave other bytes than op ${op}'s; ${historyOf(key)}`);
    }
  }
}
