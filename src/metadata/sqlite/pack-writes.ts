// Writes to packs, within the writer's transaction.

import type { WriteHandlers } from "../write-operations.ts";
import type { StatementSource } from "./statement-source.ts";

export function packWrites(
  _database: StatementSource,
): Pick<WriteHandlers, "movePacked" | "sealPack"> {
  return {
    sealPack: () => "unknown",
    movePacked: () => false,
  };
}
