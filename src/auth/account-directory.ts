// The accounts that there are, by what grants and answers name them.

import type { Account } from "../core/account.ts";
import type { AccountId } from "../core/ids.ts";

export interface AccountDirectory {
  find(id: AccountId): Account | undefined;
  findByEmail(email: string): Account | undefined;
}

/** Of two accounts with one address the address names neither. */
export function createAccountDirectory(accounts: readonly Account[]): AccountDirectory {
  const byId = new Map<AccountId, Account>();
  const byEmail = new Map<string, Account | undefined>();
  for (const account of accounts) {
    byId.set(account.id, account);
    const email = account.email?.toLowerCase();
    if (email !== undefined) byEmail.set(email, byEmail.has(email) ? undefined : account);
  }
  return {
    find: (id) => byId.get(id),
    findByEmail: (email) => byEmail.get(email.toLowerCase()),
  };
}
