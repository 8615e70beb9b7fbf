// The laboratory in short: that its tools can tell right from wrong, and a few rounds of each of its parts. Its long
// form is `npm run lab`. Replay a failure with SEED=...

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runCrashLoop, type LoopOptions } from "../lab/crash-loop.ts";
import { flipJournals } from "../lab/flips/journal-flips.ts";
import { flipShardFiles } from "../lab/flips/shard-flips.ts";
import { flipSqlite } from "../lab/flips/sqlite-flips.ts";
import { runHttp } from "../lab/http-loop.ts";
import { runModel } from "../lab/model/model-run.ts";
import { PointTallies } from "../lab/point-tallies.ts";
import { runPoints } from "../lab/points-loop.ts";
import { buildMirror } from "../lab/power/durable-mirror.ts";
import { runPowerLoop } from "../lab/power/power-loop.ts";
import { EXPECTED_SURVIVORS, survivorsOf, WRITERS } from "../lab/power/prove-mirror.ts";
import { seededRandom } from "../../src/util/seeded-random.ts";
import { Register } from "../lab/register.ts";
import { Journal } from "../lab/world.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);

/** Runs one of the labs until so many cycles have begun; resolves to what it found. */
async function violationsOf(lab: (options: LoopOptions) => Promise<void>, cycles: number) {
  const journal = new Journal(() => undefined);
  await lab({ seed, journal, shouldGoOn: () => journal.cycle < cycles });
  return journal.violations;
}

test("a register tells what may be seen after a crash", () => {
  const register = new Register("first");
  register.acknowledge(register.begin(1, "second"));
  const pending = register.begin(2, "third");
  const refused = register.begin(3, "never");
  register.refuse(refused);
  const seen = () => register.candidates(Infinity, Infinity).map(({ value }) => value);
  // Acknowledged, so the first is gone; unanswered, so the third may be there.
  expect(seen()).toEqual(["second", "third"]);
  register.acknowledge(pending);
  expect(seen()).toEqual(["third"]);
  // Two at once, both answered: either may be the last.
  const left = register.begin(4, "left");
  const right = register.begin(5, "right");
  register.acknowledge(left);
  register.acknowledge(right);
  expect(seen()).toEqual(["left", "right"]);
});

test(`kill -9 under mixed load loses nothing that was acknowledged (F01-F12, seed ${seed})`, async () => {
  expect(await violationsOf(runCrashLoop, 2)).toEqual([]);
});

test("a named point that is never passed is told, and one that is not hit often enough", () => {
  const tallies = new PointTallies(["set.opened", "set.durable"], seededRandom(seed), 2);
  const journal = new Journal(() => undefined);
  for (let tries = 0; tries < 8; tries += 1) {
    const name = tallies.next();
    if (name !== undefined) tallies.note(name, name === "set.durable");
  }
  expect(tallies.next()).toBeUndefined();
  tallies.report(journal);
  expect(journal.violations).toEqual([
    "cycle 0: the point set.opened was hit 0 times and missed 6 times",
  ]);
  const early = new PointTallies(["set.opened"], seededRandom(seed), 2);
  early.note("set.opened", true);
  expect(early.next()).toBe("set.opened");
  early.report(journal);
  expect(journal.violations.at(-1)).toBe("cycle 0: hit less often than 2 times: set.opened 1");
});

test(`nor does death at a named point of a commit path (seed ${seed})`, async () => {
  expect(await violationsOf(runPoints, 2)).toEqual([]);
});

test(`operations over HTTP, many at a time, are linearizable, and so are listings (F67, seed ${seed})`, async () => {
  const journal = new Journal(() => undefined);
  await runHttp({ seed, journal, shouldGoOn: () => journal.acknowledgedCount < 500 });
  expect(journal.violations).toEqual([]);
});

test(`operations agree with the model while drives fail and power is cut (F26 F27 F36 F38, seed ${seed})`, async () => {
  expect(await violationsOf(runModel, 25)).toEqual([]);
});

test(`flipped bits never make wrong bytes (F28-F31, seed ${seed})`, async () => {
  const journal = new Journal(() => undefined);
  const flips = { seed, random: seededRandom(seed), journal, shouldGoOn: () => true };
  await flipShardFiles(flips, 200);
  await flipJournals(flips, 50);
  await flipSqlite(flips, { withStore: 10, withServer: 1 });
  expect(journal.violations).toEqual([]);
});

test(`a power cut leaves what was synced, and that is enough (F20 F21 F24, seed ${seed})`, async ({
  skip,
}) => {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-mirror-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { library, reason } = await buildMirror(folder);
  if (library === undefined) {
    process.stderr.write(`POWER CUTS ARE NOT TESTED, there is no C compiler: ${reason}\n`);
    skip();
    return;
  }
  for (const writer of WRITERS) {
    expect(await survivorsOf(library, writer), writer).toBe(EXPECTED_SURVIVORS[writer]);
  }
  expect(await violationsOf(runPowerLoop, 2)).toEqual([]);
});
