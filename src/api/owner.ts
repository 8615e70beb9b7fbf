// The `Owner` and `Initiator` elements.

import type { Account } from "../core/account.ts";
import type { AccountId } from "../core/ids.ts";

/** The name is shown where the account that asks is the owner: others' names are not for it to see. */
export function ownerElement(id: AccountId, account: Account): Record<string, string> {
  return id === account.id ? { ID: id, DisplayName: account.displayName } : { ID: id };
}
