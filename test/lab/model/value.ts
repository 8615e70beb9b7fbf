// What the model holds at a key: the bytes themselves (they are few and small), and the ETag that the object must have.

import type { ObjectRecord } from "../../../src/metadata/records.ts";
import { bytesOfPiece, md5 } from "../contents.ts";

export interface ModelValue {
  /** For messages. */
  readonly name: string;
  readonly bytes: Buffer;
  /** Without quotes. */
  readonly etag: string;
}

/** An object, or none. */
export type Value = ModelValue | undefined;

export function newValue(seed: number, sizeBytes: number): ModelValue {
  const bytes = bytesOfPiece({ seed, sizeBytes });
  return { name: `${seed}, ${sizeBytes} bytes`, bytes, etag: md5(bytes) };
}

/** What an upload of these parts makes. */
export function valueOfParts(parts: readonly ModelValue[]): ModelValue {
  const digests = Buffer.concat(parts.map(({ etag }) => Buffer.from(etag, "hex")));
  return {
    name: `parts ${parts.map(({ name }) => name).join(" + ")}`,
    bytes: Buffer.concat(parts.map(({ bytes }) => bytes)),
    etag: `${md5(digests)}-${parts.length}`,
  };
}

/** A copy of an object of parts is an object of one: its ETag is the MD5 of the whole. */
export function valueOfCopy(value: ModelValue): ModelValue {
  return value.etag.includes("-") ? { ...value, etag: md5(value.bytes) } : value;
}

export function sliceOf(value: ModelValue, start: number, end: number): ModelValue {
  const bytes = value.bytes.subarray(start, end);
  return { name: `${start}-${end} of ${value.name}`, bytes, etag: md5(bytes) };
}

export function isSame(value: Value, object: ObjectRecord | undefined): boolean {
  if (value === undefined || object === undefined)
    return value === undefined && object === undefined;
  return value.bytes.length === object.sizeBytes && value.etag === object.etag;
}

export function renderValue(value: Value): string {
  return value === undefined ? "absent" : value.name;
}
