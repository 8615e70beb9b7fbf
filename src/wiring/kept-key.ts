// The master key that the store keeps for itself, in the metadata, so that it survives whatever that does. Where there is a
// secret that lies on no drive (the root account's secret key of the configuration, a cluster's secret), the key is sealed
// with it: a drive that is thrown away, or stolen, does not give it away. Where there is none it lies there in the clear,
// and protects against nobody who has a drive of the metadata's.

import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { masterKeyOf, type MasterKey } from "../store/encryption/master-keys.ts";

export interface KeptKey {
  readonly id: string;
  /** Undefined: it is sealed with another secret. */
  readonly key: MasterKey | undefined;
  /** Whether it lies on the drives in the clear. */
  readonly isBare: boolean;
}

const VERSION = 1;
const CIPHER = "aes-256-gcm";
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** Slow enough for a secret that somebody made up, and quick enough for a start. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

const stretch = promisify<string, Buffer, number, typeof COST, Buffer>(scrypt);

/** The text that is kept of a key. */
export async function renderKeptKey(
  { id, bytes }: MasterKey,
  secret: string | undefined,
): Promise<string> {
  if (secret === undefined) {
    return JSON.stringify({ v: VERSION, id, bytes: Buffer.from(bytes).toString("base64") });
  }
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, await stretch(secret, salt, KEY_BYTES, COST), nonce);
  const sealed = Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  const text = Buffer.concat([salt, nonce, sealed]).toString("base64");
  return JSON.stringify({ v: VERSION, id, sealed: text });
}

/** @throws Error for what this version does not know. */
export async function readKeptKey(text: string, secret: string | undefined): Promise<KeptKey> {
  const value: unknown = JSON.parse(text);
  const fields = new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
  const id: unknown = fields.get("id");
  if (fields.get("v") !== VERSION || typeof id !== "string") {
    throw new Error(
      "the master key that the metadata holds is of a form that this version does not know",
    );
  }
  const bare: unknown = fields.get("bytes");
  if (typeof bare === "string") {
    return { id, key: checked(id, Buffer.from(bare, "base64")), isBare: true };
  }
  const sealed: unknown = fields.get("sealed");
  const bytes = typeof sealed === "string" ? await unseal(sealed, secret) : undefined;
  return { id, key: bytes && checked(id, bytes), isBare: false };
}

async function unseal(text: string, secret: string | undefined): Promise<Buffer | undefined> {
  if (secret === undefined) return undefined;
  const all = Buffer.from(text, "base64");
  const salt = all.subarray(0, SALT_BYTES);
  const nonce = all.subarray(SALT_BYTES, SALT_BYTES + NONCE_BYTES);
  const sealed = all.subarray(SALT_BYTES + NONCE_BYTES, -TAG_BYTES);
  const key = await stretch(secret, salt, KEY_BYTES, COST);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(all.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** A key is named by its hash, so that a damaged one is found out. */
function checked(id: string, bytes: Buffer): MasterKey | undefined {
  const key = masterKeyOf(bytes);
  return key.id === id ? key : undefined;
}
