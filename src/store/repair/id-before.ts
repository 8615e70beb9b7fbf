// The id just before a set's, so that a listing behind it begins with that set.

import type { SetId } from "../../core/ids.ts";

export function idBefore(setId: SetId): SetId {
  const before = BigInt(`0x${setId}`) - 1n;
  return before.toString(16).padStart(setId.length, "0") as SetId;
}
