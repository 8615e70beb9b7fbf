// What begins at once, and what waits for the turn of the event loop.

import { expect, test } from "vitest";
import { TurnBatch } from "../../../src/util/turn-batch.ts";

const STARTS_MAX = 4;

/** Once all of this turn has begun. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function givenBatch() {
  const batch = new TurnBatch(STARTS_MAX);
  const begun: number[] = [];
  let asked = 0;
  const ask = () => {
    const number = asked;
    asked += 1;
    const waits = batch.turn();
    if (waits === undefined) begun.push(number);
    else void waits.then(() => begun.push(number));
  };
  /** So many come in one turn. */
  const come = (count: number) => Array.from({ length: count }, ask);
  return { begun, come };
}

test("requests that come one by one begin at once, but for a few now and then", async () => {
  const { begun, come } = givenBatch();
  let waited = 0;
  for (let asked = 0; asked < 680; asked += 1) {
    come(1);
    if (begun.length === asked) waited += 1;
    await turn();
    expect(begun).toHaveLength(asked + 1);
  }
  expect(waited).toBe(40);
});

test("those that keep coming together begin together, so many a turn, in their order", async () => {
  const { begun, come } = givenBatch();
  for (let turns = 0; turns < 40; turns += 1) {
    come(3);
    await turn();
  }
  expect(begun).toHaveLength(120);

  come(10);
  expect(begun).toHaveLength(120);
  for (const count of [124, 128, 130]) {
    await turn();
    expect(begun).toHaveLength(count);
  }
  expect(begun).toEqual(Array.from({ length: 130 }, (_, number) => number));
});

test("a crowd that comes all at once is bounded, whatever came before", async () => {
  const { begun, come } = givenBatch();
  come(100);
  const atOnce = begun.length;
  expect(atOnce).toBe(64);
  await turn();
  expect(begun).toHaveLength(atOnce + STARTS_MAX);
  for (let turns = 0; turns < 100 / STARTS_MAX; turns += 1) await turn();
  expect(begun).toEqual(Array.from({ length: 100 }, (_, number) => number));
});

test("a client that is alone again is served at once again", async () => {
  const { begun, come } = givenBatch();
  for (let turns = 0; turns < 40; turns += 1) {
    come(4);
    await turn();
  }
  for (let turns = 0; turns < 20; turns += 1) {
    come(1);
    await turn();
  }
  const before = begun.length;
  come(1);
  expect(begun).toHaveLength(before + 1);
});
