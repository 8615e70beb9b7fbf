// The master keys, and the keys with names (SSE-KMS), that the configuration gives: in a file, or in the environment.

import { readFile } from "node:fs/promises";
import { UsageError } from "../config/usage-error.ts";
import { parseMasterKeys, type MasterKey } from "../store/encryption/master-keys.ts";
import { parseNamedKeys, type NamedKey } from "../store/encryption/named-keys.ts";

export interface MasterKeySettings {
  readonly masterKey: string | undefined;
  readonly masterKeyFile: string | undefined;
}

export interface KmsKeySettings {
  readonly kmsKeys: string | undefined;
  readonly kmsKeysFile: string | undefined;
}

/** @throws UsageError in words that show nothing of a key. */
export async function readMasterKeys({
  masterKey,
  masterKeyFile,
}: MasterKeySettings): Promise<readonly MasterKey[]> {
  const given = { what: "master key", flag: "--master-key-file", parse: parseMasterKeys };
  return readKeys(given, masterKey, masterKeyFile);
}

/** @throws UsageError in words that show nothing of a key. */
export async function readKmsKeys({
  kmsKeys,
  kmsKeysFile,
}: KmsKeySettings): Promise<readonly NamedKey[]> {
  const given = { what: "list of KMS keys", flag: "--kms-keys-file", parse: parseNamedKeys };
  return readKeys(given, kmsKeys, kmsKeysFile);
}

interface Given<T> {
  readonly what: string;
  readonly flag: string;
  readonly parse: (text: string) => readonly T[];
}

async function readKeys<T>(
  given: Given<T>,
  text: string | undefined,
  path: string | undefined,
): Promise<readonly T[]> {
  const { what, flag } = given;
  if (text !== undefined && path !== undefined) {
    throw new UsageError(`a ${what} and a file (${flag}) are both given: which one holds?`);
  }
  if (text !== undefined) return parsed(given, `the ${what}`, text);
  if (path === undefined) return [];
  const content = await readFile(path, "utf8").catch((error: unknown) => {
    const words = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${flag}: cannot read ${path}: ${words}`);
  });
  return parsed(given, `${flag}: ${path}`, content);
}

function parsed<T>({ parse }: Given<T>, name: string, text: string): readonly T[] {
  try {
    return parse(text);
  } catch (error) {
    throw new UsageError(`${name} ${error instanceof Error ? error.message : String(error)}`);
  }
}
