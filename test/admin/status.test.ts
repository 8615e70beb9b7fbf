// The status of a real server, well and not: what it says, and that the command shows it and ends with the right code.

import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import { showStatus, verify, type CommandContext } from "../../src/cli/admin-commands.ts";
import { startAdmin, type AdminLab } from "../support/admin-server.ts";
import { sdkClientOf } from "../support/sdk-client.ts";

const Bucket = "status";

class Screen {
  text = "";

  write(text: string): boolean {
    this.text += text;
    return true;
  }
}

interface Shown {
  readonly context: CommandContext;
  readonly stdout: Screen;
  readonly stderr: Screen;
}

function contextOf(lab: AdminLab, more: Partial<CommandContext> = {}): Shown {
  const [stdout, stderr] = [new Screen(), new Screen()];
  const { endpoint, keys: key } = lab;
  const context = { endpoint, key, isInsecure: false, isJson: false, stdout, stderr, ...more };
  return { context, stdout, stderr };
}

async function givenFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-status-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function givenObjects(lab: AdminLab): Promise<void> {
  const client = sdkClientOf(lab.server.endpoint, lab.keys);
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key: "small", Body: "s" }));
  const Body = Buffer.alloc(3_000_000, "large");
  await client.send(new PutObjectCommand({ Bucket, Key: "large", Body }));
}

test("a server on which all is well says so, with what it holds, and the command ends with 0", async () => {
  const lab = await startAdmin();
  await givenObjects(lab);
  const answer = await lab.send({ path: "/v1/status" });
  expect(JSON.parse(answer.body)).toMatchObject({
    isWell: true,
    isWritable: true,
    problems: [],
    endpoint: lab.server.endpoint,
    geometry: { dataShards: 4, parityShards: 2 },
    writeQuorum: 5,
    // Six folders on one disk.
    disks: { count: 1, mayFailBeforeLoss: 0, mayFailBeforeOutage: 0 },
    totals: { buckets: 1, objects: 2, objectBytes: 3_000_001, degradedSets: 0 },
    drives: Array.from({ length: 6 }, () => ({ state: "good" })),
    workers: expect.arrayContaining([expect.objectContaining({ name: "trash" })]),
    jobs: [],
  });
  const { context, stdout } = contextOf(lab);
  expect(await showStatus(context)).toBe(0);
  expect(stdout.text).toContain("all well");
  expect(stdout.text).toContain("2 objects of 2.9 MiB in 1 bucket");
  // One screen.
  expect(stdout.text.split("\n").length).toBeLessThan(24);
});

test("the whole answer as JSON, for scripts", async () => {
  const lab = await startAdmin();
  const { context, stdout } = contextOf(lab, { isJson: true });
  expect(await showStatus(context)).toBe(0);
  expect(JSON.parse(stdout.text)).toMatchObject({ isWell: true, problems: [] });
});

test("a drive whose folder is gone is named, and the command ends with 1", async () => {
  const folder = await givenFolder();
  const lab = await startAdmin({ dir: folder });
  await givenObjects(lab);
  const [drive, aside] = [join(folder, "drive-6"), join(folder, "aside")];
  await rename(drive, aside);
  // Nothing else asks the drives meanwhile.
  const idle = contextOf(lab);
  expect(await showStatus(idle.context)).toBe(1);
  expect(idle.stdout.text).toContain(`- drive ${drive} is away`);
  const client = sdkClientOf(lab.server.endpoint, lab.keys);
  const Body = Buffer.alloc(3_000_000, "more");
  await client.send(new PutObjectCommand({ Bucket, Key: "more", Body }));
  const { Body: read } = await client.send(new GetObjectCommand({ Bucket, Key: "large" }));
  expect((await read?.transformToByteArray())?.length).toBe(3_000_000);
  const { context, stdout } = contextOf(lab);
  expect(await showStatus(context)).toBe(1);
  expect(stdout.text).toMatch(/to look at/);
  expect(stdout.text).toMatch(/sets? (is|are) below full redundancy/);
  await rename(aside, drive);
});

test("verify prints each finding and a report, and ends with 1; clean it ends with 0", async () => {
  const folder = await givenFolder();
  const lab = await startAdmin({ dir: folder });
  await givenObjects(lab);
  const clean = contextOf(lab);
  expect(await verify(clean.context, undefined)).toBe(0);
  expect(clean.stdout.text).toContain("clean: everything is whole");
  expect(clean.stderr.text).toMatch(/verifying: /);
  await rm(join(folder, "drive-3", "shards"), { recursive: true });
  const damaged = contextOf(lab);
  expect(await verify(damaged.context, `${Bucket}/la`)).toBe(1);
  expect(damaged.stdout.text).toMatch(/^below-redundancy status\/large: /m);
  const json = contextOf(lab, { isJson: true });
  expect(await verify(json.context, Bucket)).toBe(1);
  const lines = json.stdout.text.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { type: "finding", key: "large" },
    { type: "report", belowRedundancy: 1 },
  ]);
});

test.each([
  ["a wrong secret key", { secretKey: "wrong" }, /is not the right one/],
  ["another access key", { accessKey: "nobody-here" }, /is not the root account's access key/],
])("%s is told from other troubles", async (_what, change, words) => {
  const lab = await startAdmin();
  const { context } = contextOf(lab, { key: { ...lab.keys, ...change } });
  await expect(showStatus(context)).rejects.toThrow(words);
});

test("where nothing answers, or something else does, the words say so", async () => {
  const lab = await startAdmin();
  const onS3 = contextOf(lab, { endpoint: lab.server.endpoint });
  await expect(showStatus(onS3.context)).rejects.toThrow(/not Kintsugi's admin API/);
  await lab.server.stop();
  await expect(showStatus(contextOf(lab).context)).rejects.toThrow(/nothing answers at/);
});

test("without adminPort there is no admin API", async () => {
  const { startServer } = await import("../../src/index.ts");
  const server = await startServer();
  onTestFinished(() => server.stop());
  expect(server.adminEndpoint).toBeUndefined();
});
