// The buckets that the configuration asks for, made at every start where they are not there yet.

import { S3Error } from "../core/s3-error.ts";
import type { NewBucket, ObjectStore } from "../store/object-store.ts";
import { rootAccount } from "./accounts.ts";

/** Makes them for the root account. Resolves to what could not be done, in sentences. */
export async function makeBuckets(
  store: ObjectStore,
  names: readonly string[],
  { region, documents }: Required<Pick<NewBucket, "documents" | "region">>,
): Promise<readonly string[]> {
  const remarks: string[] = [];
  for (const name of names) {
    try {
      await store.createBucket({ name, owner: rootAccount, region, documents });
    } catch (error) {
      if (!(error instanceof S3Error) || !error.code.startsWith("BucketAlready")) throw error;
      const isOurs = error.code === "BucketAlreadyOwnedByYou";
      if (!isOurs) remarks.push(`the bucket ${name} belongs to another account and was left to it`);
    }
  }
  return remarks;
}
