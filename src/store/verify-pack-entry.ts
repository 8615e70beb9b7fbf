// The header of an object's entry in a pack, in each shard, compared with the row. It ends where the object's blocks
// begin. The pack itself has a footer only once it is sealed, and a process that was killed seals nothing: so what is
// compared is the entry.

import {
  findPackEntry,
  peekPackEntryBytes,
  PACK_ENTRY_START_BYTES,
  type PackEntry,
} from "../datanode/shard-format.ts";
import type { ShardName, ShardStore } from "../datanode/shard-store.ts";
import type { ShardCheck } from "./shard-check.ts";
import type { SetRun } from "./set-run.ts";
import type { FramesCheck } from "./verify-frames.ts";

export interface EntryExpectation {
  readonly bucket: string | undefined;
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
}

/** Nearly all headers are shorter; the others are looked for once more, with as many bytes as there can be. */
const USUAL_BYTES = 1_024;
const MOST_BYTES = 64 * 1_024;

export interface EntryCheck extends FramesCheck {
  /** What is wrong with copies of the header: a GET does not need it, so that their shards may be good otherwise. */
  readonly damaged: ReadonlyMap<ShardCheck, string>;
}

export async function verifyPackEntry(
  shards: readonly ShardCheck[],
  { set }: SetRun,
  said: EntryExpectation,
): Promise<EntryCheck> {
  const damaged = new Map<ShardCheck, string>();
  let found: PackEntry | undefined;
  await Promise.all(
    shards.map(async (shard) => {
      const entry = await shard.ask(({ store }) => readEntry(store, shard.name, set.headerBytes));
      if (entry === "damaged") damaged.set(shard, "the header of its entry in the pack is damaged");
      else found ??= entry;
    }),
  );
  const { sizeBytes, etag } = said;
  // What the blocks are checked against is what the row says, as in a GET: their seeds are made of it.
  const frame = { dataBytes: sizeBytes, etag, digests: [] };
  return { frame, disagreement: found && disagreementOf(found, said), damaged };
}

function disagreementOf(found: PackEntry, said: EntryExpectation): string | undefined {
  const isSame =
    found.sizeBytes === said.sizeBytes &&
    found.etag === said.etag &&
    found.key === said.key &&
    (said.bucket === undefined || found.bucket === said.bucket);
  if (isSame) return undefined;
  const name = `${found.bucket}/${found.key}`;
  return `its entry in the pack says ${name}, ${found.sizeBytes} bytes, ETag ${found.etag}`;
}

/** The entry whose header ends at `end`. */
async function readEntry(
  store: ShardStore,
  name: ShardName,
  end: number,
): Promise<PackEntry | "damaged"> {
  for (const bytesMax of [USUAL_BYTES, MOST_BYTES]) {
    const bytes = Buffer.alloc(Math.min(bytesMax, end));
    await store.read(name, end - bytes.length, bytes);
    const entry = findLast(bytes, name, end);
    if (entry !== undefined) return entry;
  }
  return "damaged";
}

/** The entry whose header is the end of these bytes. */
function findLast(bytes: Buffer, { setId }: ShardName, end: number): PackEntry | undefined {
  for (let at = bytes.length - PACK_ENTRY_START_BYTES; at >= 0; at -= 1) {
    const header = bytes.subarray(at);
    if (peekPackEntryBytes(header) !== header.length) continue;
    const entry = findPackEntry({ setId, offset: end - header.length }, header);
    if (entry !== undefined) return entry;
  }
  return undefined;
}
