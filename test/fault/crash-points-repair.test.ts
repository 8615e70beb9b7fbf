// The real server killed at each named moment of a repair, and started again: what was there is there, and the repair comes to
// its end.

import { cp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import { DyingServer, givenDyingServer } from "../support/dying-server.ts";
import { givenFolder } from "../support/kintsugi-process.ts";
import { bytesOf, md5 } from "../support/store-lab.ts";

const KIB = 1024;
const OBJECTS = [100, 30 * KIB, 500 * KIB, 1_500 * KIB, 1_100 * KIB].map((size, seed) => ({
  path: `key-${seed}`,
  body: bytesOf(size, seed),
}));
const LOST = "drive-5";
const ends: (() => Promise<unknown>)[] = [];
/** A server's folder with these objects; tests work on copies. */
let standing = "";

beforeAll(async () => {
  standing = join(await givenFolder((end) => ends.push(end)), "data");
  const server = new DyingServer(standing);
  ends.push(() => server.end());
  await server.start();
  for (const { path, body } of OBJECTS) await server.send({ method: "PUT", path, body });
  await server.end();
});

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

test.each<[CrashPoint, number]>([
  ["repair.walked", 1],
  ["repair.found", 1],
  ["repair.shard-written", 1],
  ["repair.shard-named", 1],
  ["repair.shard-named", 2],
  ["repair.noted", 1],
])("F14 killed amid a repair, at %s (%s): the next start goes on", async (point, count) => {
  const folder = join(await givenFolder(), "data");
  await cp(standing, folder, { recursive: true });
  await rm(join(folder, LOST), { recursive: true });
  const server = await givenDyingServer(folder);
  await server.startToDie(point, count);

  await server.start();
  for (const { path, body } of OBJECTS) {
    expect(md5((await server.bodyOf(path)) ?? Buffer.alloc(0)), path).toBe(md5(body));
  }
  await server.heal();
  await server.expectWhole();
  expect(await readdir(join(folder, LOST, "rebuilt")).catch(() => [])).toEqual([]);
});
