// Reads what a shard says of itself, header and footer, and checks that both belong to the file's name and to each
// other: for repair, scrub and rebuild. A GET needs none of it: the metadata knows where blocks are, and each block
// proves its place.

import {
  footerOffset,
  HEADER_ALIGN_BYTES,
  locateFooter,
  parseShardFooter,
  parseShardHeader,
  peekHeaderBytes,
  TRAILER_BYTES,
  type ShardFooter,
  type ShardHeader,
} from "./shard-format.ts";
import { corruptShard } from "./corrupt-shard.ts";
import type { ShardName, ShardStore } from "./shard-store.ts";

export interface ShardFrame {
  readonly header: ShardHeader;
  readonly footer: ShardFooter;
  readonly fileBytes: number;
  /** Both as they stand in the file. */
  readonly headerText: Uint8Array;
  readonly footerText: Uint8Array;
}

/** A header, and its bytes as they stand in the file. */
export interface HeaderInFile {
  readonly header: ShardHeader;
  readonly headerText: Uint8Array;
}

/** So much is read at the end of a shard: most footers are shorter. */
const END_BYTES = 4 * 1024;

/** For a pack, which has no footer while it is open. @throws ShardError Corrupt when it has no valid header; and what `read` throws. */
export async function readShardHeader(store: ShardStore, name: ShardName): Promise<ShardHeader> {
  return (await readHeaderInFile(store, name)).header;
}

/** @throws as `readShardHeader`. */
async function readHeaderInFile(store: ShardStore, name: ShardName): Promise<HeaderInFile> {
  const start = new Uint8Array(HEADER_ALIGN_BYTES);
  await store.read(name, 0, start);
  const headerText = await readMore(peekHeaderBytes(start), start, (rest) =>
    store.read(name, 0, rest),
  );
  const header = parseShardHeader(headerText);
  if (header.setId !== name.setId || header.index !== name.index) {
    throw corruptShard(`it is shard ${header.index} of set ${header.setId}, under another's name`);
  }
  return { header, headerText };
}

/**
 * Header and footer of a whole shard.
 * @throws ShardError Corrupt when it is not whole, or is not the shard of that name; and what `read` throws.
 */
export async function readShardFrame(store: ShardStore, name: ShardName): Promise<ShardFrame> {
  return readRest(store, name, await readHeaderInFile(store, name));
}

/** As `readShardFrame`; of a pack, which may have no footer, the header alone. */
export async function readFrameOrPack(
  store: ShardStore,
  name: ShardName,
): Promise<HeaderInFile | ShardFrame> {
  const start = await readHeaderInFile(store, name);
  return start.header.pack === true ? start : readRest(store, name, start);
}

async function readRest(
  store: ShardStore,
  name: ShardName,
  { header, headerText }: HeaderInFile,
): Promise<ShardFrame> {
  const fileBytes = await store.size(name);
  if (fileBytes < header.headerBytes + TRAILER_BYTES) throw corruptShard("it is cut off");
  const end = new Uint8Array(Math.min(END_BYTES, fileBytes));
  await store.read(name, fileBytes - end.length, end);
  const { offset, footerBytes } = locateFooter(end.subarray(-TRAILER_BYTES), fileBytes);
  const known = end.subarray(-Math.min(footerBytes, end.length));
  const footerText = await readMore(footerBytes, known, (all) => store.read(name, offset, all));
  const footer = parseShardFooter(footerText, fileBytes);
  checkTogether(header, footer, offset);
  return { header, footer, fileBytes, headerText, footerText };
}

/** The first bytes of what was read already, or all of it where that was less. */
async function readMore(
  sizeBytes: number,
  known: Uint8Array,
  read: (target: Uint8Array) => Promise<void>,
): Promise<Uint8Array> {
  if (sizeBytes <= known.length) return known.subarray(0, sizeBytes);
  const all = new Uint8Array(sizeBytes);
  await read(all);
  return all;
}

function checkTogether(header: ShardHeader, footer: ShardFooter, offset: number): void {
  if (footer.setId !== header.setId || footer.index !== header.index) {
    throw corruptShard("header and footer are of different shards");
  }
  const { dataShards, parityShards, unitBytes } = header;
  if (footer.digests.length !== dataShards + parityShards) {
    throw corruptShard("the footer has another number of shards than the header");
  }
  // Where the blocks of a pack are is known entry by entry.
  if (header.pack === true) return;
  const stripeBytes = dataShards * unitBytes;
  const rest = footer.dataBytes % stripeBytes;
  const fullCount = (footer.dataBytes - rest) / stripeBytes;
  const unitsBytes = fullCount * unitBytes + Math.ceil(rest / dataShards);
  const blockCount = fullCount + (rest > 0 ? 1 : 0);
  if (offset !== footerOffset(header.headerBytes, unitsBytes, blockCount)) {
    throw corruptShard("the blocks have another size than the footer says");
  }
}
