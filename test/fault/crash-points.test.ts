// The real server killed at each named moment of its writes, and started again: what was acknowledged is there, what was
// not is there whole or not at all, and a sweep leaves nothing over. `npm run lab -- --only points` does the same under
// mixed load, at every point, again and again.

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import { givenDyingServer, type DyingServer } from "../support/dying-server.ts";
import { patterned } from "../support/s3-server.ts";

/** A set of its own; a place in a pack; inline. */
const SIZES = { large: 3_000_000, packed: 100_000, inline: 1_000 };
const UPLOAD_ID = /<UploadId>([^<]+)</;
const ETAG = /<ETag>&quot;([^&]+)&quot;|<ETag>"?([^"<]+)"?</;

/** What a key may hold: the last that was acknowledged, and what was under way at the death. */
class Expected {
  readonly #contents: Buffer[] = [];

  begin(content: Uint8Array): void {
    this.#contents.push(Buffer.from(content));
  }

  settle(): void {
    this.#contents.splice(0, this.#contents.length - 1);
  }

  /** Takes what was found for what is there from now on. */
  found(content: Buffer | undefined): "new" | "old" {
    expect(content, "it is there").toBeDefined();
    const index = this.#contents.findIndex((each) => content !== undefined && each.equals(content));
    expect(index, "it is one of those that may be there").toBeGreaterThanOrEqual(0);
    const isNewest = index === this.#contents.length - 1;
    const [kept] = this.#contents.splice(index, 1);
    this.#contents.splice(0, this.#contents.length, ...(kept === undefined ? [] : [kept]));
    return isNewest ? "new" : "old";
  }
}

async function put(server: DyingServer, path: string, expected: Expected, body: Uint8Array) {
  expected.begin(body);
  const answer = await server.send({ method: "PUT", path, body: Buffer.from(body) });
  if (answer === undefined) return;
  expect(answer.status).toBe(200);
  expected.settle();
}

interface Death {
  readonly point: CrashPoint;
  readonly size: keyof typeof SIZES;
  /** At which passing; the start itself passes some. */
  readonly count?: number;
  /** What is there afterwards, where that is certain. */
  readonly outcome?: "new" | "old";
}

const DEATHS: Readonly<Record<string, readonly Death[]>> = {
  "F01 while bytes are written": [
    { point: "set.opened", size: "large", outcome: "old" },
    { point: "set.half-written", size: "large", outcome: "old" },
    { point: "pack.opened", size: "packed", outcome: "old" },
    { point: "pack.some-appended", size: "packed", count: 3, outcome: "old" },
  ],
  "F02 F03 while shards are finished": [
    { point: "set.before-footers", size: "large", outcome: "old" },
    { point: "set.some-footers", size: "large", count: 4, outcome: "old" },
  ],
  "F04 when the bytes are durable and nothing names them": [
    { point: "set.durable", size: "large", count: 2, outcome: "old" },
    { point: "pack.durable", size: "packed", count: 3, outcome: "old" },
    { point: "object.stored", size: "large", count: 3, outcome: "old" },
  ],
  "F05 while the change is made durable": [
    { point: "metadata.applied", size: "inline", count: 30 },
    { point: "journal.appended", size: "inline", count: 60 },
    { point: "journal.synced", size: "packed", count: 60 },
  ],
  "F06 between the commit and the answer": [
    { point: "metadata.durable", size: "inline", count: 30 },
    { point: "metadata.committed", size: "packed", count: 30 },
    { point: "object.named", size: "inline", count: 5, outcome: "new" },
    { point: "object.named", size: "large", count: 3, outcome: "new" },
  ],
};

test.each(Object.keys(DEATHS))("%s: an overwrite is there whole, or not at all", async (name) => {
  const server = await givenDyingServer();
  await server.start();
  const contents = { large: new Expected(), packed: new Expected(), inline: new Expected() };
  for (const size of ["large", "packed", "inline"] as const) {
    await put(server, size, contents[size], patterned(SIZES[size], 1));
  }
  for (const { point, size, count, outcome } of DEATHS[name] ?? []) {
    await server.start(point, count);
    const expected = contents[size];
    await server.callUntilDead((index) =>
      put(server, size, expected, patterned(SIZES[size], 100 + index)),
    );
    await server.start();
    const found = expected.found(await server.bodyOf(size));
    expect([found, point]).toEqual([outcome ?? found, point]);
  }
  for (const size of ["large", "packed", "inline"] as const) {
    contents[size].found(await server.bodyOf(size));
  }
  await server.expectWhole();
});

test("F06 whoever tries again what got no answer is told by the condition", async () => {
  const server = await givenDyingServer();
  const headers = { "if-none-match": "*" };
  const body = "once";
  await server.start("object.named");
  expect(await server.send({ method: "PUT", path: "once", headers, body })).toBeUndefined();
  await server.start();
  const again = await server.send({ method: "PUT", path: "once", headers, body });
  expect(again?.status).toBe(412);
  expect(String(await server.bodyOf("once"))).toBe(body);
});

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
  ["object.stored", 3, "large"],
  ["pack.durable", 2, "packed"],
  ["metadata.committed", 25, "packed"],
])("F08 a part given again, at %s (%i, %s): the last that was acknowledged", async (...death) => {
  const [point, count, size] = death;
  const server = await givenDyingServer();
  await server.start();
  const expected = new Expected();
  const uploadId = await create(server, "key");
  const give = async (seed: number): Promise<void> => {
    const body = patterned(SIZES[size], seed);
    expected.begin(body);
    if ((await server.send(partOf("key", uploadId, body))) !== undefined) expected.settle();
  };
  await give(1);
  await server.start(point, count);
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

test.each<[CrashPoint, number]>([
  ["object.deleted", 2],
  ["metadata.committed", 30],
])("F11 deleting, at %s (%i): what was acknowledged stays deleted", async (point, count) => {
  const server = await givenDyingServer();
  await server.start(point, count);
  const deleted: string[] = [];
  await server.callUntilDead(async (index) => {
    const path = `key-${index}`;
    await server.send({ method: "PUT", path, body: Buffer.alloc(SIZES.packed) });
    const answer = await server.send({ method: "DELETE", path });
    if (answer?.status === 204) deleted.push(path);
  });
  await server.start();
  for (const path of deleted) expect(await server.bodyOf(path)).toBeUndefined();
  await server.expectWhole();
});

test.each<CrashPoint>(["trash.set-removed", "trash.removed", "trash.dropped"])(
  "F07 F11 while shards of what was deleted or overwritten go, at %s: they go in the end, and nothing else",
  async (point) => {
    const server = await givenDyingServer();
    await server.start(point);
    const body = Buffer.from(patterned(SIZES.large, 2));
    for (const path of ["gone", "overwritten", "kept"]) {
      await server.send({ method: "PUT", path, body: Buffer.alloc(SIZES.large) });
    }
    const deleted = await server.send({ method: "DELETE", path: "gone" });
    expect(deleted?.status).toBe(204);
    // The first removal may be faster than this answer; then it is asked again.
    const overwrite = { method: "PUT", path: "overwritten", body };
    const first = await server.send(overwrite);
    await server.died();
    await server.start();
    if (first === undefined) await server.send(overwrite);
    expect(await server.bodyOf("gone")).toBeUndefined();
    expect(Buffer.compare((await server.bodyOf("overwritten")) ?? Buffer.of(), body)).toBe(0);
    expect((await server.bodyOf("kept"))?.length).toBe(SIZES.large);
    await server.expectWhole();
  },
);

test.each<CrashPoint>(["metadata.applied", "metadata.durable", "object.deleted"])(
  "F12 killed amid the deletion of 1,000 keys, at %s: each is whole or gone; asked again, all are",
  async (point) => {
    const server = await givenDyingServer();
    await server.start();
    const keys = Array.from({ length: 1_000 }, (_, index) => `key-${index}`);
    await Promise.all(keys.map((path) => server.send({ method: "PUT", path, body: path })));
    await server.startBefore(point);
    const objects = keys.map((key) => `<Object><Key>${key}</Key></Object>`).join("");
    const body = `<Delete>${objects}</Delete>`;
    const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
    const request = { method: "POST", path: "", query: "delete=", headers, body };
    await server.callUntilDead(() => server.send(request));

    await server.start();
    const left = await Promise.all(keys.map((key) => server.bodyOf(key)));
    const odd = left.filter((content, at) => content !== undefined && String(content) !== keys[at]);
    expect(odd).toEqual([]);
    const again = await server.send(request);
    expect(String(again?.body).match(/<Deleted>/g)).toHaveLength(1_000);
    // By kill -9 once more: what was reported is so.
    await server.start();
    const list = await server.send({ method: "GET", path: "", query: "list-type=2" });
    expect(String(list?.body)).toContain("<KeyCount>0</KeyCount>");
  },
);

test.each<CrashPoint>([
  "snapshot.made",
  "journal.snapshot-written",
  "snapshot.copied",
  "snapshot.kept",
])("F16 while a snapshot is taken, at %s: every change is there", async (point) => {
  const server = await givenDyingServer();
  await server.start(point);
  const expected = new Expected();
  // Kept in the metadata itself, so that it grows.
  await server.callUntilDead((index) => put(server, "key", expected, patterned(16_000, index)));
  await server.start();
  expect(["new", "old"]).toContain(expected.found(await server.bodyOf("key")));
  await server.expectWhole();
});
