// What each shard file of a set must hold, byte for byte, as far as its siblings tell: header and footer, which differ in
// little more than the index, and between them runs of blocks, each behind a lead that is the same in every shard. A set of its
// own has one run and no lead; in a pack each object is a run, and the header of its entry the lead.

import { packedSeed, shardSeed, TRAILER_BYTES } from "../../datanode/shard-format.ts";
import { readFrameOrPack, readShardFrame, type ShardFrame } from "../../datanode/read-shard.ts";
import { siblingFooter, siblingHeader } from "../../datanode/sibling-frame.ts";
import type { ShardStore } from "../../datanode/shard-store.ts";
import { callDrive } from "../call-drive.ts";
import { findNamed } from "../compaction.ts";
import type { StoreContext } from "../store-context.ts";
import { commonOf, disagreementOf, mostFrequent } from "../verify-frames.ts";
import { idBefore } from "./id-before.ts";
import { endOfEntry, PackEntries } from "./pack-entries.ts";
import { RepairFault } from "./repair-fault.ts";
import type { RepairRun, SetShards } from "./set-shards.ts";

export interface PlannedRun {
  readonly lead: Uint8Array;
  readonly run: RepairRun;
  /** Whether something names it now; of a set of its own something does. */
  readonly isNamed: () => Promise<boolean>;
}

export interface SetPlan {
  readonly header: (index: number) => Uint8Array;
  /** `shards`: by which they are read. */
  readonly runs: (shards: SetShards) => AsyncIterable<PlannedRun> | Iterable<PlannedRun>;
  /** Undefined for a pack whose process died before it could seal it. */
  readonly footer: ((index: number) => Uint8Array) | undefined;
  /** Of each shard, as the footers say; undefined where there are none. */
  readonly digests: readonly string[] | undefined;
  /** Bytes before the footer. */
  readonly endOffset: number;
}

const NOTHING = new Uint8Array(0);

/** @throws RepairFault */
export async function planSet(context: StoreContext, shards: SetShards): Promise<SetPlan> {
  const { set } = shards;
  const headers = await askAll(context, shards, async (store, index) =>
    readFrameOrPack(store, { setId: set.id, index }),
  );
  const [isPack] = new Set(headers.map(({ header }) => header.pack === true));
  if (isPack === undefined) throw tooFew(shards, "no shard has a good header");
  if (isPack) return planPack(context, shards, headers[0]?.headerText ?? NOTHING);
  const frame = majorityOf(headers.filter((each) => "footer" in each));
  if (frame === undefined) throw tooFew(shards, "no shard has a good header and footer");
  const disagreement = disagreementOf(frame, set, context.clusterId);
  if (disagreement !== undefined) throw new RepairFault("disagrees", disagreement);
  const run: RepairRun = { set, seed: (index) => shardSeed(set.id, index) };
  return {
    ...endsOf(frame),
    runs: () => [{ lead: NOTHING, run, isNamed: async () => true }],
    endOffset: frame.fileBytes - frame.footerText.length,
  };
}

function endsOf({
  headerText,
  footerText,
  footer,
}: ShardFrame): Pick<SetPlan, "digests" | "footer" | "header"> {
  return {
    header: (index) => siblingHeader(headerText, index),
    footer: (index) => siblingFooter(footerText, index),
    digests: footer.digests,
  };
}

async function planPack(
  context: StoreContext,
  shards: SetShards,
  headerText: Uint8Array,
): Promise<SetPlan> {
  const { set } = shards;
  const [pack] = await context.metadata.listSparsePacks(0, idBefore(set.id), 1);
  if (pack?.set.id !== set.id) throw new RepairFault("waits", "its pack still grows");
  if (headerText.length !== set.headerBytes) {
    throw new RepairFault(
      "disagrees",
      "the headers of its pack have another size than its row says",
    );
  }
  const entries = await PackEntries.read(context, shards);
  const { endOffset } = entries;
  const frame = await packFrame(context, shards, endOffset);
  const runsUpTo = (end: number) => (by: SetShards) => packRuns(context, by, entries, end);
  if (frame !== undefined) return { ...endsOf(frame), runs: runsUpTo(endOffset), endOffset };
  const namedEnd = await endOfNamed(context, shards, entries);
  return {
    header: (index: number) => siblingHeader(headerText, index),
    footer: undefined,
    digests: undefined,
    runs: runsUpTo(namedEnd),
    endOffset: namedEnd,
  };
}

/**
 * Where a pack ends that no footer ends: behind the last object that is named. What stands behind that one was being appended
 * when the process died: some shards have it, others do not, and nobody was told of it.
 * @throws RepairFault where what is named lies behind a header that cannot be read.
 */
async function endOfNamed(
  context: StoreContext,
  shards: SetShards,
  entries: PackEntries,
): Promise<number> {
  const { set } = shards;
  let [end, namedCount] = [set.headerBytes, 0];
  for await (const found of entries.all(shards)) {
    if ((await findNamed(context.metadata, set.id, found)) === undefined) continue;
    end = endOfEntry(set, found);
    namedCount += 1;
  }
  const [again] = await context.metadata.listSparsePacks(0, idBefore(set.id), 1);
  if (namedCount < (again?.set.id === set.id ? again.referenceCount : 0)) {
    throw tooFew(shards, "the header of an object in its pack is damaged in every shard");
  }
  return end;
}

async function* packRuns(
  context: StoreContext,
  shards: SetShards,
  entries: PackEntries,
  endOffset: number,
): AsyncGenerator<PlannedRun, void> {
  const { set } = shards;
  for await (const found of entries.all(shards)) {
    const { entry, offset, header } = found;
    if (offset >= endOffset) return;
    const place = { offset, sizeBytes: entry.sizeBytes, etag: entry.etag };
    const run: RepairRun = {
      set: { ...set, sizeBytes: entry.sizeBytes, headerBytes: offset },
      seed: (index) => packedSeed(set.id, index, place),
    };
    const isNamed = async (): Promise<boolean> =>
      (await findNamed(context.metadata, set.id, { entry, offset })) !== undefined;
    yield { lead: header, run, isNamed };
  }
}

/** What footers say that stand where the entries end. @throws RepairFault where they all stand elsewhere. */
async function packFrame(
  context: StoreContext,
  shards: SetShards,
  endOffset: number,
): Promise<ShardFrame | undefined> {
  const { set } = shards;
  const frames = await askAll(context, shards, async (store, index) => {
    const name = { setId: set.id, index };
    // A pack without a footer is none the worse for it.
    if ((await store.size(name)) < endOffset + TRAILER_BYTES) return undefined;
    return readShardFrame(store, name).catch(() => undefined);
  });
  const found = frames.filter((frame) => frame !== undefined);
  const frame = majorityOf(found);
  if (frame === undefined) return undefined;
  if (frame.fileBytes - frame.footerText.length === endOffset) return frame;
  throw tooFew(shards, "its entries cannot be followed to where its footers stand");
}

function majorityOf(frames: readonly ShardFrame[]): ShardFrame | undefined {
  const common = mostFrequent(frames.map(commonOf));
  return frames.find((frame) => commonOf(frame) === common);
}

/** What all shards answer that can; what is wrong with the others is noted. */
async function askAll<Value>(
  context: StoreContext,
  shards: SetShards,
  ask: (store: ShardStore, index: number) => Promise<Value>,
): Promise<readonly Value[]> {
  const answers: Value[] = [];
  await Promise.all(
    shards.drives.map(async (drive, index) => {
      if (drive === undefined || !shards.isReachable(index)) return;
      try {
        const deadlineMs = context.limits.readDeadlineMs;
        answers.push(await callDrive(drive, ask(drive.store, index), { deadlineMs }));
      } catch (error) {
        drive.noteError(error);
        shards.note(index, error);
      }
    }),
  );
  return answers;
}

/** While a drive is away that may know better, nothing is given up. */
export function tooFew(shards: SetShards, why: string): RepairFault {
  return new RepairFault(shards.hasAway ? "waits" : "lost", why);
}
