// The real server killed at each named moment of its multipart uploads, and started again: what was acknowledged is there, what was
// not is there whole or not at all, and a sweep leaves nothing over. `npm run lab -- --only points` does the same under
// mixed load, at every point, again and again.

import { expect, test } from "vitest";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import { givenDyingServer, type DyingServer } from "../support/dying-server.ts";
import { Expected, SIZES } from "../support/expected-content.ts";
import { patterned } from "../support/s3-server.ts";

const UPLOAD_ID = /<UploadId>([^<]+)</;
const ETAG = /<ETag>&quot;([^&]+)&quot;|<ETag>"?([^"<]+)"?</;

async function create(server: DyingServer, path: string): Promise<string> {
  const answer = await server.send({ method: "POST", path, query: "uploads=" });
  return UPLOAD_ID.exec(String(answer?.body))?.[1] ?? "";
}

function partOf(path: string, uploadId: string, body: Uint8Array) {
  const query = `partNumber=1&uploadId=${encodeURIComponent(uploadId)}`;
  return { method: "PUT", path, query, body: Buffer.from(body) };
}

function completionOf(path: string, uploadId: string, etag: string) {
  const body =
    "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>" +
    `<ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
  return { method: "POST", path, query: `uploadId=${encodeURIComponent(uploadId)}`, body };
}

const uploadQuery = (uploadId: string) => `uploadId=${encodeURIComponent(uploadId)}`;

test.each<[CrashPoint, number, "large" | "packed"]>([
  ["set.half-written", 1, "large"],
  ["object.stored", 4, "large"],
  ["pack.durable", 3, "packed"],
  ["metadata.committed", 25, "packed"],
])("F08 a part given again, at %s (%i, %s): the last that was acknowledged", async (...death) => {
  const [point, count, size] = death;
  const server = await givenDyingServer();
  // Not in the first part, which is small, and acknowledged.
  await server.start(point, count);
  const expected = new Expected();
  const uploadId = await create(server, "key");
  const give = async (seed: number, sizeBytes = SIZES[size]): Promise<void> => {
    const body = patterned(sizeBytes, seed);
    expected.begin(body);
    if ((await server.send(partOf("key", uploadId, body))) !== undefined) expected.settle();
  };
  await give(1, SIZES.inline);
  await server.callUntilDead((index) => give(10 + index));
  await server.start();
  const list = await server.send({ method: "GET", path: "key", query: uploadQuery(uploadId) });
  const [, quoted, bare] = ETAG.exec(String(list?.body)) ?? [];
  const done = await server.send(completionOf("key", uploadId, quoted ?? bare ?? ""));
  expect(done?.status).toBe(200);
  expected.found(await server.bodyOf("key"));
  await server.expectWhole();
});

test.each<[CrashPoint, number]>([
  ["upload.parts-chosen", 1],
  ["metadata.applied", 30],
  ["metadata.committed", 30],
  ["upload.completed", 1],
])("F09 completing, at %s (%i): asked again it gets the same answer", async (point, count) => {
  const server = await givenDyingServer();
  await server.start(point, count);
  const body = patterned(SIZES.packed, 1);
  let asked:
    | { readonly path: string; readonly uploadId: string; readonly etag: string }
    | undefined;
  const answered = new Map<string, string>();
  await server.callUntilDead(async (index) => {
    const path = `key-${index}`;
    const uploadId = await create(server, path);
    const part = await server.send(partOf(path, uploadId, body));
    if (part === undefined) return;
    asked = { path, uploadId, etag: String(part.headers["etag"]) };
    const done = await server.send(completionOf(path, uploadId, asked.etag));
    if (done !== undefined) answered.set(path, String(done.body));
  });
  await server.start();
  const { path = "", uploadId = "", etag = "" } = asked ?? {};
  const first = await server.send(completionOf(path, uploadId, etag));
  const second = await server.send(completionOf(path, uploadId, etag));
  expect([first?.status, second?.status]).toEqual([200, 200]);
  expect(String(second?.body)).toBe(String(first?.body));
  for (const key of [path, ...answered.keys()]) {
    expect(Buffer.compare((await server.bodyOf(key)) ?? Buffer.of(), body)).toBe(0);
  }
  await server.expectWhole();
});

test.each<[CrashPoint, number]>([
  ["upload.aborted", 1],
  ["metadata.durable", 30],
])("F10 aborting, at %s (%i): it is open or gone, and nothing is left", async (point, count) => {
  const server = await givenDyingServer();
  await server.start(point, count);
  const uploads: { readonly path: string; readonly uploadId: string; isGone: boolean }[] = [];
  await server.callUntilDead(async (index) => {
    const path = `key-${index}`;
    const uploadId = await create(server, path);
    const part = await server.send(partOf(path, uploadId, patterned(SIZES.large, index)));
    if (part === undefined) return;
    const upload = { path, uploadId, isGone: false };
    uploads.push(upload);
    const gone = await server.send({ method: "DELETE", path, query: uploadQuery(uploadId) });
    upload.isGone = gone?.status === 204;
  });
  await server.start();
  for (const { path, uploadId, isGone } of uploads) {
    const query = uploadQuery(uploadId);
    const list = await server.send({ method: "GET", path, query });
    expect(isGone ? [404] : [200, 404]).toContain(list?.status);
    const again = await server.send({ method: "DELETE", path, query });
    expect(again?.status).toBe(list?.status === 404 ? 404 : 204);
  }
  await server.expectWhole();
});
