// The owner id of an account that was not given one: made from its name, so that it is the same at every start.

import { createHash } from "node:crypto";
import type { AccountId } from "../core/ids.ts";

/** Whom the root keys act for. */
export const ROOT_ACCOUNT_NAME = "root";

/** The SHA-256 of the name, in hex. */
export function accountIdOf(name: string): AccountId {
  return createHash("sha256").update(name, "utf8").digest("hex") as AccountId;
}
