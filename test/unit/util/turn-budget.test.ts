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
