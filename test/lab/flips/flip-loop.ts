// Bit flips everywhere: in shards, packs and their headers, in the journals of members, and in the SQLite file.

import { seededRandom } from "../../../src/util/seeded-random.ts";
import type { LoopOptions } from "../crash-loop.ts";
import { flipJournals } from "./journal-flips.ts";
import { flipShardFiles } from "./shard-flips.ts";
import { flipSqlite } from "./sqlite-flips.ts";

// Of a round, so that ten flips elsewhere come to one in SQLite.
const SHARD_FLIPS = 4_000;
const JOURNAL_FLIPS = 1_000;
const SQLITE_TRIALS = { withStore: 200, withServer: 3 };

export async function runFlips({ seed, journal, shouldGoOn }: LoopOptions): Promise<void> {
  const random = seededRandom(seed);
  for (let round = 0; shouldGoOn(); round += 1) {
    const flips = { seed: seed + round, random, journal, shouldGoOn };
    await flipSqlite(flips, SQLITE_TRIALS);
    await flipShardFiles(flips, SHARD_FLIPS);
    await flipJournals(flips, JOURNAL_FLIPS);
  }
}
