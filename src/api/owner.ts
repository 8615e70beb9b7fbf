// The `Owner` and `Initiator` elements.

import type { AccountDirectory } from "../auth/account-directory.ts";
import type { AccountId } from "../core/ids.ts";

/** The name goes with the id for as long as there is such an account. */
export function ownerElement(id: AccountId, accounts: AccountDirectory): Record<string, string> {
  const name = accounts.find(id)?.displayName;
  return name === undefined ? { ID: id } : { ID: id, DisplayName: name };
}
