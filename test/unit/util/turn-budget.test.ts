import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
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

test("work that waited may ask for more, and all of it is done", async () => {
  const budget = new TurnBudget(100);
  const done: string[] = [];
  for (const name of ["a", "b", "c", "d"]) {
    budget.spend(60, () => {
      done.push(name);
      budget.spend(60, () => done.push(`${name} again`));
    });
  }
  for (let turn = 0; turn < 6; turn += 1) await nextTurn();
  expect(done.toSorted()).toEqual(["a", "a again", "b", "b again", "c", "c again", "d", "d again"]);
});
