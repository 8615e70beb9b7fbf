// What a supervisor decides by: when a worker hangs, when another one follows, and which folders are silent.

import { expect, test } from "vitest";
import { RestartPolicy } from "../../../src/wiring/supervisor-restarts.ts";
import { BeatWatch, SILENT_TURNS_MAX } from "../../../src/wiring/supervisor-watch.ts";

function turns(watch: BeatWatch, count: number) {
  return Array.from({ length: count }, () => watch.turn());
}

test("a worker that beats is fine, one that is silent for ten turns hangs", () => {
  const watch = new BeatWatch();
  for (let round = 0; round < 50; round += 1) {
    watch.beat(0);
    expect(turns(watch, 3)).toEqual(["fine", "fine", "fine"]);
  }
  watch.beat(0);
  const verdicts = turns(watch, SILENT_TURNS_MAX);
  expect(verdicts.at(-1)).toBe("hangs");
  expect(verdicts.slice(0, -1)).not.toContain("hangs");
  // Its folders are asked early enough for a probe of some seconds.
  expect(verdicts.filter((verdict) => verdict === "suspect").length).toBeGreaterThanOrEqual(3);
  watch.beat(0);
  expect(watch.turn()).toBe("fine");
});

test("a write of ten seconds is looked into, also of a worker that beats", () => {
  const watch = new BeatWatch();
  const verdicts = [1_000, 7_000, 10_500, 0].map((writeWaitMs) => {
    watch.beat(writeWaitMs);
    return watch.turn();
  });
  expect(verdicts).toEqual(["fine", "suspect", "write-hangs", "fine"]);
});

test("the first restart is at once, others wait longer and longer, the sixth within a minute is refused", () => {
  const policy = new RestartPolicy();
  const pauses = Array.from({ length: 6 }, (_, index) => policy.pauseMs(index * 1_000));
  expect(pauses).toEqual([0, 1_000, 2_000, 4_000, 8_000, undefined]);
  expect(policy.pauseMs(120_000)).toBe(0);
});
