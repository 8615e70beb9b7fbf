// Since when each orphan is known as one, and its removal once its grace is over. What is not remembered (the memory is
// bounded, and dies with the process) waits longer.

import type { SetId } from "../core/ids.ts";
import { crashPoint } from "../util/crash-point.ts";
import type { Drive } from "./drive.ts";
import { isPastGrace } from "./grace.ts";
import { removeShard } from "./litter.ts";
import type { StoreContext } from "./store-context.ts";

const SEEN_PER_FOLDER_MAX = 1_000;
/** Sets removed at a time: it must not crowd out reads and writes. */
const CONCURRENCY = 4;

/** A set as it was found on drives. */
export interface FoundSet {
  readonly setId: SetId;
  readonly shards: { readonly drive: Drive; readonly index: number }[];
}

export interface FolderOrphans {
  readonly folder: number;
  readonly orphans: readonly FoundSet[];
  /** Whether all drives were looked at: else an orphan that was not seen may still be there. */
  readonly isWhole: boolean;
  readonly graceMs: number;
}

export class SeenOrphans {
  readonly #context: StoreContext;
  /** By folder; in monotonic milliseconds. */
  readonly #seenAt = new Map<number, Map<SetId, number>>();

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** Remembers these as all orphans of the folder, and gives those whose grace is over. */
  note({ folder, orphans, isWhole, graceMs }: FolderOrphans): readonly FoundSet[] {
    const now = this.#context.clock.monotonic();
    const before = this.#seenAt.get(folder) ?? new Map<SetId, number>();
    const seen = isWhole ? new Map<SetId, number>() : before;
    const due: FoundSet[] = [];
    for (const orphan of orphans) {
      const seenAt = before.get(orphan.setId) ?? now;
      if (isPastGrace(this.#context, seenAt, graceMs)) due.push(orphan);
      if (seen.size < SEEN_PER_FOLDER_MAX) seen.set(orphan.setId, seenAt);
    }
    if (seen.size > 0) this.#seenAt.set(folder, seen);
    else this.#seenAt.delete(folder);
    return due;
  }
}

/** Resolves to how many shards were removed; what cannot be removed now is left for the next pass. */
export async function removeOrphans(
  orphans: readonly FoundSet[],
  signal: AbortSignal | undefined,
): Promise<number> {
  let removedCount = 0;
  const queue = orphans.values();
  const take = async (): Promise<void> => {
    for (const { setId, shards } of queue) {
      if (signal?.aborted === true) return;
      const results = await Promise.allSettled(
        shards.map(({ drive, index }) => removeShard(drive, { setId, index })),
      );
      removedCount += results.filter(({ status }) => status === "fulfilled").length;
      crashPoint("sweep.set-removed");
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, take));
  return removedCount;
}
