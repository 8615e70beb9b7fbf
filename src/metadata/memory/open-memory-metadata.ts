// The in-memory MetadataStore: the reference that the other engines are compared with. Nothing in it is fast or durable.

import { realClock, type Clock } from "../../util/clock.ts";
import { EngineStore } from "../engine-store.ts";
import type { MetadataStore } from "../metadata-store.ts";
import { applyWrite, type WritePort } from "../write-operations.ts";
import { memoryPacks } from "./memory-packs.ts";
import { memoryReader } from "./memory-reader.ts";
import { memorySets } from "./memory-sets.ts";
import { MemoryState } from "./memory-state.ts";
import { memoryUploads } from "./memory-uploads.ts";
import { memoryWrites } from "./memory-writes.ts";

const nothing = () => {};

/** @param clock Dates what goes to the trash. */
export function openMemoryMetadata(clock: Clock = realClock): MetadataStore {
  const state = new MemoryState();
  const handlers = {
    ...memoryWrites(state),
    ...memoryUploads(state),
    ...memoryPacks(state),
    ...memorySets(state),
  };
  const writer: WritePort = {
    submit: async (request) => applyWrite(handlers, request, clock.now()),
    hasFailed: false,
    waitMs: 0,
    close: async () => {},
  };
  const reader = memoryReader(state);
  return new EngineStore({
    reader: () => reader,
    writer,
    closeReader: nothing,
    release: nothing,
  });
}
