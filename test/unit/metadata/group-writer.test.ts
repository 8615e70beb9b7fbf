// One group, one transaction: what a refusal undoes, what a failed commit leaves, and how statements find their rows.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import SQLite, { type Database } from "better-sqlite3";
import { onTestFinished, expect, test } from "vitest";
import { WriterHost } from "../../../src/metadata/sqlite/writer-host.ts";
import { parseEffects } from "../../../src/metadata/sqlite/effects.ts";
import { GroupWriter } from "../../../src/metadata/sqlite/group-writer.ts";
import {
  addStatements,
  knownStatements,
  readPosition,
} from "../../../src/metadata/sqlite/chain-state.ts";
import {
  openBesideMembers,
  openForReading,
  openForWriting,
} from "../../../src/metadata/sqlite/open-database.ts";
import { objectReads } from "../../../src/metadata/sqlite/object-reads.ts";
import type { WriteGroup } from "../../../src/metadata/sqlite/write-protocol.ts";
import type { WriteRequest } from "../../../src/metadata/write-operations.ts";
import {
  MARKER,
  bucketInput,
  deleteRequest,
  inPack,
  inSet,
  inline,
  objectInput,
} from "../../contract/metadata/inputs.ts";

function givenPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-writer-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "metadata.db");
}

/** The writer without its thread; resolves to a function that applies a group. */
async function givenWriter(path: string, openSole?: () => Database) {
  const host = new WriterHost({ path, plan: undefined, send: () => {}, openSole });
  await host.start();
  onTestFinished(() => host.close());
  const apply = async (asked: WriteGroup) => {
    const reply = await host.apply(asked);
    if (reply.kind === "answers") return reply.answers;
    throw new Error(reply.fault.message);
  };
  return { apply };
}

function group(...requests: WriteRequest[]): WriteGroup {
  return { kind: "group", nowMs: 1_000, requests };
}

const bucket = (name: string): WriteRequest => ({ name: "createBucket", input: bucketInput(name) });
const put = (key: string, change = {}): WriteRequest => ({
  name: "putObject",
  input: objectInput(1, key, change),
});

test("what is refused or fails undoes itself and leaves the rest of its group", async () => {
  const path = givenPath();
  const writer = await givenWriter(path);
  const condition = { ifMatch: "other" };
  const answers = await writer.apply(
    group(
      bucket("one"),
      put("a", { content: inSet(1) }),
      bucket("one"),
      put("a", { condition }),
      put("b", { content: inSet(1) }),
      put("c"),
    ),
  );
  expect(answers.map(({ kind }) => kind)).toEqual([
    "done",
    "done",
    "refused",
    "refused",
    "failed",
    "done",
  ]);
  expect(answers[2]).toMatchObject({ refusal: { code: "BucketAlreadyOwnedByYou" } });
  expect(answers[3]).toMatchObject({ refusal: { code: "PreconditionFailed" } });
  // The numbers that refused writes took are given back.
  expect(answers[5]).toMatchObject({ result: { sequence: 3 } });

  const reader = openForReading(path);
  onTestFinished(() => void reader.close());
  const { findObject, findBucket } = objectReads(reader);
  expect(findBucket("one")).toMatchObject({ objectCount: 2, objectBytes: 10 });
  expect(findObject(1, "a")).toMatchObject({ etag: "etag-1", sequence: 2 });
  expect(findObject(1, "b")).toBeUndefined();
  expect(findObject(1, "c")).toMatchObject({ sequence: 3 });
});

test("a commit that fails leaves nothing of its group, and the next group opens anew", async () => {
  const path = givenPath();
  const failures = [false, true, false];
  let opened = 0;
  const open = () => {
    const database = openForWriting(path);
    opened += 1;
    const prepare = database.prepare.bind(database);
    database.prepare = ((source: string) => {
      const statement = prepare(source);
      if (source !== "commit") return statement;
      const run = statement.run.bind(statement);
      statement.run = () => {
        if (failures.shift() === true) throw new Error("disk I/O error");
        return run();
      };
      return statement;
    }) as typeof database.prepare;
    return database;
  };
  const writer = await givenWriter(path, open);
  await writer.apply(group(bucket("one")));
  await expect(writer.apply(group(put("lost"), put("lost too")))).rejects.toThrow("disk I/O error");

  const reader = openForReading(path);
  onTestFinished(() => void reader.close());
  const { findObject } = objectReads(reader);
  expect(findObject(1, "lost")).toBeUndefined();
  const answers = await writer.apply(group(put("kept")));
  expect(answers[0]).toMatchObject({ kind: "done", result: { sequence: 2 } });
  expect(findObject(1, "kept")).toBeDefined();
  expect(findObject(1, "lost too")).toBeUndefined();
  expect(opened).toBe(2);
});

test("a database that cannot be opened again fails each group, until it can", async () => {
  const path = givenPath();
  let isGone = false;
  const writer = await givenWriter(path, () => {
    if (isGone) throw new Error("unable to open database file");
    const database = openForWriting(path);
    const prepare = database.prepare.bind(database);
    database.prepare = ((source: string) => {
      const statement = prepare(source);
      if (source !== "commit") return statement;
      const run = statement.run.bind(statement);
      statement.run = () => {
        if (isGone) throw new Error("disk I/O error");
        return run();
      };
      return statement;
    }) as typeof database.prepare;
    return database;
  });
  await writer.apply(group(bucket("one")));
  isGone = true;
  await expect(writer.apply(group(put("lost")))).rejects.toThrow("disk I/O error");
  await expect(writer.apply(group(put("a")))).rejects.toThrow("unable to open");
  await expect(writer.apply(group(put("b")))).rejects.toThrow("unable to open");
  isGone = false;
  expect((await writer.apply(group(put("c"))))[0]).toMatchObject({ kind: "done" });
});

/** A writer whose changes go to members, which keep them all. */
async function givenRecordingWriter(path: string) {
  openForWriting(path).close();
  const database = openBesideMembers(path);
  const writer = new GroupWriter(database, { hasMembers: true });
  onTestFinished(() => writer.close());
  addStatements(database, writer.newStatements);
  const records: Uint8Array[] = [];
  writer.useMembers(async (effects) => {
    records.push(Buffer.concat(effects));
    return { sequence: records.length, epoch: 1, digest: "0".repeat(64) };
  });
  return { writer, records };
}

test.each([
  [
    "that had changed nothing",
    put("refused", { condition: { ifMatch: "other" } }),
    "refused",
    false,
  ],
  ["that failed", put("refused", { content: inSet(1) }), "failed", false],
  // Its bytes are taken in before there is found to be no room for them.
  ["that had changed something", put("refused", { sizeBytes: 1_000 }), "refused", true],
])(
  "a write %s is undone, and what is counted and recorded is the others",
  async (_, bad, kind, isUndone) => {
    const path = givenPath();
    const { writer, records } = await givenRecordingWriter(path);
    const quota = { name: "putBucketQuota", input: { bucketId: 1, quotaBytes: 100 } } as const;
    await writer.apply(group(bucket("one"), quota, put("first", { content: inSet(1) })));
    const overwriting = put("refused", { content: inline("x"), sizeBytes: 1 });
    const answers = await writer.apply(group(put("a"), overwriting, bad, put("b")));
    expect(answers.map((answer) => answer.kind)).toEqual(["done", "done", kind, "done"]);
    expect(answers[3]).toMatchObject({ result: { sequence: 5 } });
    expect(records).toHaveLength(2);

    const reader = openForReading(path);
    onTestFinished(() => void reader.close());
    const { findObject, findBucket } = objectReads(reader);
    expect(findBucket("one")).toMatchObject({ objectCount: 4, objectBytes: 16 });
    expect(findObject(1, "refused")).toMatchObject({ sequence: 4, content: { kind: "inline" } });
    expect(readPosition(reader)).toMatchObject({ sequence: 2 });
    const played = records.flatMap((record) => [...parseEffects(record)]);
    const texts = new Map([...knownStatements(reader)].map(([text, id]) => [id, text]));
    const counts = played.filter((effect) =>
      texts.get(effect.statementId)?.startsWith("update buckets set object_count"),
    );
    const values = counts.map((effect) => Object.values(effect.values).map(Number));
    const sum = (index: number) => values.reduce((total, each) => total + (each[index] ?? 0), 0);
    expect([sum(0), sum(1)]).toEqual([4, 16]);
    // Once a group, for all of it; each write by itself only where one had to be undone.
    expect(values).toHaveLength(isUndone ? 4 : 2);
  },
);

const removal = (...some: string[]): WriteRequest => ({
  name: "deleteObjects",
  input: { bucketId: 1, requests: some.map((key) => deleteRequest(key)), marker: MARKER },
});

/** All that a delete changes. */
function stateOf(database: Database) {
  return {
    buckets: database.prepare("select name, object_count, object_bytes from buckets").all(),
    objects: database.prepare("select * from objects order by key").all(),
    inline: database.prepare("select id from inline_data order by id").all(),
    sets: database.prepare("select * from shard_sets order by id").all(),
    trash: database.prepare("select set_id from trash").all(),
  };
}

test("many keys that go together, some that cannot, and a put: what is counted and recorded is what was done", async () => {
  const path = givenPath();
  const { writer, records } = await givenRecordingWriter(path);
  const keys = ["a", "b", "c", "d", "e", "f"];
  const tags = [{ key: "k", value: "v" }];
  const changes = [{}, { content: inSet(1) }, { content: inPack(2, 64) }, { tags }, {}, {}];
  await writer.apply(group(bucket("one"), ...keys.map((key, nth) => put(key, changes[nth]))));
  await writer.apply(group(...["rotten", "v", "w", "x", "y", "z"].map((key) => put(key))));
  const damaging = new SQLite(path);
  damaging.prepare("update objects set etag = 'other' where key = 'rotten'").run();
  damaging.close();
  const answers = await writer.apply(
    group(
      removal(...keys, "absent"),
      removal("rotten", "v", "w", "x", "y"),
      put("new"),
      removal("v", "w", "x", "y"),
    ),
  );
  expect(answers.map(({ kind }) => kind)).toEqual(["done", "failed", "done", "done"]);

  const reader = openForReading(path);
  onTestFinished(() => void reader.close());
  expect(objectReads(reader).findBucket("one")).toMatchObject({ objectCount: 3, objectBytes: 15 });
  const kept = stateOf(reader);
  expect(kept.objects).toHaveLength(3);
  expect(kept.inline).toHaveLength(3);

  // A copy that plays what was recorded comes to the same, but for the rot.
  const copy = openForWriting(givenPath());
  onTestFinished(() => void copy.close());
  const texts = new Map([...knownStatements(reader)].map(([text, id]) => [id, text]));
  for (const { statementId, values } of records.flatMap((record) => [...parseEffects(record)])) {
    const statement = copy.prepare(texts.get(statementId) ?? "");
    const given = Array.isArray(values) ? values : [values];
    if (statement.reader) statement.all(...given);
    else statement.run(...given);
  }
  copy.prepare("update objects set etag = 'other' where key = 'rotten'").run();
  expect(stateOf(copy)).toEqual(kept);
});
