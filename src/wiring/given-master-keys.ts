// The master keys that the configuration gives: in a file, or in the environment.

import { readFile } from "node:fs/promises";
import { UsageError } from "../config/usage-error.ts";
import { parseMasterKeys, type MasterKey } from "../store/encryption/master-keys.ts";

export interface MasterKeySettings {
  readonly masterKey: string | undefined;
  readonly masterKeyFile: string | undefined;
}

/** @throws UsageError in words that show nothing of a key. */
export async function readMasterKeys({
  masterKey,
  masterKeyFile,
}: MasterKeySettings): Promise<readonly MasterKey[]> {
  if (masterKey !== undefined && masterKeyFile !== undefined) {
    throw new UsageError("a master key and a file of master keys are both given: which one holds?");
  }
  if (masterKey !== undefined) return parsed("the master key", masterKey);
  if (masterKeyFile === undefined) return [];
  const text = await readFile(masterKeyFile, "utf8").catch((error: unknown) => {
    const words = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--master-key-file: cannot read ${masterKeyFile}: ${words}`);
  });
  return parsed(`--master-key-file: ${masterKeyFile}`, text);
}

function parsed(name: string, text: string): readonly MasterKey[] {
  try {
    return parseMasterKeys(text);
  } catch (error) {
    throw new UsageError(`${name} ${error instanceof Error ? error.message : String(error)}`);
  }
}
