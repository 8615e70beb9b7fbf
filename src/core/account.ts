// Whom a request speaks for. Every access key belongs to one account; a bucket belongs to the account that made it.

import type { AccountId } from "./ids.ts";

export interface Account {
  readonly id: AccountId;
  readonly name: string;
  readonly displayName: string;
  readonly email: string | undefined;
}

/** An access key with its secret and the account it acts for. */
export interface Credential {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly account: Account;
}
