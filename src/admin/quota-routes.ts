// The admin API's route about quotas of buckets.

import { AdminError } from "./admin-error.ts";
import { parseFields, textField } from "./admin-request.ts";
import type { AdminCall, AdminRoute } from "./admin-route.ts";
import { sendJson } from "./send-json.ts";

export const QUOTA_ROUTES: readonly AdminRoute[] = [
  { method: "POST", path: "/v1/quota", access: "root", handle: quota },
];

/** Sets it where the body says `bytes` (null: none from now on), and tells how it stands. */
async function quota({ context, body, out }: AdminCall): Promise<void> {
  const fields = parseFields(body, ["bucket", "bytes"]);
  const bucket = textField(fields, "bucket");
  if (bucket === undefined) throw new AdminError(400, "InvalidArgument", "bucket is missing");
  const { quotas } = context;
  const bytes = bytesField(fields.get("bytes"));
  const standing =
    bytes === undefined
      ? await quotas.get(bucket)
      : await quotas.set(bucket, bytes === "none" ? undefined : bytes);
  sendJson(out, 200, { type: "report", ...standing });
}

/** Undefined: nothing is to be changed. @throws AdminError */
function bytesField(value: unknown): number | "none" | undefined {
  if (value === undefined) return undefined;
  if (value === null) return "none";
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new AdminError(400, "InvalidArgument", "bytes must be a whole number of bytes, or null");
}
