// The real server killed at each named moment of a lifecycle rule's work, and started again: the work goes on, what is due
// goes, and nothing else does.

import { createHash } from "node:crypto";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import { DyingServer, givenDyingServer } from "../support/dying-server.ts";
import { givenFolder } from "../support/kintsugi-process.ts";
import { until } from "../support/until.ts";

/** More than are removed at a time. */
const DUE = Array.from({ length: 1_100 }, (_, index) => `due/${index}`);
const KEPT = Array.from({ length: 20 }, (_, index) => `kept/${index}`);
const ends: (() => Promise<unknown>)[] = [];
/** A server's folder with these keys; tests work on copies. */
let standing = "";

beforeAll(async () => {
  standing = join(await givenFolder((end) => ends.push(end)), "data");
  const server = new DyingServer(standing);
  ends.push(() => server.end());
  await server.start();
  await Promise.all(
    [...DUE, ...KEPT].map((path) => server.send({ method: "PUT", path, body: path })),
  );
  await server.end();
});

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

const RULES = `<LifecycleConfiguration><Rule><ID>r</ID><Status>Enabled</Status>
  <Filter><Prefix>due/</Prefix></Filter><Expiration><Date>2020-01-01T00:00:00Z</Date></Expiration>
</Rule></LifecycleConfiguration>`;

async function countOf(server: DyingServer, prefix: string): Promise<number> {
  const query = `list-type=2&max-keys=1000&prefix=${encodeURIComponent(prefix)}`;
  const answer = await server.send({ method: "GET", path: "", query });
  expect(answer?.status).toBe(200);
  return Number(/<KeyCount>(\d+)</.exec(String(answer?.body))?.[1]);
}

/** Resolves to whether it was acknowledged. */
async function putRules(server: DyingServer): Promise<boolean> {
  const answer = await server.send({
    method: "PUT",
    path: "",
    query: "lifecycle=",
    headers: { "content-md5": createHash("md5").update(RULES).digest("base64") },
    body: RULES,
  });
  return answer?.status === 200;
}

test.each<[CrashPoint, number | undefined]>([
  ["lifecycle.removed", 1],
  ["lifecycle.removed", 2],
  ["lifecycle.noted", 1],
  ["object.deleted", 1],
  ["metadata.durable", undefined],
])("F13 killed amid the work of a lifecycle rule, at %s (%s): it goes on", async (point, count) => {
  const folder = join(await givenFolder(), "data");
  await cp(standing, folder, { recursive: true });
  const server = await givenDyingServer(folder);
  // What starts pass too is counted from the first passing that is not the start's own.
  if (count === undefined) await server.startBefore(point);
  else await server.start(point, count);
  const isAcknowledged = await putRules(server);
  await server.died();

  await server.start();
  if (!isAcknowledged) await putRules(server);
  await until(30_000, "what is due goes", async () => (await countOf(server, "due/")) === 0);
  for (const path of KEPT) expect(String(await server.bodyOf(path))).toBe(path);
  // By kill -9 once more: what has gone stays so.
  await server.start();
  const left = [await countOf(server, "due/"), await countOf(server, "kept/")];
  expect(left).toEqual([0, KEPT.length]);
  await server.expectWhole();
});
