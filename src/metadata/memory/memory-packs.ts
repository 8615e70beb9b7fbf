// The writes of the in-memory model to packs, and what ends the processes that wrote them.

import type { WriteHandlers } from "../write-operations.ts";
import type { MemoryState } from "./memory-state.ts";

type PackWrite = "endOtherIncarnations" | "movePacked" | "sealPack";

export function memoryPacks(state: MemoryState): Pick<WriteHandlers, PackWrite> {
  return {
    endOtherIncarnations: ({ own, endedAt }) => {
      for (const [incarnation, process] of state.processes) {
        if (incarnation === own || process.endedAt !== undefined) continue;
        state.processes.set(incarnation, { ...process, endedAt });
      }
    },
    sealPack: () => "unknown",
    movePacked: () => false,
  };
}
