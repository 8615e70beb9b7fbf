// The admin API's route about quotas of buckets.

import { AdminError } from "./admin-error.ts";
import type { BucketQuota } from "./admin-quotas.ts";
import { parseFields, textField } from "./admin-request.ts";
import type { AdminCall, AdminRoute } from "./admin-route.ts";
import { count, maybe, objectOf, tagged, text } from "./json-schema.ts";
import { sendJson } from "./send-json.ts";

export const QUOTA_ROUTES: readonly AdminRoute[] = [
  {
    method: "POST",
    path: "/v1/quota",
    access: "root",
    schema: {
      operationId: "setQuota",
      summary: "How much a bucket holds and may hold",
      body: objectOf<{ readonly bucket: string; readonly bytes?: number | null }>({
        bucket: text(),
        bytes: maybe({
          type: ["integer", "null"],
          minimum: 0,
          description: "null: no quota; absent: it is only told",
        }),
      }),
      answer: {
        description: "how it stands now",
        schema: tagged<BucketQuota>("report", {
          bucket: text(),
          objectBytes: count("of all versions of all objects"),
          quotaBytes: maybe(count("absent: as much as there is room for")),
        }),
      },
    },
    handle: quota,
  },
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
