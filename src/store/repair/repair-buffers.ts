// Buffers for the windows of repair, where the codec works on them without copying. Kept for as long as repair goes on, and
// let go soon after; what is out counts among the bytes under way of all requests.

import type { ErasureCodec } from "../../erasure/erasure-codec.ts";
import type { StoreContext } from "../store-context.ts";

/** What is not used again within so long is let go. */
const KEPT_MS = 10_000;
/** As many as are out when repair is busy, of both sizes: a new one costs far more than its bytes, for kernels are put into it. */
const KEPT_MAX = 16;

interface Kept {
  readonly buffers: Uint8Array[];
  timer: NodeJS.Timeout | undefined;
  /** The system has no room for such memories: asking again would be slow each time. */
  isRefused: boolean;
}

const kept = new WeakMap<ErasureCodec, Kept>();

type BufferContext = Pick<StoreContext, "codec" | "pools">;

export function acquireBuffer({ codec, pools }: BufferContext, sizeBytes: number): Uint8Array {
  pools.claim(sizeBytes);
  const { buffers } = keptOf(codec);
  const at = buffers.findIndex((buffer) => buffer.length === sizeBytes);
  if (at < 0) return allocate(codec, sizeBytes);
  const [found] = buffers.splice(at, 1);
  return found ?? allocate(codec, sizeBytes);
}

/** `isSafe`: nothing may still be written to it, or read from it, by a call that was given up. */
export function releaseBuffer(
  { codec, pools }: BufferContext,
  buffer: Uint8Array,
  isSafe: boolean,
): void {
  pools.unclaim(buffer.length);
  const mine = keptOf(codec);
  if (isSafe) mine.buffers.push(buffer);
  if (mine.buffers.length > KEPT_MAX) mine.buffers.shift();
  clearTimeout(mine.timer);
  mine.timer = setTimeout(() => (mine.buffers.length = 0), KEPT_MS);
  mine.timer.unref();
}

function keptOf(codec: ErasureCodec): Kept {
  let mine = kept.get(codec);
  if (mine === undefined) {
    mine = { buffers: [], timer: undefined, isRefused: false };
    kept.set(codec, mine);
  }
  return mine;
}

function allocate(codec: ErasureCodec, sizeBytes: number): Uint8Array {
  const mine = keptOf(codec);
  if (!mine.isRefused) {
    try {
      const buffer = codec.allocate?.(sizeBytes);
      if (buffer !== undefined) return buffer;
    } catch {
      mine.isRefused = true;
    }
  }
  return Buffer.allocUnsafeSlow(sizeBytes);
}
