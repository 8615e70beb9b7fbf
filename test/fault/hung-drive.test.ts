// Must-show 7 of the commit path, in its short form: a drive whose calls are not answered, by a preloaded library.
// A data node that is stopped: stopped-node.test.ts. No request waits without end, and requests go on without the drive; for the one that holds
// SQLite the supervisor starts another worker, which makes the metadata anew on another drive from its members.
// The long form (60 seconds, again and again) is `npm run lab -- --only hang`; SimDrive hangs in store-reads.test.ts
// and store-writes.test.ts.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, test, type TestContext } from "vitest";
import { atEnd, withEnds } from "../support/at-end.ts";
import { prepareHang } from "../support/hang/hang-library.ts";
import { loadAround, LONGEST_MS } from "../support/hang/load-around.ts";
import { givenFolder, startProcess } from "../support/kintsugi-process.ts";
import { sdkClientOf } from "../support/sdk-client.ts";
import { until } from "../support/until.ts";

const KEYS = { accessKey: "operator", secretKey: "operator-secret-0123456789" };
const ENV = {
  KINTSUGI_ACCESS_KEY: KEYS.accessKey,
  KINTSUGI_SECRET_KEY: KEYS.secretKey,
  KINTSUGI_ADMIN_PORT: "none",
  KINTSUGI_BUCKETS: "bucket",
};
const LONGEST_WITHOUT_METADATA_MS = 30_000;

async function givenServer(context: TestContext, ...hungDrives: readonly string[]) {
  const scratch = await givenFolder();
  const folder = join(scratch, "data");
  await mkdir(folder);
  const hang = await prepareHang(scratch, ...hungDrives.map((drive) => join(folder, drive)));
  if (hang === undefined) return context.skip("no C compiler");
  atEnd(() => hang.end());
  const server = startProcess(["server", folder, "--port", "0"], { env: { ...ENV, ...hang.env } });
  const client = sdkClientOf(await server.ready(), KEYS);
  return { server, client, hang, folder };
}

// They wait for deadlines most of the time, and each has a server of its own.
const apart = (name: string, work: (context: TestContext) => Promise<void>): void =>
  // oxlint-disable-next-line vitest/expect-expect -- the work that is given has them
  test.concurrent(name, { timeout: 180_000 }, (context) => withEnds(() => work(context)));

apart(
  "F46 a drive of shards that hangs costs its requests one deadline, and none fails",
  async (context) => {
    const { client, hang, server } = await givenServer(context, "drive-6");
    const load = await loadAround({ client, bucket: "bucket" }, hang);
    expect(load.wrong).toEqual([]);
    expect([...load.failures]).toEqual([]);
    expect(load.longestMs).toBeLessThan(LONGEST_MS);
    expect(server.output).toMatch(/drive-6.*a drive is set aside/);
  },
);

apart(
  "with two drives that hang every object is read, and writes are refused in time",
  async (context) => {
    const { client, hang } = await givenServer(context, "drive-2", "drive-3");
    const bodies = new Map(
      [200, 40_000, 1_500_000].map((size) => [`${size}`, Buffer.alloc(size, `${size}`)]),
    );
    const put = (Key: string, Body = Buffer.alloc(0)) =>
      client.send(new PutObjectCommand({ Bucket: "bucket", Key, Body }));
    for (const [key, body] of bodies) await put(key, body);
    await hang.begin();
    const begin = performance.now();
    // They may be refused before everything is read.
    const writes = Promise.allSettled(
      Array.from({ length: 6 }, (_, index) => put(`${index}`, bodies.get("1500000"))),
    );
    const reads = Array.from({ length: 10 }, () => [...bodies]).flat();
    await Promise.all(
      reads.map(async ([Key, body]) => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: "bucket", Key }));
        expect(body.equals((await Body?.transformToByteArray()) ?? new Uint8Array())).toBe(true);
      }),
    );
    for (const { status } of await writes) expect(status).toBe("rejected");
    expect(performance.now() - begin).toBeLessThan(LONGEST_MS);
    await hang.end();
    const again = () => put("again", bodies.get("40000")).catch(() => undefined);
    await until(30_000, "writes go on", async () => (await again()) !== undefined);
  },
);

apart(
  "F46 the drive that holds SQLite hangs: another worker serves from its members",
  async (context) => {
    const { client, hang, server, folder } = await givenServer(context, "drive-1");
    const load = await loadAround({ client, bucket: "bucket" }, hang);
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
  },
);
