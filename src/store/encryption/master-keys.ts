// Master keys that this process holds, newest last: the newest wraps, each opens what it has wrapped. So a key is changed
// by giving another one behind it; what the old one has wrapped stays readable for as long as it is given, too.
// A key is named by a hash of itself, so that nobody can give the right name to a wrong key.

import { createHash } from "node:crypto";
import { S3Error } from "../../core/s3-error.ts";
import { DEFAULT_KMS_KEY, nameInKeyId } from "./kms-key-id.ts";
import { unwrapKey, wrapKey } from "./key-wrap.ts";
import type { KeyName, KeyProvider, WrappedDataKey } from "./key-provider.ts";
import type { NamedKey } from "./named-keys.ts";

export interface MasterKey {
  /** Safe to show. */
  readonly id: string;
  /** 32 of them. */
  readonly bytes: Uint8Array;
}

const ID_HEX_LENGTH = 16;
const HEX = /^[0-9a-fA-F]{64}$/;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
/** Keys that may be given at a time. */
const KEYS_MAX = 100;
const NO_DEFAULT_KEY = `No KMS key was named, and the server was given none of the name ${DEFAULT_KMS_KEY}, which stands in then. Name one of its keys, or have it given that one (--kms-keys-file).`;

export function masterKeyOf(bytes: Uint8Array): MasterKey {
  const hash = createHash("sha256").update("kintsugi master key\0").update(bytes);
  return { id: hash.digest("hex").slice(0, ID_HEX_LENGTH), bytes };
}

/**
 * Keys from text: 32 bytes each, in hex or Base64, one a line (or parted by spaces or commas), the newest last. What
 * follows a "#" is a comment.
 * @throws Error in words that follow the setting's name, and show nothing of the text.
 */
export function parseMasterKeys(text: string): readonly MasterKey[] {
  const words = text
    .split("\n")
    .flatMap((line) => (line.split("#", 1)[0] ?? "").split(/[\s,]+/))
    .filter((word) => word !== "");
  const keys = words.map((word, index) => {
    if (HEX.test(word)) return masterKeyOf(Buffer.from(word, "hex"));
    if (BASE64.test(word)) return masterKeyOf(Buffer.from(word, "base64"));
    throw new Error(
      `must be 32 bytes in hex or Base64: make one with openssl rand -hex 32 (key ${index + 1} is not)`,
    );
  });
  if (keys.length === 0) throw new Error("holds no key: make one with openssl rand -hex 32");
  if (keys.length > KEYS_MAX) throw new Error(`holds more than ${KEYS_MAX} keys`);
  if (keys.some(({ bytes }) => bytes.every((byte) => byte === bytes[0]))) {
    throw new Error("holds a key that anybody could guess: make one with openssl rand -hex 32");
  }
  return keys;
}

export function renderMasterKey({ bytes }: MasterKey): string {
  return Buffer.from(bytes).toString("hex");
}

/** Why no data key can be wrapped now, in words for whoever runs the server; undefined: it can. */
export type Obstacle = () => string | undefined;

export class MasterKeys implements KeyProvider {
  readonly #keys = new Map<string, MasterKey>();
  /** The newest of each name. */
  readonly #named = new Map<string, MasterKey>();
  readonly #obstacle: Obstacle;
  #newest: MasterKey | undefined;

  constructor(keys: readonly MasterKey[], obstacle: Obstacle = () => undefined) {
    this.#obstacle = obstacle;
    for (const key of keys) this.add(key);
  }

  /** From now on it is the newest. */
  add(key: MasterKey): void {
    this.#keys.set(key.id, key);
    this.#newest = key;
  }

  /** From now on it is the newest of its name. It wraps for those alone who name it. */
  addNamed({ name, key }: NamedKey): void {
    this.#keys.set(key.id, key);
    this.#named.set(name, key);
  }

  /** The key that wraps; undefined where there is none. */
  get newest(): MasterKey | undefined {
    return this.#newest;
  }

  async requireReady(kmsKeyId?: string): Promise<void> {
    this.#requireKey(kmsKeyId);
  }

  async wrap(dataKey: Uint8Array, name: KeyName, kmsKeyId?: string): Promise<WrappedDataKey> {
    const { id, bytes } = this.#requireKey(kmsKeyId);
    return { keyId: id, wrapped: wrapKey(bytes, dataKey, name) };
  }

  async unwrap({ keyId, wrapped }: WrappedDataKey, name: KeyName): Promise<Uint8Array> {
    const key = this.#keys.get(keyId);
    if (key === undefined) {
      throw new S3Error("ServiceUnavailable", {
        message: `The object is encrypted with the master key ${keyId}, which this server does not have. Whoever runs it must give it that key once more (--master-key-file, or --kms-keys-file).`,
      });
    }
    const dataKey = unwrapKey(key.bytes, wrapped, name);
    if (dataKey !== undefined) return dataKey;
    const words = "a wrapped data key does not open with its master key: the row has changed";
    throw new S3Error("InternalError", { cause: new Error(words) });
  }

  #requireKey(kmsKeyId: string | undefined): MasterKey {
    return kmsKeyId === undefined ? this.#requireNewest() : this.#requireNamed(kmsKeyId);
  }

  #requireNamed(kmsKeyId: string): MasterKey {
    const key = this.#named.get(nameInKeyId(kmsKeyId) ?? "");
    if (key !== undefined) return key;
    if (this.#named.size > 0) {
      const message = kmsKeyId === DEFAULT_KMS_KEY ? NO_DEFAULT_KEY : undefined;
      throw new S3Error("KMS.NotFoundException", { message });
    }
    throw new S3Error("NotImplemented", {
      message:
        "Encryption with KMS keys (SSE-KMS) is not set up: this server has no keys with names (--kms-keys-file).",
    });
  }

  #requireNewest(): MasterKey {
    const obstacle = this.#obstacle();
    if (obstacle === undefined && this.#newest !== undefined) return this.#newest;
    const message =
      obstacle ?? "Encryption with managed keys (SSE-S3) is not set up: there is no master key.";
    throw new S3Error("InvalidRequest", { message });
  }
}
