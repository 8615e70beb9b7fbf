// What the admin API starts, on a real server: verify, compact and sweep stream what they find, and end with a report.

import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import { exchange } from "../support/raw-http.ts";
import { sdkClientOf } from "../support/sdk-client.ts";
import { codeOfAnswer, linesOfAnswer, startAdmin, type AdminLab } from "../support/admin-server.ts";

const Bucket = "jobs";
const LARGE_BYTES = 3 * 1024 * 1024;
const PACKED_BYTES = 32 * 1024;

interface JobLab extends AdminLab {
  readonly folder: string;
  readonly put: (Key: string, sizeBytes: number) => Promise<void>;
  readonly remove: (Key: string) => Promise<void>;
}

async function givenServer(): Promise<JobLab> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-admin-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const lab = await startAdmin({ dir: folder });
  const client = sdkClientOf(lab.server.endpoint, lab.keys);
  await client.send(new CreateBucketCommand({ Bucket }));
  return {
    ...lab,
    folder,
    put: async (Key, sizeBytes) => {
      await client.send(new PutObjectCommand({ Bucket, Key, Body: bytesOf(Key, sizeBytes) }));
    },
    remove: async (Key) => {
      await client.send(new DeleteObjectCommand({ Bucket, Key }));
    },
  };
}

function bytesOf(seed: string, sizeBytes: number): Buffer {
  const block = createHash("sha512").update(seed).digest();
  return Buffer.alloc(sizeBytes, block);
}

async function shardFilesOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /^[0-9a-f]{32}\.\d+$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
}

/** A bit of one shard is another. */
async function damageOne({ folder }: JobLab): Promise<void> {
  const [file = ""] = await shardFilesOf(folder);
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(10_000) ^ 1, 10_000);
  await writeFile(file, bytes);
}

const verify = (lab: AdminLab, body = "{}") =>
  lab.send({ method: "POST", path: "/v1/verify", body, raw: { timeoutMs: 60_000 } });

test("verify of a whole store: progress, no finding, and a report with everything counted", async () => {
  const lab = await givenServer();
  await lab.put("inline", 100);
  await lab.put("packed", PACKED_BYTES);
  await lab.put("large", LARGE_BYTES);
  const answer = await verify(lab);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  const lines = linesOfAnswer(answer);
  expect(lines.filter(({ type }) => type === "finding")).toEqual([]);
  expect(lines.at(-1)).toMatchObject({
    type: "report",
    isComplete: true,
    objects: 3,
    bytes: 100 + PACKED_BYTES + LARGE_BYTES,
  });
});

test("verify names the object whose shard was damaged, below its prefix and not below others", async () => {
  const lab = await givenServer();
  await lab.put("a/large", LARGE_BYTES);
  await damageOne(lab);
  const lines = linesOfAnswer(await verify(lab, JSON.stringify({ bucket: Bucket, prefix: "a/" })));
  expect(lines.filter(({ type }) => type === "finding")).toMatchObject([
    { kind: "below-redundancy", bucket: Bucket, key: "a/large" },
  ]);
  expect(lines.at(-1)).toMatchObject({ type: "report", belowRedundancy: 1 });
  const other = linesOfAnswer(await verify(lab, JSON.stringify({ bucket: Bucket, prefix: "b/" })));
  expect(other.at(-1)).toMatchObject({ type: "report", objects: 0, belowRedundancy: 0 });
});

test("verify of a bucket that is not there answers 404 before anything else", async () => {
  const lab = await givenServer();
  const answer = await verify(lab, '{"bucket":"nowhere"}');
  expect([answer.status, codeOfAnswer(answer)]).toEqual([404, "NoSuchBucket"]);
});

test("compact of everything moves what lives and gives up what is dead", async () => {
  const lab = await givenServer();
  for (let index = 0; index < 8; index += 1) await lab.put(`small-${index}`, PACKED_BYTES);
  for (let index = 0; index < 4; index += 1) await lab.remove(`small-${index}`);
  const body = '{"all":true}';
  const answer = await lab.send({ method: "POST", path: "/v1/compact", body });
  expect(linesOfAnswer(answer).at(-1)).toMatchObject({
    type: "report",
    packCount: 1,
    movedCount: 4,
    movedBytes: 4 * PACKED_BYTES,
    isComplete: true,
  });
  const after = linesOfAnswer(await verify(lab)).at(-1);
  expect(after).toMatchObject({ isComplete: true, objects: 4, belowRedundancy: 0 });
});

test("sweep looks at every drive and says what it found", async () => {
  const lab = await givenServer();
  await lab.put("large", LARGE_BYTES);
  const body = '{"dryRun":true}';
  const answer = await lab.send({ method: "POST", path: "/v1/sweep", body });
  expect(linesOfAnswer(answer).at(-1)).toMatchObject({
    type: "report",
    isComplete: true,
    shardsSeen: 6,
    orphanSets: 0,
    skippedDrives: [],
  });
});

test("a client that goes away ends the job, and the next one may begin", async () => {
  const lab = await givenServer();
  for (let index = 0; index < 20; index += 1) await lab.put(`large-${index}`, LARGE_BYTES);
  const bytes = lab.render({ method: "POST", path: "/v1/verify", body: "{}" });
  const gone = await exchange(lab.port, (socket) => {
    socket.write(bytes);
    socket.once("data", () => socket.destroy());
  }).catch(() => undefined);
  expect(gone?.status ?? 200).toBe(200);
  // It ends at the next object; until then a second one is told to wait.
  for (;;) {
    const answer = await verify(lab, JSON.stringify({ prefix: "none" }));
    if (answer.status === 200) break;
    expect([answer.status, codeOfAnswer(answer)]).toEqual([409, "JobRunning"]);
  }
});

test("the server's end ends a job under way, without a report that could be taken for one", async () => {
  const lab = await givenServer();
  await lab.put("a first one", LARGE_BYTES);
  // Told of at once, so that there is something to hear while the rest is still to come.
  await damageOne(lab);
  for (let index = 0; index < 20; index += 1) await lab.put(`large-${index}`, LARGE_BYTES);
  const bytes = lab.render({ method: "POST", path: "/v1/verify", body: "{}" });
  let stopping: Promise<void> | undefined;
  const answer = await exchange(lab.port, (socket) => {
    socket.write(bytes);
    socket.once("data", () => (stopping = lab.server.stop()));
  });
  await stopping;
  const last = linesOfAnswer(answer).at(-1);
  expect(last?.["type"] === "report" && last["isComplete"] === true).toBe(false);
});
