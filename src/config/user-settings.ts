// KINTSUGI_USERS: more users, each an account of its own with its key pair.

import { accountNumberOf, ANONYMOUS_ACCOUNT } from "../core/account.ts";
import type { AccountId } from "../core/ids.ts";
import { accountIdOf, ROOT_ACCOUNT_NAME } from "./account-id.ts";
import { accessKey, secretKey } from "./credential-rules.ts";
import { suggestion } from "./nearest-name.ts";
import { UsageError } from "./usage-error.ts";

/** One more user: an account with one key pair. */
export interface UserSettings {
  readonly name: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** The owner id that answers show. Default: the SHA-256 of the name, in hex. */
  readonly id?: string;
  /** The owner name that answers show. Default: the name. */
  readonly displayName?: string;
  readonly email?: string;
}

const FIELDS = ["name", "accessKey", "secretKey", "id", "displayName", "email"];
const USERS_MAX = 10_000;

/** A JSON list of users. @throws UsageError */
export function parseUsers(text: string): readonly UserSettings[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The text holds secrets: nothing of it is repeated, not even by the parser's message.
    throw new UsageError("must be a JSON list of users");
  }
  return checkUsers(value);
}

/** Checks a list that may have come from anywhere. @throws UsageError */
export function checkUsers(value: unknown): readonly UserSettings[] {
  if (!Array.isArray(value)) throw new UsageError("must be a list of users");
  if (value.length > USERS_MAX) throw new UsageError(`must not have more than ${USERS_MAX} users`);
  const users = value.map((entry: unknown, index) => userOf(entry, `user ${index + 1}`));
  refuseTwice(users, "name");
  refuseTwice(users, "accessKey");
  refuseSharedIds(users);
  return users;
}

function userOf(entry: unknown, label: string): UserSettings {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
    throw new UsageError(`${label} must be an object`);
  }
  const fields = new Map<string, unknown>(Object.entries(entry));
  for (const name of fields.keys()) {
    if (FIELDS.includes(name)) continue;
    throw new UsageError(`${label} has an unknown field ${name}${suggestion(name, FIELDS)}`);
  }
  const text = (name: string): string | undefined => textField(fields.get(name), label, name);
  const required = (name: string): string => {
    const value = text(name);
    if (value === undefined) throw new UsageError(`${label} has no ${name}`);
    return value;
  };
  const [id, displayName, email] = [text("id"), text("displayName"), text("email")];
  return {
    name: required("name"),
    accessKey: keyOf(required("accessKey"), `${label}: accessKey`, accessKey),
    secretKey: keyOf(required("secretKey"), `${label}: secretKey`, secretKey),
    ...(id === undefined ? {} : { id }),
    ...(displayName === undefined ? {} : { displayName }),
    ...(email === undefined ? {} : { email }),
  };
}

/** Shown in answers and kept in the metadata: short, and free of control characters. */
function textField(value: unknown, label: string, name: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for.
  const isPlain = typeof value === "string" && /^[^\u0000-\u001f\u007f]{1,256}$/.test(value);
  if (isPlain) return value;
  throw new UsageError(`${label}: ${name} must be a text of 1 to 256 characters`);
}

function keyOf(text: string, label: string, parse: (text: string) => string): string {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${label} ${error.message}`);
    throw error;
  }
}

/** Two users of one id would own each other's buckets. */
function refuseSharedIds(users: readonly UserSettings[]): void {
  const root = accountIdOf(ROOT_ACCOUNT_NAME);
  const seen = new Map<string, string>([
    [root, "the root account"],
    [ANONYMOUS_ACCOUNT.id, "those who do not sign"],
  ]);
  const numbers = new Map<string, string>([[accountNumberOf(root), "the root account"]]);
  for (const { name, id } of users) {
    const own = (id ?? accountIdOf(name)) as AccountId;
    const other = seen.get(own);
    if (other !== undefined) throw new UsageError(`the user ${name} has the id of ${other}`);
    seen.set(own, `the user ${name}`);
    // Policies name accounts by a number made from the id: two of one number would be one to them.
    const twin = numbers.get(accountNumberOf(own));
    if (twin !== undefined) {
      throw new UsageError(
        `the user ${name} has by chance the account number of ${twin}; give another id`,
      );
    }
    numbers.set(accountNumberOf(own), `the user ${name}`);
  }
}

function refuseTwice(users: readonly UserSettings[], field: "accessKey" | "name"): void {
  const seen = new Set<string>();
  for (const user of users) {
    const value = user[field];
    if (seen.has(value)) throw new UsageError(`two users have the ${field} ${value}`);
    seen.add(value);
  }
}
