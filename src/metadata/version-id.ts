// The ids of versions that clients see: opaque, 32 characters that need no escaping in a URL. Random, but for the
// version's sequence, which is folded in: whoever brings an id is led to its row with one seek, without an index.

import { randomBytes } from "node:crypto";

/** The version that is written where versioning is off or suspended: a key has at most one. */
export const NULL_VERSION = "null";

const ID_BYTES = 24;
const SEQUENCE_BYTES = 6;
const SEQUENCE_AT = ID_BYTES - SEQUENCE_BYTES;
const SHAPE = /^[A-Za-z0-9_-]{32}$/;

export function newVersionId(sequence: number): string {
  const bytes = randomBytes(ID_BYTES);
  bytes.writeUIntBE(sequence, SEQUENCE_AT, SEQUENCE_BYTES);
  fold(bytes);
  return bytes.toString("base64url");
}

/** The sequence of the version that has that id, if there is one; undefined for what is no id of ours. */
export function sequenceOf(versionId: string): number | undefined {
  if (!SHAPE.test(versionId)) return undefined;
  const bytes = Buffer.from(versionId, "base64url");
  fold(bytes);
  return bytes.readUIntBE(SEQUENCE_AT, SEQUENCE_BYTES);
}

/** So that ids of versions that follow each other do not look alike. Its own inverse. */
function fold(bytes: Buffer): void {
  for (let index = 0; index < SEQUENCE_BYTES; index += 1) {
    bytes[SEQUENCE_AT + index] = (bytes[SEQUENCE_AT + index] ?? 0) ^ (bytes[index] ?? 0);
  }
}
