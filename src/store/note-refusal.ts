// A change that was refused after its bytes were durable in a pack leaves an entry that looks like any other. A note in a
// pack says so, for metadata that is made anew from the drives: else the entry might be the newest of its key.

import { createHash } from "node:crypto";
import { PackedBytes } from "./packed-bytes.ts";
import type { PackedContent } from "./packs.ts";
import { renderRefusal } from "./refusal-text.ts";
import type { StoreContext } from "./store-context.ts";

/** Resolves when the note is durable, or cannot be made; never rejects. */
export async function noteRefusal(
  context: StoreContext,
  { set: { id: setId }, offset }: PackedContent,
): Promise<void> {
  const about = renderRefusal({ setId, offset });
  const text = Buffer.from(about, "utf8");
  try {
    const bytes = new PackedBytes(context, text.length);
    bytes.take(text);
    bytes.end();
    const entry = {
      bucket: "",
      key: "",
      sizeBytes: text.length,
      etag: createHash("md5").update(text).digest("hex"),
      checksums: [],
      attributes: { headers: {}, userMetadata: {} },
      createdAt: context.clock.now(),
      about,
    };
    const noted = await context.packs.add({ entry, bytes, usesReserve: true });
    // Nothing names it: like what it tells of, it goes with its pack.
    context.packs.settle(noted, "refused");
  } catch (err) {
    context.logger.warn({ err, setId, offset }, "no note could be made of a refused write");
  }
}
