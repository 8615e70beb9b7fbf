// The load on a bucket with versions, over HTTP: puts, markers, copies of older versions, deletes of versions, uploads; and,
// while nothing else goes on, what it must list and give afterwards.

import { call, etagOf, type LabContext, type Outcome } from "./calls.ts";
import { bytesOfPieces, md5 } from "./contents.ts";
import type { LabClient } from "./lab-client.ts";
import type { Step } from "./object-load.ts";
import {
  describeSeen,
  newVersion,
  withNew,
  without,
  type SeenVersion,
  type StackEffect,
} from "./version-stack.ts";
import { VersionWorld, type LabVersionedKey, type VersionValue } from "./version-world.ts";
import { multipartEtag, nextOperation, type World } from "./world.ts";

const KIB = 1024;
/** In the metadata, in packs, in sets of their own. */
const SIZES = [0, 4 * KIB, 4 * KIB, 20 * KIB, 64 * KIB, 200 * KIB, 1024 * KIB + 3];
/** Those that are larger than what is to be made are taken once in so many times. */
const LARGE_EVERY = 8;
const VERSIONS_MAX = 8;
const PAGE_MAX = 9;
const VERSIONING_EVERY = 3;
const NO_ANSWER = "no answer to a GET";

/** Makes the bucket, as yet without versions. */
export async function makeVersionedBucket(client: LabClient, world: World): Promise<void> {
  const versions = new VersionWorld(`${world.bucket}-versions`);
  const answer = await client.send({ method: "PUT", path: `/${versions.bucket}` });
  if (answer.status === 200) world.versions = versions;
  else world.journal.violation(`no bucket for versions: ${answer.status}`);
}

/** Before the load: now and then they are kept from now on, or no more. */
export async function changeVersioning(client: LabClient, world: World): Promise<void> {
  const { journal, random, versions } = world;
  if (versions === undefined || random.below(VERSIONING_EVERY) > 0) return;
  const next = random.below(3) === 0 ? "suspended" : "enabled";
  const status = next === "enabled" ? "Enabled" : "Suspended";
  const answer = await client.send({
    method: "PUT",
    path: `/${versions.bucket}`,
    query: "versioning=",
    body: `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`,
  });
  if (answer.status === 200) versions.versioning = next;
  else journal.violation(`versioning cannot be changed: ${answer.body.toString()}`);
}

type Act = (step: Step, versions: VersionWorld, key: LabVersionedKey) => Promise<void>;

const ACTS: readonly (readonly [weight: number, act: Act])[] = [
  [32, put],
  [6, putIfAbsent],
  [14, removeKey],
  [20, removeVersion],
  [10, copyVersion],
  [6, upload],
  [20, readVersion],
];

/** One call of a client, or a few. */
export async function actOnVersion(step: Step): Promise<void> {
  const { context, random } = step;
  const { versions } = context.world;
  const free = versions?.keys.filter((each) => !each.isBusy && each.isKnown) ?? [];
  const key = free[random.below(free.length)];
  if (versions === undefined || key === undefined) return;
  const isFull = key.stack.length >= VERSIONS_MAX;
  let left = random.below(ACTS.reduce((sum, [weight]) => sum + weight, 0));
  const [, act = put] = ACTS.find(([weight]) => (left -= weight) < 0) ?? [];
  key.isBusy = true;
  await (isFull ? removeVersion : act)(step, versions, key);
  key.isBusy = false;
}

function pickSize({ context, random }: Step): number {
  const isLarge = random.below(LARGE_EVERY) === 0;
  const sizes = isLarge ? SIZES : SIZES.filter((size) => size <= context.world.sizeMax);
  return sizes[random.below(sizes.length)] ?? 0;
}

/** With its bytes. */
function newValue(step: Step): { readonly value: VersionValue; readonly body: Buffer } {
  const pieces = [{ seed: nextOperation(), sizeBytes: pickSize(step) }];
  const body = bytesOfPieces(pieces);
  return { value: { pieces, sizeBytes: body.length, etag: md5(body) }, body };
}

interface Change {
  readonly kind: string;
  readonly send: () => Promise<Outcome>;
  /** Of no outcome: what it does if it is done all the same. */
  readonly effect: (told: string | undefined) => StackEffect<VersionValue>;
  /** The code of the refusal that there must be. */
  readonly refusal?: string | undefined;
}

async function change(
  { context }: Step,
  key: LabVersionedKey,
  { kind, send, effect, refusal }: Change,
): Promise<void> {
  const { journal } = context;
  const before = key.describe();
  key.begin(refusal === undefined ? effect(undefined) : (stack) => stack);
  const outcome = await send();
  if (outcome.kind === "unknown") key.lose();
  else if (outcome.kind === "done") {
    key.accept(effect(versionIdOf(outcome)));
    if (refusal !== undefined) journal.violation(`${kind} was done, not ${refusal}; ${before}`);
    journal.count(kind);
  } else {
    key.refuse();
    if (outcome.code === refusal) journal.note(`refused ${kind}`);
    else journal.violation(`${kind} refused: ${outcome.code}; ${before}`);
  }
}

function versionIdOf({ answer }: Exclude<Outcome, { readonly kind: "unknown" }>) {
  const header = answer.headers["x-amz-version-id"];
  return typeof header === "string" ? header : undefined;
}

function madeBy(versions: VersionWorld, value: VersionValue) {
  return (told: string | undefined): StackEffect<VersionValue> =>
    (stack) =>
      withNew(stack, newVersion(value, versions.versioning, told));
}

function put(step: Step, versions: VersionWorld, key: LabVersionedKey): Promise<void> {
  const { value, body } = newValue(step);
  const send = () => call(step.context, { method: "PUT", path: versions.path(key), body });
  return change(step, key, { kind: "put version", send, effect: madeBy(versions, value) });
}

/** A delete marker is nothing. */
function putIfAbsent(step: Step, versions: VersionWorld, key: LabVersionedKey): Promise<void> {
  const { value, body } = newValue(step);
  const headers = { "if-none-match": "*" };
  const path = versions.path(key);
  return change(step, key, {
    kind: "put version if absent",
    send: () => call(step.context, { method: "PUT", path, headers, body }),
    effect: madeBy(versions, value),
    refusal: key.latest?.value === undefined ? undefined : "PreconditionFailed",
  });
}

function removeKey(step: Step, versions: VersionWorld, key: LabVersionedKey): Promise<void> {
  const { versioning } = versions;
  return change(step, key, {
    kind: "delete to a marker",
    send: () => call(step.context, { method: "DELETE", path: versions.path(key) }),
    effect: (told) => (stack) =>
      versioning === "off"
        ? []
        : withNew(stack, newVersion<VersionValue>(undefined, versioning, told)),
  });
}

async function removeVersion(
  step: Step,
  versions: VersionWorld,
  key: LabVersionedKey,
): Promise<void> {
  const versionId = key.stack[step.random.below(key.stack.length)]?.versionId;
  if (versionId === undefined) return;
  const request = { method: "DELETE", path: versions.path(key), query: `versionId=${versionId}` };
  await change(step, key, {
    kind: "delete version",
    send: () => call(step.context, request),
    effect: () => (stack) => without(stack, versionId),
  });
}

/** A version of another key becomes the latest of this one. */
async function copyVersion(
  step: Step,
  versions: VersionWorld,
  key: LabVersionedKey,
): Promise<void> {
  const { random, context } = step;
  const free = versions.keys.filter((each) => !each.isBusy && each.isKnown);
  const from = free[random.below(free.length)];
  const source = from?.stack[random.below(from.stack.length)];
  if (from === undefined || source?.value === undefined || source.versionId === undefined) return;
  from.isBusy = true;
  const named = `${versions.path(from)}?versionId=${source.versionId}`;
  const headers = { "x-amz-copy-source": named };
  // A copy of an object of parts has the MD5 of all bytes for its ETag.
  const { pieces, sizeBytes } = source.value;
  const value = { pieces, sizeBytes, etag: md5(bytesOfPieces(pieces)) };
  await change(step, key, {
    kind: "copy version",
    send: () => call(context, { method: "PUT", path: versions.path(key), headers }),
    effect: madeBy(versions, value),
  });
  from.isBusy = false;
}

/** Of one part, begun and completed. */
async function upload(step: Step, versions: VersionWorld, key: LabVersionedKey): Promise<void> {
  const { context } = step;
  const path = versions.path(key);
  const begun = await call(context, { method: "POST", path, query: "uploads=" });
  if (begun.kind !== "done") return;
  const uploadId = /<UploadId>([^<]+)</.exec(begun.answer.body.toString())?.[1] ?? "";
  const { value: part, body } = newValue(step);
  const query = `partNumber=1&uploadId=${encodeURIComponent(uploadId)}`;
  const given = await call(context, { method: "PUT", path, query, body });
  if (given.kind !== "done") return;
  const [piece = { seed: 0, sizeBytes: 0 }] = part.pieces;
  const value = { ...part, etag: multipartEtag([{ piece, etag: part.etag }]) };
  const list = `<Part><PartNumber>1</PartNumber><ETag>${part.etag}</ETag></Part>`;
  await change(step, key, {
    kind: "complete version",
    send: () =>
      call(context, {
        method: "POST",
        path,
        query: `uploadId=${encodeURIComponent(uploadId)}`,
        body: `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`,
      }),
    effect: madeBy(versions, value),
  });
}

async function readVersion(
  { context, random }: Step,
  versions: VersionWorld,
  key: LabVersionedKey,
): Promise<void> {
  const { journal } = context;
  const version = key.stack[random.below(key.stack.length)];
  if (version?.versionId === undefined) return;
  const wrong = await findWrong(context, { path: versions.path(key), ...version });
  // A server that is to die may do so now.
  if (wrong === NO_ANSWER) return;
  if (wrong !== undefined) journal.violation(`${wrong}; ${key.describe()}`);
  journal.count("get version");
}

interface Wanted {
  readonly path: string;
  /** Undefined: the latest. */
  readonly versionId: string | undefined;
  readonly value: VersionValue | undefined;
}

/** What is wrong with it, in words. */
async function findWrong(
  context: LabContext,
  { path, versionId, value }: Wanted,
): Promise<string | undefined> {
  const query = versionId === undefined ? "" : `versionId=${versionId}`;
  const outcome = await call(context, { method: "GET", path, query });
  const what = `GET of ${versionId ?? "the latest version"}`;
  if (outcome.kind === "unknown") return NO_ANSWER;
  if (outcome.kind === "refused") {
    const code = versionId === undefined ? "NoSuchKey" : "MethodNotAllowed";
    return value === undefined && outcome.code === code ? undefined : `${what}: ${outcome.code}`;
  }
  if (value === undefined) return `${what} gives bytes of what is deleted`;
  if (etagOf(outcome.answer) !== value.etag) return `${what}: ETag ${etagOf(outcome.answer)}`;
  return outcome.answer.body.equals(bytesOfPieces(value.pieces)) ? undefined : `${what}: bytes`;
}

/** Everything is listed and read while nothing else goes on, and becomes the new beginning. */
export async function checkVersions(context: LabContext): Promise<void> {
  const { journal, world } = context;
  const { versions } = world;
  if (versions === undefined) return;
  const seen = await listAll(context, versions);
  if (seen === undefined) return;
  const names = new Set(versions.keys.map(({ name }) => name));
  for (const name of seen.keys()) {
    if (!names.has(name)) journal.violation(`versions of ${name} are listed, which never was`);
  }
  for (const key of versions.keys) {
    const before = key.describe();
    const listed = seen.get(key.name) ?? [];
    if (!key.settle(listed)) {
      journal.violation(`versions after restart: ${describeSeen(listed)}; ${before}`);
      continue;
    }
    const path = versions.path(key);
    const latest = { versionId: undefined, value: key.latest?.value };
    for (const version of [...key.stack, latest]) {
      const wrong = await findWrong(context, { path, ...version });
      if (wrong !== undefined) journal.violation(`${wrong} after restart; ${before}`);
    }
    journal.note("versions checked", key.stack.length);
  }
}

/** By key, in the order of the pages, which are of random sizes. */
async function listAll(
  context: LabContext,
  { bucket }: VersionWorld,
): Promise<ReadonlyMap<string, readonly SeenVersion[]> | undefined> {
  const { journal, world } = context;
  const found = new Map<string, SeenVersion[]>();
  let markers = "";
  for (;;) {
    const query = `versions=&max-keys=${1 + world.random.below(PAGE_MAX)}${markers}`;
    const outcome = await call(context, { method: "GET", path: `/${bucket}`, query });
    if (outcome.kind !== "done") {
      journal.violation("ListObjectVersions does not answer");
      return undefined;
    }
    const xml = outcome.answer.body.toString();
    for (const [, kind, row = ""] of xml.matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs)) {
      const name = textOf(row, "Key");
      const ofKey = found.get(name) ?? [];
      found.set(name, ofKey);
      ofKey.push({
        versionId: textOf(row, "VersionId"),
        isMarker: kind === "DeleteMarker",
        isLatest: textOf(row, "IsLatest") === "true",
        etag: /<ETag>(?:&quot;|"|&#34;)?([0-9a-f-]+)/.exec(row)?.[1] ?? "",
      });
    }
    if (textOf(xml, "IsTruncated") !== "true") return found;
    const key = encodeURIComponent(textOf(xml, "NextKeyMarker"));
    markers = `&key-marker=${key}&version-id-marker=${textOf(xml, "NextVersionIdMarker")}`;
  }
}

function textOf(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)<`).exec(xml)?.[1] ?? "";
}
