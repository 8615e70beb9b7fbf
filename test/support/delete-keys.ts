// Deletes keys as a DELETE without a version id does, for tests of the store that are about something else.

import type { BucketView } from "../../src/store/bucket-view.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import type { DeleteOutcome } from "../../src/store/records.ts";

export function deleteKeys(
  store: Pick<ObjectStore, "deleteObjects">,
  bucket: BucketView,
  keys: readonly string[],
): Promise<readonly DeleteOutcome[]> {
  const requests = keys.map((key) => ({ key, versionId: undefined, mayBypassGovernance: false }));
  return store.deleteObjects(bucket, requests, bucket.ownerId);
}
