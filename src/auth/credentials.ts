// The access keys that this server knows: the root account's and those of the configured users.

import type { Credential } from "../core/account.ts";
import type { CredentialSource } from "./authenticate.ts";

/** @throws Error when two credentials share an access key: which account would it be? */
export function createCredentialSource(credentials: readonly Credential[]): CredentialSource {
  const byAccessKey = new Map<string, Credential>();
  for (const credential of credentials) {
    if (byAccessKey.has(credential.accessKey)) {
      throw new Error(`two users share the access key ${credential.accessKey}`);
    }
    byAccessKey.set(credential.accessKey, credential);
  }
  return { find: (accessKey) => byAccessKey.get(accessKey) };
}
