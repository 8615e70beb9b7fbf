// Time that tests move: whole milliseconds, whatever the step, for what is stored are integers.

import { expect, test } from "vitest";
import { MovableClock } from "../../../src/util/clock.ts";

test.each([{ days: 0.1 }, { hours: 1 / 3 }, { seconds: 0.0004 }])(
  "a step of %o leaves whole milliseconds",
  (step) => {
    const clock = new MovableClock();
    clock.advance(step);
    expect(Number.isInteger(clock.now())).toBe(true);
    expect(Number.isInteger(clock.translate(Date.now()))).toBe(true);
  },
);
