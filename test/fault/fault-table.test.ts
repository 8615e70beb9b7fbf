// docs/FAULTS.md keeps its word: every fault has a row, and every test that a row names has the fault's number in it.

import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

interface Row {
  readonly id: string;
  readonly tier: string;
  readonly heldBy: string;
}

const FAULTS = Array.from({ length: 78 }, (_, index) => `F${String(index + 1).padStart(2, "0")}`);
/** Of tier C alone. */
const REASONS_MAX = 5;
const TEST_FILE = /`(test\/[^`]+\.ts)`/g;
/** What is held by nothing yet, and by what it will be. */
const LATER = /\bissue \d+: |^with \S.* not built yet$|^with \S.*neither is built yet$/;

async function readRows(): Promise<readonly Row[]> {
  const page = await readFile("docs/FAULTS.md", "utf8");
  return [...page.matchAll(/^\| (F\d\d) \| ([ABC]) \| [^|]+ \| ([^|]+) \|$/gm)].map(
    ([, id = "", tier = "", heldBy = ""]) => ({ id, tier, heldBy }),
  );
}

function filesOf({ heldBy }: Row): readonly string[] {
  return [...heldBy.matchAll(TEST_FILE)].map(([, file = ""]) => file);
}

test("every fault has one row, in order", async () => {
  expect((await readRows()).map(({ id }) => id)).toEqual(FAULTS);
});

test("every test that is named is there, and has the number of its fault", async () => {
  const missing: string[] = [];
  const parts = await readFile("test/lab/lab-parts.ts", "utf8");
  for (const row of await readRows()) {
    if (row.heldBy.startsWith("reason: ")) continue;
    for (const file of filesOf(row)) {
      const text = await readFile(file, "utf8").catch(() => "");
      if (!new RegExp(`\\b${row.id}\\b`).test(text)) missing.push(`${row.id}: ${file}`);
    }
    for (const [, part = ""] of row.heldBy.matchAll(/lab -- --only (\w+)/g)) {
      if (!parts.includes(`  ${part}: run`))
        missing.push(`${row.id}: ${part} is no part of the laboratory`);
    }
  }
  expect(missing).toEqual([]);
});

test("what no test holds is another issue's, or has a reason: few, and of tier C", async () => {
  const rows = await readRows();
  const others = rows.filter((row) => filesOf(row).length === 0 || row.heldBy.startsWith("reason"));
  const reasons = others.filter(({ heldBy }) => heldBy.startsWith("reason: "));
  expect(reasons.length).toBeLessThanOrEqual(REASONS_MAX);
  expect(reasons.filter(({ tier }) => tier !== "C")).toEqual([]);
  const unheld = others.filter((row) => !reasons.includes(row) && !LATER.test(row.heldBy));
  expect(unheld).toEqual([]);
});
