// The life of a store's incarnation in the metadata. Where too few copies of the metadata are there to take a change, the
// store is opened all the same, for what is there can be read; the incarnation begins once they are back. What is written
// in the moment before is as safe: sets of an incarnation that the metadata does not know are never swept.

import { setTimeout as sleep } from "node:timers/promises";
import type { Incarnation } from "../core/ids.ts";
import { S3Error } from "../core/s3-error.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { Clock } from "../util/clock.ts";

const AGAIN_MS = 1_000;

export interface IncarnationOptions {
  readonly metadata: Pick<
    MetadataStore,
    "beginIncarnation" | "endIncarnation" | "endOtherIncarnations"
  >;
  readonly clock: Clock;
  /** See ObjectStoreOptions. */
  readonly isSoleOwner?: boolean | undefined;
}

/** Resolves to what ends it. @throws Error for any other reason than that the metadata takes no changes now */
export async function beginIncarnation(
  { metadata, clock, isSoleOwner }: IncarnationOptions,
  incarnation: Incarnation,
): Promise<() => Promise<void>> {
  const stopping = new AbortController();
  let isBegun = false;
  let isUnclear = false;
  const beginOnce = async (): Promise<void> => {
    try {
      await metadata.beginIncarnation({ incarnation, startedAt: clock.now() });
    } catch (error) {
      // What was not acknowledged may have been done, and is refused a second time.
      if (isAway(error) || !isUnclear) throw error;
    }
  };
  const begin = async (): Promise<void> => {
    if (!isBegun) await beginOnce();
    isBegun = true;
    if (isSoleOwner === true) await metadata.endOtherIncarnations(incarnation, clock.now());
  };
  const tryToBegin = async (): Promise<boolean> => {
    try {
      await begin();
      return true;
    } catch (error) {
      if (!isAway(error)) throw error;
      isUnclear = true;
      return false;
    }
  };
  const goOn = async (): Promise<boolean> => {
    for (;;) {
      await sleep(AGAIN_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => 0);
      if (stopping.signal.aborted) return false;
      // What fails for another reason is tried again, too: nobody else would.
      if (await tryToBegin().catch(() => false)) return true;
    }
  };
  const beginning = (await tryToBegin()) ? Promise.resolve(true) : goOn();
  return async () => {
    stopping.abort();
    if (!(await beginning)) return;
    try {
      await metadata.endIncarnation(incarnation, clock.now());
    } catch (error) {
      // The next one ends it.
      if (!isAway(error)) throw error;
    }
  };
}

function isAway(error: unknown): boolean {
  return error instanceof S3Error && error.code === "ServiceUnavailable";
}
