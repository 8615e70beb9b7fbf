// What footers and pack entries say of sealed (encrypted) bytes beside their size and digest: what they were before, and
// how they are opened by who has the key; absent where nothing is sealed. The store makes the text, and nobody here reads it.

import { countField, objectField, textField, type Fields } from "./json-fields.ts";

export interface ShardSeal {
  /** Bytes before they were sealed. */
  readonly sizeBytes: number;
  /** Of the object or part, as its row has it. */
  readonly etag: string;
  /** The data key, wrapped, and what else opening takes. */
  readonly encryption: string;
}

/** @throws FieldError when there is one that makes no sense. */
export function sealField(fields: Fields): ShardSeal | undefined {
  const seal = objectField(fields, "seal");
  if (seal === undefined) return undefined;
  return {
    sizeBytes: countField(seal, "sizeBytes"),
    etag: textField(seal, "etag"),
    encryption: textField(seal, "encryption"),
  };
}
