// The writes of the in-memory model to packs, and what ends the processes that wrote them.

import { incarnationOf, type Incarnation } from "../../core/ids.ts";
import type { MovePackedInput } from "../metadata-store.ts";
import type { ObjectRecord } from "../records.ts";
import type { WriteHandlers } from "../write-operations.ts";
import { byId, type MemoryState } from "./memory-state.ts";
import { setVersion, versionsOf } from "./memory-versions.ts";

type PackWrite = "endIncarnation" | "endOtherIncarnations" | "movePacked" | "sealPack";

export function memoryPacks(state: MemoryState): Pick<WriteHandlers, PackWrite> {
  return {
    endIncarnation: ({ incarnation, endedAt }, nowMs) => {
      const process = state.processes.get(incarnation);
      if (process && process.endedAt === undefined) {
        state.processes.set(incarnation, { ...process, endedAt });
      }
      sealLeft(state, (each) => each === incarnation, nowMs);
    },
    endOtherIncarnations: ({ own, endedAt }, nowMs) => {
      for (const [incarnation, process] of state.processes) {
        if (incarnation === own || process.endedAt !== undefined) continue;
        state.processes.set(incarnation, { ...process, endedAt });
      }
      sealLeft(state, (incarnation) => incarnation !== own, nowMs);
    },
    sealPack: ({ setId, fileBytes }, nowMs) => {
      const shared = state.sets.get(setId);
      if (shared === undefined) {
        return state.trash.some((record) => record.setId === setId) ? "trashed" : "unknown";
      }
      const { pack, set } = shared;
      if (pack === undefined) throw new Error(`set ${setId} is no pack`);
      if (pack.isOpen) shared.set = { ...set, sizeBytes: fileBytes };
      pack.isOpen = false;
      return state.trashDead(shared, nowMs) ? "trashed" : "kept";
    },
    movePacked: (input, nowMs) =>
      input.part === undefined ? moveObject(state, input, nowMs) : movePart(state, input, nowMs),
  };
}

/** Seals the packs that processes left open. */
function sealLeft(
  state: MemoryState,
  isChosen: (incarnation: Incarnation) => boolean,
  nowMs: number,
): void {
  for (const shared of [...state.sets.values()].toSorted(byId)) {
    const { pack, set } = shared;
    if (pack?.isOpen !== true || !isChosen(incarnationOf(set.id))) continue;
    pack.isOpen = false;
    shared.set = { ...set, sizeBytes: pack.liveBytes };
    state.trashDead(shared, nowMs);
  }
}

function moveObject(state: MemoryState, input: MovePackedInput, nowMs: number): boolean {
  const bucket = state.buckets.get(input.bucketId);
  const object = findPacked(state, input);
  if (bucket === undefined || object === undefined) return false;
  state.checkContent(input.to);
  const content = state.acquire(input.to, object.sequence, object.sizeBytes);
  setVersion(bucket, object, { ...object, content });
  state.release(object, nowMs);
  return true;
}

/** The version whose bytes are at that place. */
export function findPacked(
  state: MemoryState,
  input: Pick<MovePackedInput, "bucketId" | "from" | "key">,
): ObjectRecord | undefined {
  return versionsOf(state.buckets.get(input.bucketId), input.key)
    .flatMap((version) => (version.kind === "object" ? [version.record] : []))
    .find((record) => isAt(record, input));
}

function movePart(state: MemoryState, input: MovePackedInput, nowMs: number): boolean {
  const upload = [...state.uploads.values()].find(
    ({ bucketId, record }) =>
      bucketId === input.bucketId &&
      record.key === input.key &&
      record.uploadId === input.part?.uploadId,
  );
  const part = upload?.parts.get(input.part?.number ?? 0);
  if (upload === undefined || part === undefined || !isAt(part, input)) return false;
  state.checkContent(input.to);
  const content = state.acquire(input.to, part.partId, part.sizeBytes);
  upload.parts.set(part.number, { ...part, content });
  state.release(part, nowMs);
  return true;
}

function isAt(
  { content }: Pick<ObjectRecord, "content">,
  { from }: Pick<MovePackedInput, "from">,
): boolean {
  if (content.kind !== "packed") return false;
  return content.set.id === from.setId && content.offset === from.offset;
}
