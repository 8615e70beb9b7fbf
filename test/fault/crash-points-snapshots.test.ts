// The real server killed at each named moment of a snapshot, and started again: what was acknowledged is there, and a
// sweep leaves nothing over. `npm run lab -- --only points` does the same under mixed load, again and again.

import { expect, test } from "vitest";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import { givenDyingServer } from "../support/dying-server.ts";
import { Expected, putExpected } from "../support/expected-content.ts";
import { patterned } from "../support/s3-server.ts";

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
  await server.callUntilDead((index) =>
    putExpected(server, "key", expected, patterned(16_000, index)),
  );
  await server.start();
  expect(["new", "old"]).toContain(expected.found(await server.bodyOf("key")));
  await server.expectWhole();
});
