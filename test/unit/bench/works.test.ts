// What the benchmark's works ask for: keys that nobody else has, bodies that differ, answers that are looked at.

import { expect, test } from "vitest";
import { Presigner } from "../../../bench/presign.ts";
import { RawClient } from "../../../bench/raw-client.ts";
import { parseSize, sizeName } from "../../../bench/works/sizes.ts";
import type { Scope, Source } from "../../../bench/works/work.ts";
import { USUAL_WORKS, workOf } from "../../../bench/works/work-of.ts";

const target = { host: "127.0.0.1", port: 1, accessKey: "a", secretKey: "s", region: "us-east-1" };
const scope: Scope = {
  presigner: new Presigner(target),
  bucket: "b",
  round: 3,
  seconds: 0.01,
  keys: 2_500,
};

function all(source: Source | undefined) {
  const shots = [];
  for (let shot = source?.(); shot; shot = source?.()) shots.push(shot);
  return shots;
}

test.each(USUAL_WORKS)("%s puts each object that it needs once", (name) => {
  const paths = all(workOf(name).fill?.({ ...scope, seconds: 1 })).map(({ path }) => path);
  expect(new Set(paths).size).toBe(paths.length);
});

test("listed keys lie in the order of their numbers, over a thousand prefixes at most", () => {
  const paths = all(workOf("list").fill?.(scope)).map(({ path }) => path);
  expect(paths).toEqual(paths.toSorted());
  expect(new Set(paths.map((path) => path.split("/")[2])).size).toBe(834);
});

test("small objects are told apart by their first bytes", () => {
  const shots = all(workOf("get-4k").fill?.(scope));
  expect(new Set(shots.map(({ stamp }) => stamp)).size).toBe(scope.keys);
});

test("a round of deletions ends when all keys are gone", async () => {
  const deletion = workOf("delete").load(scope);
  const answers: boolean[] = [];
  const client = new RawClient("127.0.0.1", 1);
  client.shoot = () =>
    Promise.resolve({ status: 200, bodyBytes: 0, body: Buffer.alloc(0), headers: "" });
  for (let turn = 0; turn < 3; turn += 1) answers.push(await deletion(client));
  expect(answers).toEqual([true, false, false]);
});

test("what was put last is looked at after a round", () => {
  const checks = all(workOf("put-4k").check?.(scope, 100));
  expect(checks).toHaveLength(16);
  const wrong = Buffer.alloc(4_096);
  for (const { verify } of checks) expect(() => verify?.(wrong)).toThrow(/wrong bytes/);
});

test("sizes are read and written", () => {
  expect(["1", "4k", "16m", "5g", "x", "4q"].map(parseSize)).toEqual([
    1,
    4_096,
    16 * 1024 ** 2,
    5 * 1024 ** 3,
    undefined,
    undefined,
  ]);
  expect([1, 4_096, 16 * 1024 ** 2].map(sizeName)).toEqual(["1 B", "4 KiB", "16 MiB"]);
});

test("a work that there is not is refused by name", () => {
  expect(() => workOf("put-lots")).toThrow(/no such work: put-lots/);
});
