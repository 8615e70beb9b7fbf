import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { TurnBudget } from "../../../src/util/turn-budget.ts";

test("a turn's share is given until it is used up, and again in the next turn", async () => {
  const budget = new TurnBudget(100);
  expect([budget.take(60), budget.take(60), budget.take(1)]).toEqual([true, true, false]);
  await Promise.resolve();
  expect(budget.take(1)).toBe(false);
  await nextTurn();
  expect([budget.take(100), budget.take(1)]).toEqual([true, false]);
});

test("one amount larger than the share is given in a turn of its own", async () => {
  const budget = new TurnBudget(100);
  expect([budget.take(1_000), budget.take(1)]).toEqual([true, false]);
  await nextTurn();
  expect(budget.take(1)).toBe(true);
});

test("what a turn has no share left for is done in the next ones, in order", async () => {
  const budget = new TurnBudget(100);
  const done: number[] = [];
  for (let nth = 0; nth < 6; nth += 1) budget.spend(60, () => done.push(nth));
  expect(done).toEqual([0, 1]);
  await nextTurn();
  expect(done).toEqual([0, 1, 2, 3]);
  budget.spend(1, () => done.push(6));
  await nextTurn();
  await nextTurn();
  expect(done).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test("work that waited may ask for more, which comes behind what waits", async () => {
  const budget = new TurnBudget(100);
  const done: string[] = [];
  for (const name of ["a", "b", "c", "d"]) {
    budget.spend(60, () => {
      done.push(name);
      budget.spend(60, () => done.push(`${name} again`));
    });
  }
  for (let turn = 0; turn < 6; turn += 1) await nextTurn();
  // Of the first two, which waited for nothing, the first could ask before the others had.
  const first = ["a", "a again"];
  expect(done).toEqual([...first, "b", "c", "d", "b again", "c again", "d again"]);
});

test("work that throws takes nothing with it that waits", async () => {
  const budget = new TurnBudget(100);
  const done: string[] = [];
  const error = new Error("thrown by work");
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const thrown = new Promise((resolve) => void process.once("uncaughtException", resolve));
  onTestFinished(() => {
    for (const listener of others) process.on("uncaughtException", listener);
  });
  budget.spend(100, () => done.push("a"));
  budget.spend(60, () => {
    throw error;
  });
  for (const name of ["b", "c"]) budget.spend(60, () => done.push(name));
  expect(await thrown).toBe(error);
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
  expect(done).toEqual(["a", "b", "c"]);
});
