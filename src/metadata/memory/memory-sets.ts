// Names a copy of a shard set instead of the set itself, in the in-memory model.

import type { ReplaceSetInput } from "../metadata-store.ts";
import type { ObjectRecord } from "../records.ts";
import type { WriteHandlers } from "../write-operations.ts";
import type { MemoryState } from "./memory-state.ts";
import { setVersion, versionsOf } from "./memory-versions.ts";

export function memorySets(state: MemoryState): Pick<WriteHandlers, "replaceSet"> {
  return {
    replaceSet: (input, nowMs) =>
      input.detail.length > 1 ? inPart(state, input, nowMs) : inVersion(state, input, nowMs),
  };
}

function inVersion(state: MemoryState, input: ReplaceSetInput, nowMs: number): boolean {
  const { bucketId, key, detail, to } = input;
  const bucket = state.buckets.get(bucketId);
  const object = versionsOf(bucket, key)
    .flatMap((version) => (version.kind === "object" ? [version.record] : []))
    .find((record) => record.sequence === detail[0] && doesName(record, input));
  if (bucket === undefined || object === undefined) return false;
  state.checkContent(to);
  const content = state.acquire(to, object.sequence, object.sizeBytes);
  setVersion(bucket, object, { ...object, content });
  state.release(object, nowMs);
  return true;
}

function inPart(state: MemoryState, input: ReplaceSetInput, nowMs: number): boolean {
  const { bucketId, key, detail, to } = input;
  const [manifestId = 0, number = 0] = detail;
  const upload = state.uploads.get(manifestId);
  const part = upload?.parts.get(number);
  if (upload === undefined || part === undefined || !doesName(part, input)) return false;
  if (upload.bucketId !== bucketId || upload.record.key !== key) return false;
  state.checkContent(to);
  const content = state.acquire(to, part.partId, part.sizeBytes);
  upload.parts.set(part.number, { ...part, content });
  state.release(part, nowMs);
  return true;
}

function doesName(
  { content }: Pick<ObjectRecord, "content">,
  { from }: Pick<ReplaceSetInput, "from">,
): boolean {
  return content.kind === "set" && content.set.id === from;
}
