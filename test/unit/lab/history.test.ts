// The checker of linearizability tells possible histories from impossible ones: each by hand, then random ones against a
// register that does what it says, and the same with one answer changed.

import { expect, test } from "vitest";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { ABSENT, History, seen, wrote, type KeyState } from "../../lab/history.ts";

const refusedFirst = (state: KeyState) => (state === ABSENT ? undefined : state);
const firstOnly = (op: KeyState) => (state: KeyState) => (state === ABSENT ? op : undefined);

test("a read sees the last write, and none before it", () => {
  const history = new History();
  expect(history.end(history.begin(), wrote(1))).toBe("possible");
  expect(history.end(history.begin(), wrote(2))).toBe("possible");
  expect(history.end(history.begin(), seen(2))).toBe("possible");
  expect(history.end(history.begin(), seen(1))).toBe("impossible");
});

test("writes at the same time may come in either order, and reads must agree on it", () => {
  const history = new History();
  const [one, two] = [history.begin(), history.begin()];
  history.end(one, wrote(1));
  expect(history.end(two, wrote(2))).toBe("possible");
  expect(history.end(history.begin(), seen(1))).toBe("possible");
  expect(history.end(history.begin(), seen(2))).toBe("impossible");
});

test("a read may not go back behind what another, earlier one saw", () => {
  const history = new History(7);
  const write = history.begin();
  history.end(history.begin(), seen(8));
  history.end(history.begin(), seen(7));
  expect(history.end(write, wrote(8))).toBe("impossible");
});

test("of two conditional creations at once one may be accepted", () => {
  for (const [isSecondAccepted, verdict] of [
    [true, "impossible"],
    [false, "possible"],
  ] as const) {
    const history = new History();
    const [one, two] = [history.begin(), history.begin()];
    history.end(one, firstOnly(1));
    expect(history.end(two, isSecondAccepted ? firstOnly(2) : refusedFirst)).toBe(verdict);
  }
});

test("what nobody answered may have taken effect or not, until the end of the server's life", () => {
  for (const [found, verdict] of [
    [1, "possible"],
    [2, "possible"],
    [ABSENT, "impossible"],
  ] as const) {
    const history = new History();
    history.end(history.begin(), wrote(1));
    history.lose(history.begin(), wrote(2));
    expect(history.settle(found)).toBe(verdict);
    expect(history.end(history.begin(), seen(found))).toBe("possible");
  }
});

test("random histories of a true register are possible; with one read changed most are not", () => {
  let caught = 0;
  const rounds = 200;
  for (let seed = 0; seed < rounds; seed += 1) {
    expect(verdictOf(seed, false)).toBe("possible");
    if (verdictOf(seed, true) === "impossible") caught += 1;
  }
  expect(caught).toBeGreaterThan(rounds * 0.9);
});

/** Calls that overlap and take effect at a random moment of their time; `isFalse`: one read gives what never was. */
function verdictOf(seed: number, isFalse: boolean): string {
  const random = seededRandom(seed);
  const history = new History();
  let state: KeyState = ABSENT;
  let op = 0;
  const running: { from: number; isWrite: boolean; op: number; answer: KeyState | undefined }[] =
    [];
  const outcomes = new Set<string>();
  for (let step = 0; step < 120; step += 1) {
    const dice = random.below(3);
    if (dice === 0 && running.length < 5) {
      op += 1;
      running.push({
        from: history.begin(),
        isWrite: random.below(2) === 0,
        op,
        answer: undefined,
      });
    }
    const call = running[random.below(running.length)];
    if (call === undefined) continue;
    if (call.answer === undefined) {
      if (call.isWrite) state = call.op;
      call.answer = state;
    } else if (dice === 2) {
      running.splice(running.indexOf(call), 1);
      const isChanged = isFalse && step > 60 && !call.isWrite && !outcomes.has("changed");
      if (isChanged) outcomes.add("changed");
      const effect = call.isWrite ? wrote(call.op) : seen(isChanged ? 1_000 : call.answer);
      outcomes.add(history.end(call.from, effect));
    }
  }
  for (const call of running) {
    if (call.answer === undefined && call.isWrite) state = call.op;
    call.answer ??= state;
    outcomes.add(history.end(call.from, call.isWrite ? wrote(call.op) : seen(call.answer)));
  }
  return outcomes.has("impossible") ? "impossible" : "possible";
}
