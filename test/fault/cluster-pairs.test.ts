// A gateway and six node processes: any two of them killed. Everything reads back, and writes wait for one of the two.

import { expect, test } from "vitest";
import { PAIRS, refusalOf, useClusterObjects } from "../support/cluster-objects.ts";

const objects = useClusterObjects();

test("with any two nodes killed every object reads back, and writes get 503; with one, writes go on", async () => {
  let [dead, other]: readonly [number, number] = PAIRS[0];
  await objects().cluster.kill(dead, other);
  for (const pair of PAIRS) {
    const back = [dead, other].find((index) => !pair.some((name) => name === index));
    const gone = pair.find((index) => index !== dead && index !== other);
    if (back !== undefined && gone !== undefined) {
      await objects().cluster.revive(back);
      // One node is away: this is also what shows that writes go on.
      await objects().untilWritable();
      await objects().cluster.kill(gone);
    }
    [dead, other] = pair;
    expect([pair, await objects().unreadable()]).toEqual([pair, []]);
    expect([pair, await refusalOf(objects().putProbe())]).toEqual([pair, "503 ServiceUnavailable"]);
    expect([pair, await refusalOf(objects().putProbe(1_000))]).toEqual([
      pair,
      "503 ServiceUnavailable",
    ]);
  }
  await objects().cluster.revive(dead, other);
  await objects().untilWhole();
  expect(await objects().unreadable()).toEqual([]);
}, 120_000);
