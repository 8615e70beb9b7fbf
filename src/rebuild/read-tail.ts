// The end of a shard file, in as few reads as may be: whether it has a footer, and what that says.

import {
  locateFooter,
  parseShardFooter,
  TRAILER_BYTES,
  type ShardFooter,
} from "../datanode/shard-format.ts";
import { ShardError, type ShardName, type ShardStore } from "../datanode/shard-store.ts";

export interface ShardTail {
  readonly fileBytes: number;
  /** Undefined where there is none that is valid. */
  readonly footer: ShardFooter | undefined;
  /** Where the footer begins; the end of the file where there is none. */
  readonly endOffset: number;
}

/** Nearly all footers are shorter. */
const USUAL_BYTES = 4_096;

/** Undefined for a file that cannot be read. */
export async function readTail(store: ShardStore, name: ShardName): Promise<ShardTail | undefined> {
  try {
    const fileBytes = await store.size(name);
    const tail = await readEnd(store, name, fileBytes, Math.min(USUAL_BYTES, fileBytes));
    if (fileBytes < TRAILER_BYTES) return withoutFooter(fileBytes);
    try {
      const place = locateFooter(tail.subarray(-TRAILER_BYTES), fileBytes);
      const bytes =
        place.footerBytes <= tail.length
          ? tail.subarray(-place.footerBytes)
          : await readEnd(store, name, fileBytes, place.footerBytes);
      const footer = parseShardFooter(bytes, fileBytes);
      const isOwn = footer.setId === name.setId && footer.index === name.index;
      return isOwn ? { fileBytes, footer, endOffset: place.offset } : withoutFooter(fileBytes);
    } catch (error) {
      if (error instanceof ShardError && error.code === "Corrupt") return withoutFooter(fileBytes);
      throw error;
    }
  } catch (error) {
    if (error instanceof ShardError) return undefined;
    throw error;
  }
}

function withoutFooter(fileBytes: number): ShardTail {
  return { fileBytes, footer: undefined, endOffset: fileBytes };
}

async function readEnd(
  store: ShardStore,
  name: ShardName,
  fileBytes: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  if (length > 0) await store.read(name, fileBytes - length, bytes);
  return bytes;
}
