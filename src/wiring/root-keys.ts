// The root account's keys: given by the configuration, or generated at the first start and kept in the metadata.

import { randomBytes, randomInt } from "node:crypto";
import type { KeyPair } from "../config/credential-rules.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import { StartError } from "./start-error.ts";

/** `given` by the configuration, `generated` just now, or `kept` since an earlier start. */
export type KeyOrigin = "generated" | "given" | "kept";

export interface RootKeys extends KeyPair {
  readonly origin: KeyOrigin;
}

const SETTING_NAME = "root.keys";
const ACCESS_KEY_PREFIX = "KTG";
const ACCESS_KEY_LENGTH = 20;
const ACCESS_KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** Makes 40 characters of Base64 without padding. */
const SECRET_KEY_BYTES = 30;

/**
 * Keys that are given hold for as long as they are given. Generated ones are to be kept with `keepRootKeys` once the
 * server serves: their secret is shown at that start only, and one that was kept before a start that failed would never
 * be seen.
 */
export async function openRootKeys(
  metadata: MetadataStore,
  given: KeyPair | undefined,
): Promise<RootKeys> {
  if (given !== undefined) return { ...given, origin: "given" };
  const kept = await metadata.findSetting(SETTING_NAME);
  if (kept !== undefined) return { ...parseKeys(kept), origin: "kept" };
  return { ...generateKeys(), origin: "generated" };
}

/** Keeps keys that were generated just now in the metadata. @throws StartError when others are kept there already */
export async function keepRootKeys(metadata: MetadataStore, keys: RootKeys): Promise<void> {
  if (keys.origin !== "generated") return;
  const { accessKey, secretKey } = keys;
  const text = JSON.stringify({ accessKey, secretKey });
  if ((await metadata.ensureSetting(SETTING_NAME, text)) === text) return;
  throw new StartError("another start made the root keys at the same moment; start again");
}

/** A pair that nobody can guess. */
export function generateKeys(): KeyPair {
  const letters = Array.from(
    { length: ACCESS_KEY_LENGTH - ACCESS_KEY_PREFIX.length },
    () => ACCESS_KEY_LETTERS[randomInt(ACCESS_KEY_LETTERS.length)],
  );
  return {
    accessKey: ACCESS_KEY_PREFIX + letters.join(""),
    // Slashes and plus signs in keys have tripped many a script.
    secretKey: randomBytes(SECRET_KEY_BYTES).toString("base64url"),
  };
}

function parseKeys(text: string): KeyPair {
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && "accessKey" in value && "secretKey" in value) {
    const { accessKey, secretKey } = value;
    if (typeof accessKey === "string" && typeof secretKey === "string") {
      return { accessKey, secretKey };
    }
  }
  throw new StartError("the root keys that the metadata holds cannot be read; give others");
}
