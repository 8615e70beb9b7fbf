// How many readings and writings ask the drives at a time: a process alone has all turns, several have a part each.

import { expect, test } from "vitest";
import { DriveTurns } from "../../../src/store/drive-turns.ts";

type Kind = "large" | "small" | "write";

/** How many of a crowd are at the drives at the same time. */
function atOnce(turns: DriveTurns, kind: Kind): number {
  let count = 0;
  const never = (): Promise<void> => {
    count += 1;
    return new Promise(() => undefined);
  };
  for (let asked = 0; asked < 1_000; asked += 1) {
    void (kind === "write" ? turns.write(never) : turns.read(never, kind === "small"));
  }
  return count;
}

test.each([
  [1, 64, 256],
  [2, 32, 128],
  [3, 22, 86],
  [8, 8, 32],
  // Never so few that one busy process leaves the drives idle.
  [64, 8, 32],
])(
  "each of %i processes has %i turns of large ones, and %i of small",
  (processes, large, small) => {
    expect(atOnce(new DriveTurns(processes), "large")).toBe(large);
    expect(atOnce(new DriveTurns(processes), "write")).toBe(large);
    expect(atOnce(new DriveTurns(processes), "small")).toBe(small);
  },
);
