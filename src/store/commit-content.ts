// The metadata change that names stored bytes, and what becomes of the bytes when it is refused.

import { S3Error } from "../core/s3-error.ts";
import { shardCount } from "../erasure/geometry.ts";
import type { NewContent } from "../metadata/metadata-store.ts";
import { crashPoint } from "../util/crash-point.ts";
import { noteRefusal } from "./note-refusal.ts";
import { discardSet } from "./remove-set.ts";
import type { StoreContext } from "./store-context.ts";

/**
 * Runs the change. Content that it refuses is removed, be it for too many changes at a time; in a pack it is dead bytes, and a note says so.
 * What another failure leaves is kept, since the change may have been made: an unnamed set is found by the sweep, a named
 * one that is gone would be lost.
 * @throws what the change throws
 */
export async function commitContent<Value>(
  context: StoreContext,
  content: NewContent,
  change: () => Promise<Value>,
): Promise<Value> {
  crashPoint("object.stored");
  try {
    const value = await change();
    crashPoint("object.named");
    context.packs.settle(content, "named");
    return value;
  } catch (error) {
    const isRefused = isRefusal(error);
    // Before it is settled: so the note mostly comes into the same pack, and lasts as long.
    if (isRefused && content.kind === "packed") await noteRefusal(context, content);
    context.packs.settle(content, isRefused ? "refused" : "doubtful");
    if (isRefused && content.kind === "set") {
      const { id: setId, layoutVersion } = content.set;
      crashPoint("object.refused");
      await discardSet(context, { setId, layoutVersion, shardCount: shardCount(content.set) });
    }
    throw error;
  }
}

/** Whether the change was certainly not made. */
function isRefusal(error: unknown): boolean {
  return error instanceof S3Error && (error.status < 500 || error.code === "SlowDown");
}
