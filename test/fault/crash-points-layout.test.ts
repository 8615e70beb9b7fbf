// The real server killed at each named moment of a change of the drives, or of how sets are cut, and started again: the
// change comes to its end, and what was there is there.

import { cp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import { DyingServer, givenDyingServer } from "../support/dying-server.ts";
import { givenFolder } from "../support/kintsugi-process.ts";
import { bytesOf, md5 } from "../support/store-lab.ts";

const KIB = 1024;
const OBJECTS = Array.from({ length: 12 }, (_, seed) => ({
  path: `key-${seed}`,
  body: bytesOf([100, 30 * KIB, 500 * KIB, 1_500 * KIB][seed % 4] ?? 0, seed),
}));
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
  ["layout.published", 1],
  ["layout.used", 1],
  ["layout.copied", 2],
  ["layout.retired", 1],
])("killed while a drive is added, at %s (%s): the next start goes on", async (point, count) => {
  const folder = join(await givenFolder(), "data");
  const seventh = join(await givenFolder(), "seventh");
  await cp(standing, folder, { recursive: true });
  const server = await givenDyingServer(folder);
  await server.start(point, count);
  await server.addDrive(seventh).catch(() => undefined);
  await server.died();

  await server.start();
  for (const { path, body } of OBJECTS) {
    expect(md5((await server.bodyOf(path)) ?? Buffer.alloc(0)), path).toBe(md5(body));
  }
  expect(await server.drivesSettled()).toHaveLength(7);
  for (const { path, body } of OBJECTS) {
    expect(md5((await server.bodyOf(path)) ?? Buffer.alloc(0)), path).toBe(md5(body));
  }
  await server.expectWhole();
});

test.each<[CrashPoint, number]>([
  ["layout.published", 1],
  ["reshape.copied", 2],
  ["reshape.named", 2],
  ["reshape.noted", 1],
])("killed while sets are cut anew, at %s (%s): the next start goes on", async (point, count) => {
  const folder = join(await givenFolder(), "data");
  await cp(standing, folder, { recursive: true });
  const server = await givenDyingServer(folder);
  await server.start(point, count);
  await server.reshape(2, 2).catch(() => undefined);
  await server.died();

  await server.start();
  for (const { path, body } of OBJECTS) {
    expect(md5((await server.bodyOf(path)) ?? Buffer.alloc(0)), path).toBe(md5(body));
  }
  await server.reshaped(2, 2);
  for (const { path, body } of OBJECTS) {
    expect(md5((await server.bodyOf(path)) ?? Buffer.alloc(0)), path).toBe(md5(body));
  }
  await server.expectWhole();
});
