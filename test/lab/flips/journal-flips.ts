// Bit flips in the files of a journal member: what it still gives must be what was written, from the beginning on; a flip
// that takes records away is told of.

import type { DriveId } from "../../../src/core/ids.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import {
  CHAIN_START,
  JournalError,
  type JournalMember,
} from "../../../src/journal/journal-member.ts";
import { openLocalMember } from "../../../src/journal/local-member.ts";
import { givenRecords, records, type ChainRecord } from "../../contract/chain-records.ts";
import type { ShardFlips } from "./shard-flips.ts";

const DRIVE = "6d1f6e1a-3a0c-4b58-9a44-0000000000f1" as DriveId;
const SEGMENT_BYTES = 4_096;
const FOLDER = "journal";
const READ_BYTES = 1_000_000;

export async function flipJournals(flips: ShardFlips, count: number): Promise<void> {
  const { journal, random, seed, shouldGoOn } = flips;
  const disk = new SimDrive({ seed });
  const chain = records(20 + random.below(20), { payloadBytes: random.below(400) });
  const writer = open(disk);
  await givenRecords(writer, chain);
  await writer.close();
  const names = (await disk.list(FOLDER)).filter(({ isDirectory }) => !isDirectory);
  for (let done = 0; done < count && shouldGoOn(); done += 1) {
    journal.cycle += 1;
    const name = names[random.below(names.length)]?.name ?? "";
    const path = `${FOLDER}/${name}`;
    const { sizeBytes } = await disk.open(path);
    const flip = { kind: "flip", offset: random.below(sizeBytes), bit: random.below(8) } as const;
    disk.corrupt(path, flip);
    journal.note("flips in journals");
    const wrong = await whatIsWrong(open(disk), chain);
    if (wrong === undefined) journal.count("journal read after a flip");
    else journal.violation(`${path} at ${flip.offset}.${flip.bit}: ${wrong}`);
    disk.corrupt(path, flip);
  }
}

const checkPresent = (): Promise<void> => Promise.resolve();

function open(disk: SimDrive): JournalMember {
  return openLocalMember({ disk, driveId: DRIVE, segmentBytesMax: SEGMENT_BYTES, checkPresent });
}

async function whatIsWrong(
  member: JournalMember,
  chain: readonly ChainRecord[],
): Promise<string | undefined> {
  try {
    const state = await member.inspect();
    const { sequence, digest } = state.head;
    const expected = sequence === 0 ? CHAIN_START : chain[sequence - 1]?.position;
    if (expected?.digest !== digest) return `a head that nobody wrote: ${sequence}`;
    if (sequence < chain.length && state.remarks.length === 0) return "records are gone, untold";
    return await findWrongRecord(member, chain, sequence);
  } catch (error) {
    return error instanceof JournalError && error.code === "Corrupt" ? undefined : String(error);
  } finally {
    await member.close();
  }
}

async function findWrongRecord(
  member: JournalMember,
  chain: readonly ChainRecord[],
  last: number,
): Promise<string | undefined> {
  const base = (await member.inspect()).base.sequence;
  for (let next = base + 1; next <= last;) {
    const found = await member.read(next, READ_BYTES);
    if (found.length === 0) return `record ${next} of ${last} is not given`;
    for (const bytes of found) {
      const written = chain[next - 1]?.bytes;
      if (written === undefined || Buffer.compare(written, bytes) !== 0) return `record ${next}`;
      next += 1;
    }
  }
  return undefined;
}
