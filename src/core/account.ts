// Whom a request speaks for. Every access key belongs to one account; a bucket belongs to the account that made it.

import { createHash } from "node:crypto";
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

/** Of the account of the root keys. */
const ROOT_NAME = "root";

/**
 * Whom a request without any authentication speaks for: nobody. The id is the one that S3 shows as the owner of what
 * nobody in particular has written.
 */
export const ANONYMOUS_ACCOUNT: Account = {
  id: "65a011a29cdf8ec533ec3d1ccaae921c" as AccountId,
  name: "anonymous",
  displayName: "",
  email: undefined,
};

export function isAnonymous(account: Account): boolean {
  return account.id === ANONYMOUS_ACCOUNT.id;
}

/** Numbers that were worked out; cleared when there are many. */
const numbers = new Map<AccountId, string>();
const NUMBERS_MAX = 4_096;
const NUMBER_DIGITS = 12;

/** The account's number as AWS has them, twelve digits, made from its id: policies and ARNs name accounts by it. */
export function accountNumberOf(id: AccountId): string {
  const known = numbers.get(id);
  if (known !== undefined) return known;
  const hash = createHash("sha256").update(`kintsugi account ${id}`, "utf8").digest();
  const number = hash.readBigUInt64BE() % 10n ** BigInt(NUMBER_DIGITS);
  const text = number.toString().padStart(NUMBER_DIGITS, "0");
  if (numbers.size >= NUMBERS_MAX) numbers.clear();
  numbers.set(id, text);
  return text;
}

/** How policies and answers name whom a request speaks for; undefined for nobody. */
export function principalArn(account: Account): string | undefined {
  if (isAnonymous(account)) return undefined;
  const who = account.name === ROOT_NAME ? "root" : `user/${account.name}`;
  return `arn:aws:iam::${accountNumberOf(account.id)}:${who}`;
}
