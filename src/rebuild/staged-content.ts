// What was found on the drives as a row names it.

import type { NewContent } from "../metadata/metadata-store.ts";
import type { DraftDatabase } from "../metadata/sqlite/rebuild/draft-database.ts";
import type { StagedClaim } from "../metadata/sqlite/rebuild/claim-stage.ts";
import type { SetPlaces } from "./place-sets.ts";

export function contentOf(
  { draft, places }: { readonly draft: DraftDatabase; readonly places: SetPlaces },
  { set, offset }: Pick<StagedClaim, "offset" | "set">,
): Extract<NewContent, { readonly kind: "packed" | "set" }> {
  const { id, dataShards, parityShards, unitBytes, headerBytes, sizeBytes, drives } = set;
  const record = {
    id,
    dataShards,
    parityShards,
    unitBytes,
    headerBytes,
    sizeBytes,
    layoutVersion: draft.sets.layoutOf(id) ?? places.versionOf(set),
    missing: drives.flatMap((drive, index) => (drive < 0 ? [index] : [])),
  };
  return offset === undefined
    ? { kind: "set", set: record }
    : { kind: "packed", set: record, offset };
}
