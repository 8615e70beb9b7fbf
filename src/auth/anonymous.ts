// A request of nobody: neither signed nor with any other proof of who sent it.

import { ANONYMOUS_ACCOUNT } from "../core/account.ts";
import type { Authentication } from "./authenticate.ts";

export const ANONYMOUS: Authentication = {
  account: ANONYMOUS_ACCOUNT,
  accessKey: "",
  method: "anonymous",
  version: undefined,
  signedAt: undefined,
  payload: { kind: "unsigned" },
};
