// Deletes keys and versions, many in one transaction. A row that rot has damaged fails the transaction that meets it: then
// each is deleted by itself, so that such a row keeps no other, and a bucket can be emptied of all else.

import type { AccountId } from "../core/ids.ts";
import { S3Error } from "../core/s3-error.ts";
import type { DeleteOutcome, DeleteRequest } from "../metadata/metadata-store.ts";
import { refusalOf } from "../metadata/refusal.ts";
import { crashPoint } from "../util/crash-point.ts";
import type { BucketView } from "./bucket-view.ts";
import type { StoreContext } from "./store-context.ts";

/** Outcomes in the order asked. @throws S3Error; what else the metadata throws, of a single request */
export async function deleteObjects(
  context: Pick<StoreContext, "clock" | "logger" | "metadata">,
  bucket: BucketView,
  requests: readonly DeleteRequest[],
  markerOwner: AccountId,
): Promise<readonly DeleteOutcome[]> {
  const { clock, logger, metadata } = context;
  const remove = async (some: readonly DeleteRequest[]): Promise<readonly DeleteOutcome[]> => {
    const marker = { ownerId: markerOwner, now: clock.now() };
    const outcomes = await metadata.deleteObjects(bucket.id, some, marker);
    crashPoint("object.deleted");
    return outcomes;
  };
  try {
    return await remove(requests);
  } catch (error) {
    if (error instanceof S3Error || requests.length < 2) throw error;
  }
  const outcomes: DeleteOutcome[] = [];
  for (const request of requests) {
    try {
      outcomes.push(...(await remove([request])));
    } catch (err) {
      if (err instanceof S3Error) throw err;
      const { key, versionId } = request;
      logger.error({ err, bucket: bucket.name, key, versionId }, "a version cannot be deleted");
      outcomes.push({ kind: "refused", refusal: refusalOf(new S3Error("InternalError")) });
    }
  }
  return outcomes;
}
