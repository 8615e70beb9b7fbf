// Listings of a bucket with versions, judged page by page; what is compared after a crash; and how a client empties such a
// bucket, which must leave nothing.

import type { ListedVersion } from "../../../src/metadata/metadata-store.ts";
import { OWNER } from "../../support/store-lab.ts";
import { describeSeen, type SeenVersion } from "../version-stack.ts";
import { describe } from "./ground.ts";
import { readExactly } from "./object-acts.ts";
import type { VersionGround } from "./version-ground.ts";

const LIMIT_MAX = 5;
const QUERIES = [
  ["", ""],
  ["", "/"],
  ["a", "/"],
  ["a/", ""],
  ["c/", "/"],
] as const;

type Entry = Exclude<ListedVersion, { readonly kind: "prefix" }>;

/** Amid writes: what it shows of keys that nothing changes meanwhile must be right. */
export async function listVersions(versions: VersionGround): Promise<void> {
  const { ground, keys } = versions;
  const { life } = ground.model;
  const [prefix, delimiter] = QUERIES[ground.random.below(QUERIES.length)] ?? ["", ""];
  const before = keys.map((key) => ({ key, count: key.changeCount, isBusy: key.isBusy }));
  ground.countOperation("list versions");
  const shown = await listAll(versions, prefix, delimiter);
  if (life.isOver || shown === undefined) return;
  const isStill = before.filter(({ key, count, isBusy }) => !isBusy && key.changeCount === count);
  const rolled = (name: string): string | undefined => {
    const end = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length);
    return end < 0 ? undefined : name.slice(0, end + 1);
  };
  for (const { key } of isStill) {
    if (!key.name.startsWith(prefix)) continue;
    const hiddenBy = rolled(key.name);
    if (hiddenBy === undefined) {
      judgeKey(
        versions,
        key.name,
        shown.flatMap((entry) => (entry.kind === "prefix" ? [] : entry)),
      );
    } else {
      const count = shown.filter(
        (each) => each.kind === "prefix" && each.prefix === hiddenBy,
      ).length;
      if (count > 1 || (count === 0 && key.stack.length > 0)) {
        ground.journal.violation(
          `the prefix ${hiddenBy} is shown ${count} times; ${key.describe()}`,
        );
      }
    }
  }
  ground.journal.count("list versions");
}

function judgeKey(versions: VersionGround, name: string, entries: readonly Entry[]): void {
  judgeSeen(versions, name, seenOf(entries, name));
}

function judgeSeen(
  { ground, keys }: VersionGround,
  name: string,
  seen: readonly SeenVersion[],
): void {
  const key = keys.find((each) => each.name === name);
  // What is not in doubt is as it was: settling changes nothing.
  if (key === undefined || key.settle(seen)) return;
  ground.journal.violation(`versions are listed as ${describeSeen(seen)}; ${key.describe()}`);
}

function seenOf(entries: readonly Entry[], name: string): readonly SeenVersion[] {
  return entries
    .filter(({ object }) => object.key === name)
    .map(({ kind, isLatest, versionId, object: { etag } }) => {
      return { versionId, isLatest, isMarker: kind === "delete-marker", etag };
    });
}

/** A lock that was on its way in a crash is in force or is not: the version itself tells. */
function withLocks(
  { bucket, ground }: VersionGround,
  key: string,
  seen: readonly SeenVersion[],
): Promise<readonly SeenVersion[]> {
  const { store } = ground.model;
  return Promise.all(
    seen.map(async (version) => {
      const found = await store.findVersion({ bucket, key, versionId: version.versionId });
      if (found?.kind !== "object") return version;
      const { legalHold, retention } = found.object.lock;
      const isHeld = legalHold === true;
      return { ...version, lock: { isHeld, keptUntil: retention?.until ?? 0 } };
    }),
  );
}

/** All pages, of random sizes. */
async function listAll(
  { bucket, ground }: VersionGround,
  prefix: string,
  delimiter: string,
): Promise<readonly ListedVersion[] | undefined> {
  const { journal, model, random } = ground;
  const { life, store } = model;
  const shown: ListedVersion[] = [];
  let keyMarker: string | undefined;
  let versionIdMarker: string | undefined;
  try {
    for (;;) {
      const limit = 1 + random.below(LIMIT_MAX);
      const query = { bucketId: bucket.id, prefix, delimiter, keyMarker, versionIdMarker, limit };
      const page = await store.listVersions(query);
      shown.push(...page.entries);
      const last = page.entries.at(-1);
      if (!page.isTruncated || last === undefined) return shown;
      keyMarker = last.kind === "prefix" ? last.prefix : last.object.key;
      versionIdMarker = last.kind === "prefix" ? undefined : last.versionId;
    }
  } catch (error) {
    if (!life.isOver) journal.violation(`list of versions: ${describe(error)}`);
    return undefined;
  }
}

/** Everything is listed and read while nothing else goes on, and becomes the new beginning. */
export async function checkVersions(versions: VersionGround): Promise<void> {
  const { ground, keys } = versions;
  const shown = (await listAll(versions, "", "")) ?? [];
  const entries = shown.flatMap((entry) => (entry.kind === "prefix" ? [] : entry));
  const names = new Set(keys.map(({ name }) => name));
  if (entries.some(({ object }) => !names.has(object.key))) {
    ground.journal.violation("a listing of versions shows a key that never was");
  }
  for (const key of keys) {
    judgeSeen(versions, key.name, await withLocks(versions, key.name, seenOf(entries, key.name)));
    for (const version of key.stack) {
      const opened = await versions.open(key, version);
      if (opened !== undefined) await readExactly(ground, opened);
    }
    const latest = { value: key.latest?.value, versionId: undefined };
    (await versions.open(key, latest))?.reading.close();
  }
  await versions.refresh();
  const { objectBytes, objectCount } = versions.bucket;
  const stacks = keys.map(({ stack }) => stack);
  const count = stacks.filter(([latest]) => latest?.value !== undefined).length;
  const bytes = stacks.flat().reduce((sum, { value }) => sum + (value?.bytes.length ?? 0), 0);
  if (objectCount === count && objectBytes === bytes) return;
  ground.journal.violation(
    `the bucket counts ${objectCount} objects and ${objectBytes} bytes of ${count} and ${bytes}`,
  );
}

/** As a client does it, page by page; then the bucket itself. */
export async function emptyBucket(versions: VersionGround): Promise<void> {
  const { bucket, ground, keys } = versions;
  const { journal, model } = ground;
  const { store } = model;
  // All retentions end.
  while (
    Math.max(...keys.flatMap(({ stack }) => stack.map((each) => each.keptUntil)), 0) >= versions.now
  )
    model.passTime();
  const held = keys.flatMap((key) => key.stack.map((version) => ({ key, ...version })));
  for (const { key, isHeld, versionId } of held) {
    if (isHeld) await store.putLegalHold({ bucket, key: key.name, versionId }, false);
  }
  const isEmpty = held.length === 0;
  const early = await deleteBucket(versions);
  if (isEmpty || early !== "BucketNotEmpty") {
    if (!isEmpty || early !== undefined) journal.violation(`delete of the bucket: ${early}`);
    return;
  }
  const shown = (await listAll(versions, "", "")) ?? [];
  const requests = shown.flatMap((entry) =>
    entry.kind === "prefix"
      ? []
      : { key: entry.object.key, versionId: entry.versionId, mayBypassGovernance: false },
  );
  await store.deleteObjects(bucket, requests, OWNER.id);
  await versions.refresh();
  const { objectBytes, objectCount } = versions.bucket;
  if (objectBytes !== 0 || objectCount !== 0) {
    journal.violation(`an emptied bucket counts ${objectCount} objects, ${objectBytes} bytes`);
  }
  const late = await deleteBucket(versions);
  if (late !== undefined) journal.violation(`delete of the emptied bucket: ${late}`);
  journal.note("buckets with versions emptied and deleted");
}

async function deleteBucket({ bucket, ground }: VersionGround): Promise<string | undefined> {
  const { store } = ground.model;
  try {
    await store.deleteBucket(bucket);
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

/** Uploads that failures left. */
export async function abortVersionUploads({ bucket, ground }: VersionGround): Promise<void> {
  const { store } = ground.model;
  const from = { keyMarker: undefined, uploadIdMarker: undefined };
  const query = { bucketId: bucket.id, prefix: "", delimiter: "", limit: 1_000, ...from };
  const { entries } = await store.listUploads(query);
  for (const entry of entries) {
    if (entry.kind === "upload") {
      await store.abortUpload(bucket, entry.upload.key, entry.upload.uploadId);
    }
  }
}
