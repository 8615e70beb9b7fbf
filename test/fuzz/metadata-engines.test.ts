// Random sequences of metadata operations on SQLite and on the in-memory model: every answer, every refusal and, in the
// end, everything that can be read must be equal. Operations of one step are submitted together, so that SQLite commits
// them as one group. Replay with SEED=...; RUNS=... makes it longer.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { S3Error } from "../../src/core/s3-error.ts";
import { openMemoryMetadata } from "../../src/metadata/memory/open-memory-metadata.ts";
import type { MetadataStore } from "../../src/metadata/metadata-store.ts";
import { openSqliteMetadata } from "../../src/metadata/sqlite/open-sqlite-metadata.ts";
import type { Clock } from "../../src/util/clock.ts";
import { dumpOf, withoutIds } from "./metadata-dump.ts";
import { stepsArbitrary } from "./metadata-draws.ts";
import { formatMembers } from "../support/member-folders.ts";
import { openOn } from "./metadata-members.ts";
import { beginAnew, MetadataScript, type Action } from "./metadata-script.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env["RUNS"] ?? 40);

/** What engines say of a pack that is in the trash: a fault of the caller. */
const MISUSED = /is in the trash/;

/** The same for both: what goes to the trash is dated alike. */
const standingClock: Clock = { now: () => 1_000, monotonic: () => 0, translate: (date) => date };

const SQLITES: readonly (readonly [string, (folder: string) => Promise<MetadataStore>])[] = [
  ["SQLite", (folder) => openSqliteMetadata({ folder, clock: standingClock })],
  // There what writes change is known as it is recorded, and a group is undone as a whole.
  [
    "SQLite with members",
    async (folder) => {
      const { specs } = await formatMembers(folder, 3);
      return (await openOn(join(folder, "metadata"), specs, standingClock)).metadata;
    },
  ],
];

test.each(SQLITES)(
  `%s does what the model does (seed ${seed})`,
  async (_, open) => {
    const folder = await mkdtemp(join(tmpdir(), "kintsugi-fuzz-"));
    const model = openMemoryMetadata(standingClock);
    const store = await open(folder);
    onTestFinished(async () => {
      await store.close();
      await rm(folder, { recursive: true });
    });
    const script = new MetadataScript(model, [store]);

    await fc.assert(
      fc.asyncProperty(stepsArbitrary, async (steps) => {
        await beginAnew([model, store]);
        for (const step of steps) {
          const actions = await script.prepare(step);
          const expected = await answersOf(model, actions);
          expect(await answersOf(store, actions)).toEqual(expected);
        }
        expect(await dumpOf(store)).toEqual(await dumpOf(model));
      }),
      { seed, numRuns },
    );
  },
  120_000,
);

async function answersOf(store: MetadataStore, actions: readonly Action[]) {
  const outcomes = await Promise.allSettled(actions.map((act) => act(store)));
  return outcomes.map((outcome) => {
    if (outcome.status === "fulfilled") return withoutIds(outcome.value);
    const reason: unknown = outcome.reason;
    if (reason instanceof Error && MISUSED.test(reason.message)) return "misused";
    // Any other fault is an answer that no sequence may lead to.
    if (!(reason instanceof S3Error)) throw reason;
    const { code, message, detail } = reason;
    return withoutIds({ code, message, detail });
  });
}
