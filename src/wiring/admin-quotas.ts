// The quotas of the admin API, kept by the object store.

import { AdminError } from "../admin/admin-error.ts";
import type { AdminQuotas, BucketQuota } from "../admin/admin-quotas.ts";
import type { BucketView } from "../store/bucket-view.ts";
import type { ObjectStore } from "../store/object-store.ts";

export function adminQuotasOf(
  store: Pick<ObjectStore, "findBucket" | "putBucketQuota">,
): AdminQuotas {
  const get = async (name: string): Promise<BucketView> => {
    const bucket = await store.findBucket(name);
    if (bucket !== undefined) return bucket;
    throw new AdminError(404, "NoSuchBucket", `there is no bucket ${name.slice(0, 100)}`);
  };
  return {
    get: async (name) => quotaOf(await get(name)),
    set: async (name, quotaBytes) => {
      const bucket = await get(name);
      await store.putBucketQuota(bucket, quotaBytes);
      return { ...quotaOf(bucket), quotaBytes };
    },
  };
}

function quotaOf({ name, objectBytes, quotaBytes }: BucketView): BucketQuota {
  return { bucket: name, objectBytes, quotaBytes };
}
