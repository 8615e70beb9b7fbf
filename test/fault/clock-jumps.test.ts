// The wall clock jumps by a year, forth and back, under the real server: the order of writes, conditions, listings and the
// trash come from the metadata's own numbers and from monotonic time, so that nothing is lost, hidden or removed early.
// Only what clients date is judged by the clock.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import { openEmbedded } from "../../src/server.ts";
import { realClock, type Clock } from "../../src/util/clock.ts";
import { EMBEDDED } from "../support/embedded.ts";
import { errorCode, sendRaw } from "../support/raw-http.ts";
import { patterned, refusal } from "../support/s3-server.ts";
import { bytesOf, collect, givenStore } from "../support/store-lab.ts";
import { sdkClientOf } from "../support/sdk-client.ts";
import { sha256Hex, signV4, wireBytes } from "../support/signing.ts";
import { deleteKeys } from "../support/delete-keys.ts";

const KEYS = { accessKey: "operator", secretKey: "operator-secret" };
const Bucket = "clock";
const YEAR_MS = 366 * 24 * 3_600_000;

/** A machine's clock that somebody sets. */
class SetClock implements Clock {
  offsetMs = 0;
  /** Whether clients' clocks are set too: else what they date is refused, and nothing more is seen. */
  isShared = true;

  now(): number {
    return realClock.now() + this.offsetMs;
  }

  monotonic(): number {
    return realClock.monotonic();
  }

  translate(dateMs: number): number {
    return this.isShared ? dateMs + this.offsetMs : dateMs;
  }
}

async function givenServer() {
  const clock = new SetClock();
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-clock-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const server = await openEmbedded({
    ...EMBEDDED,
    folders: [folder],
    sigv2: true,
    keys: KEYS,
    buckets: [Bucket],
    clock,
  });
  onTestFinished(() => server.close());
  const client = sdkClientOf(server.endpoint, KEYS);
  const setClock = (offsetMs: number): void => void (clock.offsetMs = offsetMs);
  return { client, clock, setClock, port: Number(new URL(server.endpoint).port) };
}

const JUMPS = [0, YEAR_MS, -YEAR_MS, 1_000, -1_000, 0];

test("F59 the last write is what is read, whatever the clock says of it", async () => {
  const { client, setClock } = await givenServer();
  const etags: string[] = [];
  for (const [index, offsetMs] of JUMPS.entries()) {
    setClock(offsetMs);
    for (const [Key, size] of [
      ["inline", 100],
      ["packed", 50_000],
      ["large", 1_500_000],
    ] as const) {
      const Body = patterned(size, index);
      await client.send(new PutObjectCommand({ Bucket, Key, Body }));
      const { Body: found } = await client.send(new GetObjectCommand({ Bucket, Key }));
      const bytes = (await found?.transformToByteArray()) ?? new Uint8Array();
      expect(Buffer.compare(bytes, Body), `${Key} after ${offsetMs}`).toBe(0);
    }
    const { ETag = "" } = await client.send(new HeadObjectCommand({ Bucket, Key: "inline" }));
    const swap = { Bucket, Key: "inline", Body: `swapped ${index}`, IfMatch: ETag };
    etags.push((await client.send(new PutObjectCommand(swap))).ETag ?? "");
    // The one of before the jump is not current any more, though it may be dated later.
    const stale = new PutObjectCommand({ ...swap, IfMatch: etags.at(-2) ?? '"0"' });
    expect(await refusal(client.send(stale))).toMatchObject({ code: "PreconditionFailed" });
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents.map(({ Key }) => Key)).toEqual(["inline", "large", "packed"]);
  }
});

test("F59 a reading goes on, and a deletion stays, over jumps of the clock", async () => {
  const { client, setClock } = await givenServer();
  const bytes = patterned(30_000_000, 1);
  await client.send(new PutObjectCommand({ Bucket, Key: "read", Body: bytes }));
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: "read" }));
  await client.send(new DeleteObjectCommand({ Bucket, Key: "read" }));
  for (const offsetMs of JUMPS) {
    setClock(offsetMs);
    expect(await refusal(client.send(new GetObjectCommand({ Bucket, Key: "read" })))).toMatchObject(
      {
        code: "NoSuchKey",
      },
    );
  }
  const read = (await Body?.transformToByteArray()) ?? new Uint8Array();
  expect(Buffer.compare(read, bytes)).toBe(0);
});

/** Both times in the test's hand. */
class TwoTimes implements Clock {
  wallMs = 1_700_000_000_000;
  monotonicMs = 1_000_000;

  now(): number {
    return this.wallMs;
  }

  monotonic(): number {
    return this.monotonicMs;
  }

  translate(dateMs: number): number {
    return dateMs;
  }
}

test.each([YEAR_MS, -YEAR_MS])(
  "F59 a jump by %i ms collects nothing early, and cuts no reading off",
  async (jumpMs) => {
    const clock = new TwoTimes();
    const lab = await givenStore({ clock });
    const { store, bucket } = lab;
    const bytes = bytesOf(3_000_000, 1);
    await lab.put("read", bytes);
    const reading = await store.openObject(bucket, "read");
    if (reading === undefined) throw new Error("no object");
    const windows = reading.read(0, bytes.length);
    await deleteKeys(store, bucket, ["read"]);
    await store.collectTrash();
    clock.wallMs += jumpMs;
    expect(await store.collectTrash()).toEqual({ removedCount: 0, waitingCount: 1 });
    expect(await lab.shardFiles()).toHaveLength(6);
    expect((await collect(windows)).equals(bytes)).toBe(true);
    // What does pass is the time that nobody sets.
    clock.monotonicMs += 60_000;
    expect(await store.collectTrash()).toEqual({ removedCount: 1, waitingCount: 0 });
  },
);

test.each([YEAR_MS, -YEAR_MS])(
  "F59 who signs by another clock (%i ms away) is told so, and by which",
  async (offsetMs) => {
    const { clock, setClock, port } = await givenServer();
    clock.isShared = false;
    setClock(offsetMs);
    const path = `/${Bucket}/key`;
    const headers = { host: `127.0.0.1:${port}` };
    const signed = signV4(KEYS, { method: "GET", path, headers, payload: sha256Hex("") });
    const answer = await sendRaw(port, wireBytes("GET", path, signed.headers, ""));
    expect([answer.status, errorCode(answer)]).toEqual([403, "RequestTimeTooSkewed"]);
    expect(answer.body).toContain(
      `<ServerTime>${new Date(Date.now() + offsetMs).getUTCFullYear()}`,
    );
  },
);
