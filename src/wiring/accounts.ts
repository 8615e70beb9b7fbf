// The accounts and their keys: root, and the users of the configuration.

import { accountIdOf, ROOT_ACCOUNT_NAME } from "../config/account-id.ts";
import type { KeyPair } from "../config/credential-rules.ts";
import type { UserSettings } from "../config/user-settings.ts";
import type { Account, Credential } from "../core/account.ts";
import type { AccountId } from "../core/ids.ts";

export const rootAccount: Account = {
  id: accountIdOf(ROOT_ACCOUNT_NAME),
  name: ROOT_ACCOUNT_NAME,
  displayName: ROOT_ACCOUNT_NAME,
  email: undefined,
};

/** All keys that open the server. */
export function credentialsOf(
  root: KeyPair,
  users: readonly UserSettings[],
): readonly Credential[] {
  return [{ ...root, account: rootAccount }, ...users.map(credentialOf)];
}

/** All accounts, root first. */
export function accountsOf(users: readonly UserSettings[]): readonly Account[] {
  return [rootAccount, ...users.map(accountOf)];
}

function credentialOf(user: UserSettings): Credential {
  const { accessKey, secretKey } = user;
  return { accessKey, secretKey, account: accountOf(user) };
}

function accountOf(user: UserSettings): Account {
  const { name, displayName = name, email } = user;
  // The configuration's own ids are taken as they are; their form was checked there.
  const id = user.id === undefined ? accountIdOf(name) : (user.id as AccountId);
  return { id, name, displayName, email };
}
