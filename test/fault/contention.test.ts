// Many at one key, or at one bucket: the real server in this process under the AWS SDK. Conditional writes have one winner
// each, a PUT that takes its time holds nobody up, and listings amid changes neither skip nor repeat what stands still.

import { connect } from "node:net";
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { expect, onTestFinished, test } from "vitest";
import { seededRandom } from "../../src/util/seeded-random.ts";
import { byUtf8, startS3, statusOf } from "../support/s3-server.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
const CLIENTS = 24;

async function textOf(client: S3Client, Bucket: string, Key: string) {
  const { Body, ETag } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return { text: (await Body?.transformToString()) ?? "", ETag };
}

test.each([10, 40_000, 1_500_000])(
  "F68 of many who create one key (%i bytes) one does, and its bytes are there",
  async (sizeBytes) => {
    const { client, bucket: Bucket } = await startS3();
    const bodies = Array.from({ length: CLIENTS }, (_, index) =>
      String.fromCodePoint(97 + index).repeat(sizeBytes),
    );
    const statuses = await Promise.all(
      bodies.map((Body) =>
        statusOf(client.send(new PutObjectCommand({ Bucket, Key: "one", Body, IfNoneMatch: "*" }))),
      ),
    );
    const winners = bodies.filter((_, index) => statuses[index] === 200);
    expect(winners).toHaveLength(1);
    for (const status of statuses) expect([200, 409, 412]).toContain(status);
    expect((await textOf(client, Bucket, "one")).text === winners[0]).toBe(true);
  },
);

test("F68 a counter that many raise by compare-and-swap has counted every success once", async () => {
  const { client, bucket: Bucket, givenObject } = await startS3();
  await givenObject("counter", "0");
  let successes = 0;
  const raise = async (): Promise<void> => {
    for (let round = 0; round < 10; round += 1) {
      const { text, ETag } = await textOf(client, Bucket, "counter");
      const Body = String(Number(text) + 1);
      const swap = new PutObjectCommand({ Bucket, Key: "counter", Body, IfMatch: ETag });
      const status = await statusOf(client.send(swap));
      expect([200, 409, 412]).toContain(status);
      successes += status === 200 ? 1 : 0;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, raise));
  expect(successes).toBeGreaterThan(0);
  expect((await textOf(client, Bucket, "counter")).text).toBe(String(successes));
});

test("F68 F74 a key that is overwritten, deleted and created all the time always has one whole content", async () => {
  const { client, bucket: Bucket } = await startS3();
  const over = new AbortController();
  const write = async (letter: string): Promise<void> => {
    for (let round = 0; round < 12; round += 1) {
      const Body = letter.repeat(1_200_000 + round);
      await client.send(new PutObjectCommand({ Bucket, Key: "hot", Body }));
      if (round % 4 === 3) await client.send(new DeleteObjectCommand({ Bucket, Key: "hot" }));
    }
  };
  const seen = new Map<string, number>();
  const read = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const what = await textOf(client, Bucket, "hot").then(
        ({ text }) => (isWhole(text) ? "whole" : `${text.length} bytes, not one letter's`),
        (error: Error) => error.name,
      );
      seen.set(what, (seen.get(what) ?? 0) + 1);
    }
  };
  const readers = [read(), read(), read()];
  await Promise.all(["a", "b", "c"].map(write));
  over.abort();
  await Promise.all(readers);
  seen.delete("NoSuchKey");
  expect([...seen.keys()]).toEqual(["whole"]);
});

function isWhole(text: string): boolean {
  const [letter = "?"] = text;
  return text.length >= 1_200_000 && text === letter.repeat(text.length);
}

test("F73 a PUT that stays open on a key holds nobody up there, and replaces what came meanwhile", async () => {
  const { client, bucket: Bucket, givenObject, endpoint } = await startS3();
  await givenObject("key", "before");
  const body = "slow".repeat(500_000);
  const put = new PutObjectCommand({ Bucket, Key: "key", ContentLength: body.length });
  const url = new URL(await getSignedUrl(client, put));
  const socket = connect(Number(new URL(endpoint).port), "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  const head = [
    `PUT ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    `Content-Length: ${body.length}`,
    "Connection: close",
  ];
  const half = body.slice(0, body.length / 2);
  await new Promise((resolve) => {
    socket.write(`${head.join("\r\n")}\r\n\r\n${half}`, resolve);
  });
  // Its bytes are on their way to the drives; all that others want of the key goes on.
  expect((await textOf(client, Bucket, "key")).text).toBe("before");
  await givenObject("key", "between");
  expect((await textOf(client, Bucket, "key")).text).toBe("between");
  await client.send(new DeleteObjectCommand({ Bucket, Key: "key" }));
  expect(await statusOf(client.send(new HeadObjectCommand({ Bucket, Key: "key" })))).toBe(404);
  const create = new PutObjectCommand({ Bucket, Key: "key", Body: "again", IfNoneMatch: "*" });
  expect(await statusOf(client.send(create))).toBe(200);
  socket.write(body.slice(half.length));
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect((await textOf(client, Bucket, "key")).text === body).toBe(true);
});

/** Their order is that of UTF-8 bytes: a surrogate pair comes after U+FF61, though JavaScript sorts it before. */
const ODD = ["\u{10400}", "\u{1f3fa}", "\uff61", "\ue000", "\u00e9", "z", "~", "0"];

test(`F67 F72 listings amid a storm of changes neither skip, repeat nor misplace a key (seed ${SEED})`, async () => {
  const { client, bucket: Bucket, givenObject } = await startS3();
  const random = seededRandom(SEED);
  const stable = Array.from(
    { length: 400 },
    (_, index) => `${ODD[index % ODD.length] ?? ""}/${random.below(50)}/stable-${index}`,
  );
  await Promise.all(stable.map((key) => givenObject(key, key)));
  const over = new AbortController();
  const storm = async (lane: number): Promise<void> => {
    for (let round = 0; !over.signal.aborted; round += 1) {
      const keys = Array.from(
        { length: 40 },
        (_, at) => `${ODD[(at + round) % ODD.length] ?? ""}/${at}/storm-${lane}-${round}-${at}`,
      );
      await Promise.all(keys.map((key) => givenObject(key, "x")));
      const Objects = keys.map((Key) => ({ Key }));
      await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
    }
  };
  const lanes = [storm(0), storm(1)];
  for (let round = 0; round < 6; round += 1) {
    const keys = await listAll(client, Bucket, { MaxKeys: 7 + random.below(200) });
    expect(keys, "in order, none twice").toEqual([...new Set(keys)].toSorted(byUtf8));
    expect(keys.filter((key) => key.includes("/stable-"))).toEqual(stable.toSorted(byUtf8));
    const prefixes = await listAll(client, Bucket, {
      MaxKeys: 1 + random.below(3),
      Delimiter: "/",
    });
    const expected = [...new Set(stable.map((key) => `${key.split("/")[0] ?? ""}/`))];
    expect(prefixes).toEqual(expected.toSorted(byUtf8));
  }
  over.abort();
  await Promise.all(lanes);
  expect(await listAll(client, Bucket, {})).toEqual(stable.toSorted(byUtf8));
});

/** Keys, and common prefixes where there is a delimiter, in the order of the pages. */
async function listAll(
  client: S3Client,
  Bucket: string,
  how: { readonly MaxKeys?: number; readonly Delimiter?: string },
): Promise<readonly string[]> {
  const names: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket,
        ...how,
        ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
      }),
    );
    names.push(...(page.Contents ?? []).map(({ Key = "" }) => Key));
    names.push(...(page.CommonPrefixes ?? []).map(({ Prefix = "" }) => Prefix));
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return names;
}
