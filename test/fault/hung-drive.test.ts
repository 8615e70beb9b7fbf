// Must-show 7 of the commit path, in its short form: a drive whose calls are not answered, by a preloaded library, and a
// data node that is stopped. No request waits without end, and requests go on without the drive; for the one that holds
// SQLite the supervisor starts another worker, which makes the metadata anew on another drive from its members.
// The long form (60 seconds, again and again) is `npm run lab -- --only hang`; SimDrive hangs in store-reads.test.ts
// and store-writes.test.ts.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect, onTestFinished, test, type TestContext } from "vitest";
import { Cluster } from "../support/cluster.ts";
import { prepareHang, type Hang } from "../support/hang/hang-library.ts";
import { SteadyLoad } from "../support/hang/steady-load.ts";
import { givenFolder, startProcess } from "../support/kintsugi-process.ts";
import { sdkClientOf } from "../support/sdk-client.ts";

const KEYS = { accessKey: "operator", secretKey: "operator-secret-0123456789" };
const ENV = {
  KINTSUGI_ACCESS_KEY: KEYS.accessKey,
  KINTSUGI_SECRET_KEY: KEYS.secretKey,
  KINTSUGI_ADMIN_PORT: "none",
  KINTSUGI_BUCKETS: "bucket",
};
const LONGEST_MS = 15_000;
const LONGEST_WITHOUT_METADATA_MS = 30_000;
/** Requests that must go through while the drive hangs, before it answers again. */
const GOOD_WHILE_HUNG = 60;

async function givenServer(context: TestContext, ...hungDrives: readonly string[]) {
  const scratch = await givenFolder();
  const folder = join(scratch, "data");
  await mkdir(folder);
  const hang = await prepareHang(scratch, ...hungDrives.map((drive) => join(folder, drive)));
  if (hang === undefined) return context.skip("no C compiler");
  onTestFinished(() => hang.end());
  const server = startProcess(["server", folder, "--port", "0"], { env: { ...ENV, ...hang.env } });
  const client = sdkClientOf(await server.ready(), KEYS);
  return { server, client, hang, folder };
}

/** Load before, while and after something hangs. */
async function loadAround(client: S3Client, hang: Pick<Hang, "begin" | "end">) {
  const load = new SteadyLoad({ client, bucket: "bucket", seed: 7, lanes: 3 });
  load.start();
  await expect.poll(() => load.goodIn("before"), { timeout: 30_000 }).toBeGreaterThan(30);
  await hang.begin();
  load.phase = "hung";
  await expect
    .poll(() => load.goodIn("hung"), { timeout: 90_000 })
    .toBeGreaterThan(GOOD_WHILE_HUNG);
  await hang.end();
  load.phase = "after";
  await expect.poll(() => load.goodIn("after"), { timeout: 30_000 }).toBeGreaterThan(30);
  await load.stop();
  await load.verify();
  return load;
}

test("F46 a drive of shards that hangs costs its requests one deadline, and none fails", async (context) => {
  const { client, hang, server } = await givenServer(context, "drive-6");
  const load = await loadAround(client, hang);
  expect(load.wrong).toEqual([]);
  expect([...load.failures]).toEqual([]);
  expect(load.longestMs).toBeLessThan(LONGEST_MS);
  expect(server.output).toMatch(/drive-6.*a drive is set aside/);
}, 180_000);

test("with two drives that hang every object is read, and writes are refused in time", async (context) => {
  const { client, hang } = await givenServer(context, "drive-2", "drive-3");
  const bodies = new Map(
    [200, 40_000, 1_500_000].map((size) => [`${size}`, Buffer.alloc(size, `${size}`)]),
  );
  const put = (Key: string, Body = Buffer.alloc(0)) =>
    client.send(new PutObjectCommand({ Bucket: "bucket", Key, Body }));
  for (const [key, body] of bodies) await put(key, body);
  await hang.begin();
  const begin = performance.now();
  const writes = Array.from({ length: 6 }, (_, index) => put(`${index}`, bodies.get("1500000")));
  const reads = Array.from({ length: 10 }, () => [...bodies]).flat();
  await Promise.all(
    reads.map(async ([Key, body]) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: "bucket", Key }));
      expect(body.equals((await Body?.transformToByteArray()) ?? new Uint8Array())).toBe(true);
    }),
  );
  for (const { status } of await Promise.allSettled(writes)) expect(status).toBe("rejected");
  expect(performance.now() - begin).toBeLessThan(LONGEST_MS);
  await hang.end();
  const again = () => put("again", bodies.get("40000")).catch(() => undefined);
  await expect.poll(again, { timeout: 30_000 }).toBeDefined();
}, 120_000);

test("F46 the drive that holds SQLite hangs: another worker serves from its members", async (context) => {
  const { client, hang, server, folder } = await givenServer(context, "drive-1");
  const load = await loadAround(client, hang);
  expect(load.wrong).toEqual([]);
  expect(load.longestMs).toBeLessThan(LONGEST_WITHOUT_METADATA_MS);
  // Only those that were under way when the worker was ended.
  const failed = load.timings.filter(({ isGood }) => !isGood).length;
  expect(failed).toBeLessThanOrEqual(3);
  expect(server.output).toContain(`what does not answer: ${join(folder, "drive-1")}`);
  expect(await server.stop()).toMatchObject({ code: 0 });
  // The drive is back, with metadata of before: what the members know holds.
  const again = startProcess(["server", folder, "--port", "0"], { env: ENV });
  await load.verify(sdkClientOf(await again.ready(), KEYS));
  expect(load.wrong).toEqual([]);
}, 180_000);

test("F50 a data node that is stopped costs its requests one deadline, and none fails", async () => {
  const endings: (() => Promise<unknown>)[] = [];
  onTestFinished(async () => {
    for (const end of endings.toReversed()) await end();
  }, 60_000);
  const cluster = await Cluster.start(6, (end) => endings.push(end));
  await cluster.client.send(new CreateBucketCommand({ Bucket: "bucket" }));
  const load = await loadAround(cluster.client, {
    begin: async () => cluster.signal(4, "SIGSTOP"),
    end: async () => cluster.signal(4, "SIGCONT"),
  });
  expect(load.wrong).toEqual([]);
  expect([...load.failures]).toEqual([]);
  expect(load.longestMs).toBeLessThan(LONGEST_MS);
}, 240_000);
