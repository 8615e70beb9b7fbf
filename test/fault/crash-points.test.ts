// The real server killed at each named moment of its writes, and started again: what was acknowledged is there, what was
// not is there whole or not at all, and a sweep leaves nothing over. `npm run lab -- --only points` does the same under
// mixed load, at every point, again and again. Uploads, deletions and snapshots: crash-points-*.test.ts.

import { expect, test } from "vitest";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import { givenDyingServer } from "../support/dying-server.ts";
import { Expected, putExpected, SIZES } from "../support/expected-content.ts";
import { patterned } from "../support/s3-server.ts";

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
    await putExpected(server, size, contents[size], patterned(SIZES[size], 1));
  }
  const deaths = DEATHS[name] ?? [];
  await server.start(deaths[0]?.point, deaths[0]?.count);
  for (const [index, { point, size, outcome }] of deaths.entries()) {
    const expected = contents[size];
    await server.callUntilDead((call) =>
      putExpected(server, size, expected, patterned(SIZES[size], 100 + call)),
    );
    // What it dies at next is not passed by reading.
    const next = deaths[index + 1];
    await server.start(next?.point, next?.count);
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
