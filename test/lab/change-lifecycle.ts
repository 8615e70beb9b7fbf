// Gives a bucket other lifecycle rules, so that a pass over it begins anew: by rules that no key of the lab is named by.

import { createHash, randomUUID } from "node:crypto";
import type { LabClient } from "./lab-client.ts";

export async function changeLifecycle(client: LabClient, bucket: string): Promise<void> {
  const body = `<LifecycleConfiguration><Rule><ID>${randomUUID()}</ID><Status>Enabled</Status>
    <Filter><Prefix>nobody/</Prefix></Filter><Expiration><Date>2020-01-01T00:00:00Z</Date></Expiration>
  </Rule></LifecycleConfiguration>`;
  const { status } = await client.send({
    method: "PUT",
    path: `/${bucket}`,
    query: "lifecycle=",
    headers: { "content-md5": createHash("md5").update(body).digest("base64") },
    body,
  });
  // The bucket may be about to be made.
  if (status !== 200 && status !== 404) throw new Error(`lifecycle rules: ${status}`);
}
