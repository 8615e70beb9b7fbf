// A DeleteObjects request, for whoever sends what the AWS SDK would not.

import { createHash } from "node:crypto";

/** Of keys that need no escaping. `path` is that of the bucket. */
export function deletionOf(path: string, keys: readonly string[], isQuiet = false) {
  const objects = keys.map((key) => `<Object><Key>${key}</Key></Object>`).join("");
  const body = `<Delete>${isQuiet ? "<Quiet>true</Quiet>" : ""}${objects}</Delete>`;
  const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
  return { method: "POST", path, query: "delete=", headers, body };
}
