// What the metadata keeps of how bytes are sealed, as text: JSON with a version. An object that was put whole has all of
// it; an upload, and the object that it becomes, the wrapped data key; each of its parts what is its own.
// Neither a key of a client nor a master key stands in it.

import { S3Error } from "../../core/s3-error.ts";

const MODES = ["SSE-C", "SSE-KMS", "SSE-S3"] as const;
export type SealMode = (typeof MODES)[number];

/** The data key, as it may be kept. */
export interface WrappedKey {
  readonly mode: SealMode;
  /** Names the master key; "" for a client's. */
  readonly keyId: string;
  /** In Base64. */
  readonly wrapped: string;
  /** SSE-KMS: the key's name, as the client wrote it. */
  readonly kmsKeyId?: string | undefined;
}

/** What is known of one stream of sealed chunks. */
export interface Sealing {
  /** Makes the stream's own key from the data key; in Base64. */
  readonly salt: string;
  readonly chunkBytes: number;
  /** Of the sealed bytes, tags and all, in hex: see stored-bytes.ts. */
  readonly digest: string;
}

export interface Encryption {
  readonly key?: WrappedKey | undefined;
  readonly sealing?: Sealing | undefined;
}

const VERSION = 1;
const DIGEST = /^[0-9a-f]{32}$/;
const CHUNK_BYTES_MAX = 16 * 1024 * 1024;

export function renderEncryption({ key, sealing }: Encryption): string {
  return JSON.stringify({ v: VERSION, ...key, ...sealing });
}

/** @throws S3Error InternalError for what this version does not know. */
export function parseEncryption(text: string): Encryption {
  const fields = fieldsOf(text);
  if (fields.get("v") !== VERSION) throw unreadable();
  return { key: findKey(fields), sealing: findSealing(fields) };
}

/** How an object, or upload, is encrypted; undefined: not at all. @throws S3Error InternalError */
export function sealModeOf(text: string | undefined): SealMode | undefined {
  return wrappedKeyOf(text)?.mode;
}

/** The wrapped data key of an object, or upload; undefined: it is not encrypted. @throws S3Error InternalError */
export function wrappedKeyOf(text: string | undefined): WrappedKey | undefined {
  return text === undefined ? undefined : requireKey(parseEncryption(text));
}

/** @throws S3Error InternalError */
export function requireKey({ key }: Encryption): WrappedKey {
  if (key === undefined) throw unreadable();
  return key;
}

/** @throws S3Error InternalError */
export function requireSealing({ sealing }: Encryption): Sealing {
  if (sealing === undefined) throw unreadable();
  return sealing;
}

function findKey(fields: ReadonlyMap<string, unknown>): WrappedKey | undefined {
  if (!fields.has("mode")) return undefined;
  const mode = MODES.find((known) => known === fields.get("mode"));
  if (mode === undefined) throw unreadable();
  const kmsKeyId = mode === "SSE-KMS" ? textIn(fields, "kmsKeyId") : undefined;
  return { mode, keyId: textIn(fields, "keyId"), wrapped: textIn(fields, "wrapped"), kmsKeyId };
}

function findSealing(fields: ReadonlyMap<string, unknown>): Sealing | undefined {
  if (!fields.has("salt")) return undefined;
  const chunkBytes = fields.get("chunkBytes");
  const digest = textIn(fields, "digest");
  const isSane =
    typeof chunkBytes === "number" &&
    Number.isInteger(chunkBytes) &&
    chunkBytes > 0 &&
    chunkBytes <= CHUNK_BYTES_MAX;
  if (!isSane || !DIGEST.test(digest)) throw unreadable();
  return { salt: textIn(fields, "salt"), chunkBytes, digest };
}

function fieldsOf(text: string): ReadonlyMap<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
  } catch (error) {
    throw unreadable(error);
  }
}

function textIn(fields: ReadonlyMap<string, unknown>, name: string): string {
  const value = fields.get(name);
  if (typeof value !== "string") throw unreadable();
  return value;
}

function unreadable(cause?: unknown): S3Error {
  const words = "what the metadata says of an object's encryption cannot be read";
  return new S3Error("InternalError", { cause: new Error(words, { cause }) });
}
