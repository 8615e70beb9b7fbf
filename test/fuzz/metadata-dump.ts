// All that a metadata store can be asked, for comparing two of them.

import type { UploadId } from "../../src/core/ids.ts";
import type {
  DueEntry,
  MetadataStore,
  ObjectPage,
  UploadPage,
  VersionPage,
  WalkEntry,
  WalkPosition,
} from "../../src/metadata/metadata-store.ts";
import type { Content, ManifestContent } from "../../src/metadata/records.ts";
import { newVersionId, sequenceOf } from "../../src/metadata/version-id.ts";
import {
  OWNER,
  objectsQuery,
  setId,
  uploadsQuery,
  versionsQuery,
} from "../contract/metadata/inputs.ts";
import { BUCKETS, KEYS } from "./metadata-draws.ts";

const DELIMITERS = ["", "/", "//", "b", "\u{1f600}"];
const PREFIXES = ["", "a", "a/", "\u{10ffff}"];
const LIMITS = [1, 2, 1_000];
const ODD_LISTINGS = [
  ["", ""],
  ["", "/"],
  ["a", "/"],
  ["a/", ""],
] as const;

export async function dumpOf(store: MetadataStore) {
  const all = { prefix: "", after: undefined, limit: 1_000 };
  const buckets = await store.listBuckets({ ownerId: OWNER, ...all });
  const contents = await Promise.all(buckets.map(({ id }) => bucketDump(store, id)));
  // In which order one call that deletes many releases them is nobody's concern.
  const found = await store.listTrash(1_000_000);
  const trash = found.toSorted((a, b) => (a.setId < b.setId ? -1 : 1));
  const progress = await Promise.all(BUCKETS.map((job) => store.findProgress(job)));
  const sets = await setDump(store);
  const dump = { buckets, contents, trash, progress, ...sets, walks: await walks(store) };
  return withoutIds(dump);
}

/** The ids of versions are random but for their sequence: that stands for them. */
export function withoutIds(value: unknown, name = ""): unknown {
  if (typeof value === "string" && name.toLowerCase() === "versionid") {
    return sequenceOf(value) ?? value;
  }
  if (Array.isArray(value)) return value.map((each) => withoutIds(each));
  if (typeof value !== "object" || value === null || value instanceof Set) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, withoutIds(each, key)]),
  );
}

async function setDump(store: MetadataStore) {
  const trash = await store.listTrash(1_000_000);
  const ids = [setId(0), setId(1), ...trash.map((record) => record.setId)];
  return {
    totals: await store.totals(),
    named: await store.findNamedSets(ids),
    degraded: await store.listDegradedSets(undefined, 1_000),
    packs: await store.listSparsePacks(0, undefined, 1_000),
    sparse: await store.listSparsePacks(0.5, undefined, 2),
  };
}

/** The walk over everything in pages of several sizes. */
async function walks(store: MetadataStore): Promise<WalkEntry[][]> {
  const pages: WalkEntry[][] = [];
  for (const limit of [1, 3, 1_000]) {
    for (const prefix of PREFIXES) {
      let after: WalkPosition | undefined;
      let page: readonly WalkEntry[];
      do {
        page = await store.walk({ bucketId: undefined, prefix, after, limit });
        pages.push([...page]);
        after = page.at(-1)?.position;
      } while (page.length > 0);
    }
  }
  return pages;
}

async function bucketDump(store: MetadataStore, bucketId: number) {
  const objects = await Promise.all(
    KEYS.map(async (key) => {
      const object = await store.findObject(bucketId, key);
      return { object, bytes: object && (await contentDump(store, object.content)) };
    }),
  );
  const uploads = await store.listUploads(uploadsQuery(bucketId));
  const parts = uploads.entries.map(async (entry) =>
    entry.kind === "upload" ? store.listParts(entry.upload.manifestId, 0, 100) : undefined,
  );
  return {
    objects,
    parts: await Promise.all(parts),
    config: await store.findBucketConfig(bucketId, "tagging"),
    objectPages: await objectPages(store, bucketId),
    versionPages: await versionPages(store, bucketId),
    oddVersionPages: await oddVersionPages(store, bucketId),
    versions: await versionsDump(store, bucketId),
    due: await dues(store, bucketId),
    uploadPages: await uploadPages(store, bucketId),
  };
}

async function contentDump(store: MetadataStore, content: Content | ManifestContent) {
  if (content.kind === "set" || content.kind === "packed") return content;
  if (content.kind === "inline") {
    const bytes = await store.readInline(content.dataId);
    return Buffer.from(bytes ?? "gone").toString();
  }
  const { parts } = await store.listParts(content.manifestId, 0, 100);
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  const offsets = Array.from({ length: Math.min(sizeBytes + 2, 40) }, (_, index) => index - 1);
  const found = offsets.map((offset) => store.findPartAt(content.manifestId, offset));
  return { parts, found: await Promise.all(found) };
}

/** Every listing from its first page to its last. */
async function objectPages(store: MetadataStore, bucketId: number): Promise<ObjectPage[]> {
  const pages: ObjectPage[] = [];
  for (const { prefix, delimiter, limit } of listings()) {
    let after: string | undefined;
    for (let more = true; more;) {
      const page = await store.listObjects(
        objectsQuery(bucketId, { prefix, delimiter, limit, after }),
      );
      pages.push(page);
      const last = page.entries.at(-1);
      after = last?.kind === "prefix" ? last.prefix : last?.object.key;
      more = page.isTruncated;
    }
  }
  return pages;
}

async function versionPages(store: MetadataStore, bucketId: number): Promise<VersionPage[]> {
  const pages: VersionPage[] = [];
  for (const { prefix, delimiter, limit } of listings()) {
    let keyMarker: string | undefined;
    let versionIdMarker: string | undefined;
    for (let more = true; more;) {
      const markers = { keyMarker, versionIdMarker };
      const page = await store.listVersions(
        versionsQuery(bucketId, { prefix, delimiter, limit, ...markers }),
      );
      pages.push(page);
      const last = page.entries.at(-1);
      keyMarker = last?.kind === "prefix" ? last.prefix : last?.object.key;
      versionIdMarker = last?.kind === "prefix" ? undefined : last?.versionId;
      more = page.isTruncated;
    }
  }
  return pages;
}

/** Pages that begin where none ended: behind any key, with the id of any version, its own or another's, or of none. */
async function oddVersionPages(store: MetadataStore, bucketId: number): Promise<VersionPage[]> {
  const { entries } = await store.listVersions(versionsQuery(bucketId));
  const ids = entries.flatMap((entry) => (entry.kind === "prefix" ? [] : entry.versionId));
  const gone = newVersionId(1);
  const pages: VersionPage[] = [];
  for (const [index, keyMarker] of [...KEYS, "a/", "b", "\u{10ffff}"].entries()) {
    for (const versionIdMarker of [ids[index % ids.length], "null", gone]) {
      for (const [prefix, delimiter] of ODD_LISTINGS) {
        const query = { prefix, delimiter, limit: 3, keyMarker, versionIdMarker };
        pages.push(await store.listVersions(versionsQuery(bucketId, query)));
      }
    }
  }
  return pages;
}

/** Each version by its id, with its bytes, and the latest of each key. */
async function versionsDump(store: MetadataStore, bucketId: number) {
  const { entries } = await store.listVersions(versionsQuery(bucketId));
  const latest = KEYS.map((key) => ({ bucketId, key, versionId: undefined }));
  const named = entries.flatMap((entry) =>
    entry.kind === "prefix"
      ? []
      : [{ bucketId, key: entry.object.key, versionId: entry.versionId }],
  );
  return Promise.all(
    [...latest, ...named].map(async (name) => {
      const version = await store.findVersion(name);
      if (version?.kind !== "object") return version;
      return { version, bytes: await contentDump(store, version.object.content) };
    }),
  );
}

/** What is due, of each kind, in pages of two. */
async function dues(store: MetadataStore, bucketId: number): Promise<DueEntry[][]> {
  const lists: DueEntry[][] = [];
  for (const kind of ["current", "marker", "noncurrent", "upload"] as const) {
    for (const before of [4_000, 1_000_000]) {
      const entries: DueEntry[] = [];
      let page: readonly DueEntry[];
      do {
        const after = entries.at(-1);
        page = await store.listDue({ bucketId, kind, before, after, limit: 2 });
        entries.push(...page);
      } while (page.length > 0);
      lists.push(entries);
    }
  }
  return lists;
}

async function uploadPages(store: MetadataStore, bucketId: number): Promise<UploadPage[]> {
  const pages: UploadPage[] = [];
  for (const { prefix, delimiter, limit } of listings()) {
    let keyMarker: string | undefined;
    let uploadIdMarker: UploadId | undefined;
    for (let more = true; more;) {
      const markers = { keyMarker, uploadIdMarker };
      const page = await store.listUploads(
        uploadsQuery(bucketId, { prefix, delimiter, limit, ...markers }),
      );
      pages.push(page);
      const last = page.entries.at(-1);
      keyMarker = last?.kind === "prefix" ? last.prefix : last?.upload.key;
      uploadIdMarker = last?.kind === "upload" ? last.upload.uploadId : undefined;
      more = page.isTruncated;
    }
  }
  return pages;
}

function listings() {
  return DELIMITERS.flatMap((delimiter) =>
    PREFIXES.flatMap((prefix) => LIMITS.map((limit) => ({ delimiter, prefix, limit }))),
  );
}
