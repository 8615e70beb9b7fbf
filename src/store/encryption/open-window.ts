// Turns a window of sealed bytes into one of opened bytes. The read buffers go back at once; what was opened counts as
// memory in use in their stead, so that slow clients are noticed all the same.

import { S3Error } from "../../core/s3-error.ts";
import type { ByteWindow } from "../byte-window.ts";
import type { StoreContext } from "../store-context.ts";
import { SealBrokenError, type ChunkOpener } from "./chunk-opener.ts";

/** The windows of an opener must come in their order. @throws S3Error InternalError for bytes that do not open. */
export function openWindow(
  { logger, pools }: Pick<StoreContext, "logger" | "pools">,
  window: ByteWindow,
  opener: ChunkOpener,
): ByteWindow {
  try {
    const chunks = opener.open(window.chunks);
    const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    pools.claim(sizeBytes);
    return { chunks, release: () => pools.unclaim(sizeBytes) };
  } catch (error) {
    if (!(error instanceof SealBrokenError)) throw error;
    logger.error({ err: error }, "an encrypted object cannot be opened");
    throw new S3Error("InternalError", { cause: error });
  } finally {
    window.release();
  }
}
