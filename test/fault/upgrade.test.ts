// F15: a server of this version on what an older one wrote: metadata of schema version 1, with no copies on members yet. It
// is killed at each step of taking that over, and started again: it goes on where it was, or begins anew, and everything
// is there. The way back, to an older program, is refused: bad-drives.test.ts.

import { cp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import { DyingServer, givenDyingServer } from "../support/dying-server.ts";
import { givenFolder } from "../support/kintsugi-process.ts";
import { makeOldVersion } from "../support/old-version.ts";
import { patterned } from "../support/s3-server.ts";

/** What the first version knew: no packs. */
const SIZES = { inline: 1_000, large: 3_000_000 };

const ends: (() => Promise<unknown>)[] = [];
/** A folder as the first version left it: what this version wrote, without what came later. Tests work on copies. */
let standing = "";

beforeAll(async () => {
  standing = join(await givenFolder((end) => ends.push(end)), "data");
  const server = new DyingServer(standing);
  ends.push(() => server.end());
  await server.start();
  for (const [path, size] of Object.entries(SIZES)) {
    const body = Buffer.from(patterned(size, 1));
    expect((await server.send({ method: "PUT", path, body }))?.status).toBe(200);
  }
  await server.end();
  await makeOldVersion(standing);
});

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

test.each<CrashPoint | "nothing">([
  "nothing",
  "snapshot.made",
  "journal.snapshot-written",
  "journal.snapshot-named",
  "snapshot.copied",
  "recovery.chain-begun",
  "recovery.epoch-opened",
  "metadata.durable",
])("F15 what version 1 wrote is taken over, though killed at %s", async (point) => {
  const folder = join(await givenFolder(), "data");
  await cp(standing, folder, { recursive: true });
  const server = await givenDyingServer(folder);
  if (point !== "nothing") await server.dieAtStart(point);
  await server.start();
  for (const [path, size] of Object.entries(SIZES)) {
    const body = (await server.bodyOf(path)) ?? Buffer.of();
    expect(Buffer.compare(body, patterned(size, 1)), path).toBe(0);
  }
  const body = Buffer.from(patterned(50_000, 2));
  expect((await server.send({ method: "PUT", path: "packed", body }))?.status).toBe(200);
  await server.expectWhole();
});
