// The real server killed at each named moment of its deletions, and while shards go that nothing needs any more, and started again: what was acknowledged is there, what was
// not is there whole or not at all, and a sweep leaves nothing over. `npm run lab -- --only points` does the same under
// mixed load, at every point, again and again.

import { cp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import { deletionOf } from "../support/deletion-request.ts";
import { DyingServer, givenDyingServer } from "../support/dying-server.ts";
import { SIZES } from "../support/expected-content.ts";
import { givenFolder } from "../support/kintsugi-process.ts";
import { patterned } from "../support/s3-server.ts";

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

const KEYS = Array.from({ length: 1_000 }, (_, index) => `key-${index}`);
const ends: (() => Promise<unknown>)[] = [];
/** A server's folder with these keys; tests work on copies. */
let standing = "";

beforeAll(async () => {
  standing = join(await givenFolder((end) => ends.push(end)), "data");
  const server = new DyingServer(standing);
  ends.push(() => server.end());
  await server.start();
  await Promise.all(KEYS.map((path) => server.send({ method: "PUT", path, body: path })));
  await server.end();
});

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

test.each<CrashPoint>(["metadata.applied", "metadata.durable", "object.deleted"])(
  "F12 killed amid the deletion of 1,000 keys, at %s: each is whole or gone; asked again, all are",
  async (point) => {
    const folder = join(await givenFolder(), "data");
    await cp(standing, folder, { recursive: true });
    const server = await givenDyingServer(folder);
    await server.startBefore(point);
    const request = deletionOf("", KEYS);
    await server.callUntilDead(() => server.send(request));

    await server.start();
    const left = await Promise.all(KEYS.map((key) => server.bodyOf(key)));
    const odd = left.filter((content, at) => content !== undefined && String(content) !== KEYS[at]);
    expect(odd).toEqual([]);
    const again = await server.send(request);
    expect(String(again?.body).match(/<Deleted>/g)).toHaveLength(1_000);
    // By kill -9 once more: what was reported is so.
    await server.start();
    const list = await server.send({ method: "GET", path: "", query: "list-type=2" });
    expect(String(list?.body)).toContain("<KeyCount>0</KeyCount>");
  },
);
