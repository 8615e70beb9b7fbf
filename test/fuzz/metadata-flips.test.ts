// Single bits flipped anywhere in a database of ours: what can then be read of objects and parts is what was written, or
// an error, or it is gone; it is never something else. What is gone, a comparison with the members finds. Inline bytes
// have their ETag. Replay with SEED=...; RUNS=... makes it longer.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { UploadId } from "../../src/core/ids.ts";
import type { Content, ManifestContent, VersionRecord } from "../../src/metadata/records.ts";
import { applyWrite, type WriteRequest } from "../../src/metadata/write-operations.ts";
import { BucketStates } from "../../src/metadata/sqlite/bucket-states.ts";
import { Numbering } from "../../src/metadata/sqlite/numbering.ts";
import { openForReading, openForWriting } from "../../src/metadata/sqlite/open-database.ts";
import { sqliteReads } from "../../src/metadata/sqlite/sqlite-reads.ts";
import { sqliteWrites } from "../../src/metadata/sqlite/sqlite-writes.ts";
import {
  OWNER,
  bucketInput,
  deleteRequest,
  inPack,
  inSet,
  inline,
  objectInput,
  partInput,
  uploadInput,
} from "../contract/metadata/inputs.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env["RUNS"] ?? 200);

const BUCKET = 1;
const KEYS = Array.from({ length: 90 }, (_, index) => `folder-${index % 7}/key-${index}`);
const UPLOAD = "upload";
const PARTS = 20;
const PART_BYTES = 10;

/** The file of a database with objects of each kind, a completed upload, older versions and delete markers. */
function writeDatabase(path: string): Buffer {
  const database = openForWriting(path);
  database.exec("begin");
  const numbering = new Numbering(database);
  const buckets = new BucketStates(database);
  const handlers = sqliteWrites(database, { numbering, buckets });
  const write = (request: WriteRequest) => {
    const result = applyWrite(handlers, request, 1);
    buckets.store();
    return result;
  };
  write({ name: "createBucket", input: bucketInput("bucket") });
  for (const [index, key] of KEYS.entries()) {
    const contents = [inline(key), inSet(index), inPack(1_000, index * 64)];
    const content = contents[index % 3] ?? inline(key);
    const input = objectInput(BUCKET, key, { content, sizeBytes: 1_000 + index });
    write({ name: "putObject", input });
  }
  const upload = uploadInput(BUCKET, UPLOAD, { id: UPLOAD });
  const manifestId = Number(write({ name: "createUpload", input: upload }));
  for (let number = 1; number <= PARTS; number += 1) {
    const content = number % 2 === 0 ? inSet(500 + number) : inPack(1_000, 64_000 + number);
    const input = partInput(upload, number, { content, sizeBytes: PART_BYTES });
    write({ name: "putPart", input });
  }
  const parts = database
    .prepare<[], { readonly number: number; readonly partId: number }>(
      "select number, id as partId from parts order by number",
    )
    .all();
  const name = { bucketId: BUCKET, key: UPLOAD, uploadId: UPLOAD as UploadId };
  const rest = { sizeBytes: PARTS * PART_BYTES, etag: "whole", completedAt: 1 };
  write({ name: "completeUpload", input: { ...name, ...rest, parts, checksum: undefined } });
  expect(manifestId).toBeGreaterThan(0);
  write({ name: "setVersioning", input: { bucketId: BUCKET, versioning: "enabled" } });
  for (const [index, key] of KEYS.entries()) {
    if (index % 2 === 0) continue;
    const content = index % 4 === 1 ? inSet(700 + index) : inline(`later ${key}`);
    write({ name: "putObject", input: objectInput(BUCKET, key, { content, etag: "later" }) });
  }
  const marker = { ownerId: OWNER, now: 1 };
  const requests = KEYS.filter((_key, index) => index % 9 === 3).map((key) => deleteRequest(key));
  write({ name: "deleteObjects", input: { bucketId: BUCKET, requests, marker } });
  numbering.store();
  database.exec("commit");
  database.close();
  return readFileSync(path);
}

/** What the store takes from each answer; a failed read answers nothing. */
function answersOf(path: string): Map<string, unknown> {
  const answers = new Map<string, unknown>();
  const note = (what: string, read: () => unknown) => {
    try {
      answers.set(what, read());
    } catch {
      answers.set(what, undefined);
    }
  };
  const database = openForReading(path);
  try {
    const reads = sqliteReads(database);
    for (const key of [...KEYS, UPLOAD]) {
      note(key, () => essence(reads.findObject(BUCKET, key)));
      for (const versionId of [undefined, "null"]) {
        const name = { bucketId: BUCKET, key, versionId };
        note(`${key} ${versionId}`, () => versionEssence(reads.findVersion(name)));
      }
    }
    const object = answers.get(UPLOAD) as { readonly content: ManifestContent } | undefined;
    const manifestId = object?.content.manifestId ?? 0;
    for (let offset = 0; offset < PARTS * PART_BYTES; offset += PART_BYTES / 2) {
      note(`offset ${offset}`, () => essence(reads.findPartAt(manifestId, offset)));
    }
    for (let number = 1; number <= PARTS; number += 1) {
      note(`part ${number}`, () => essence(reads.findPart(manifestId, number)));
    }
  } finally {
    database.close();
  }
  return answers;
}

function versionEssence(version: VersionRecord | undefined) {
  if (version?.kind !== "object") return version;
  return { ...version, object: essence(version.object) };
}

/** Without what may be wrong without harm: which shards are missing, and how far a pack has grown. */
function essence(found: { readonly content: Content | ManifestContent } | undefined) {
  if (found === undefined) return undefined;
  const { content } = found;
  if (content.kind === "inline" || content.kind === "manifest") return found;
  const { missing: _missing, ...set } = content.set;
  const sizeBytes = content.kind === "packed" ? 0 : set.sizeBytes;
  return { ...found, content: { ...content, set: { ...set, sizeBytes } } };
}

test(`a flipped bit is never another answer (seed ${seed})`, () => {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-flips-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const intact = writeDatabase(join(folder, "metadata.db"));
  const expected = answersOf(join(folder, "metadata.db"));
  // Those that are deleted show nothing.
  const absent = [...expected].filter(([, answer]) => answer === undefined);
  expect(absent).toHaveLength(KEYS.length / 9);
  const path = join(folder, "flipped.db");
  let harmed = 0;

  fc.assert(
    fc.property(fc.nat(intact.length * 8 - 1), (bit) => {
      const flipped = Buffer.from(intact);
      flipped[bit >> 3] = (intact[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(path, flipped);
      for (const left of [`${path}-wal`, `${path}-shm`]) rmSync(left, { force: true });
      let answers: Map<string, unknown>;
      try {
        answers = answersOf(path);
      } catch {
        // It is no database any more.
        harmed += 1;
        return;
      }
      const wrong = [...answers].filter(([, answer]) => answer !== undefined);
      for (const [what, answer] of wrong)
        expect([what, answer]).toEqual([what, expected.get(what)]);
      if (wrong.length < expected.size - absent.length) harmed += 1;
    }),
    { seed, numRuns },
  );
  expect(harmed).toBeGreaterThan(0);
}, 120_000);
