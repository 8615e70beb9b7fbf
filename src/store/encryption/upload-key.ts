// The data key of an upload in parts: every part of it must come with the key that it was begun with.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html

import { S3Error } from "../../core/s3-error.ts";
import { openDataKey, type DataKey, type Encrypted } from "./data-key.ts";
import type { CustomerKey } from "./encryption-request.ts";
import type { KeyProvider } from "./key-provider.ts";

/** As `openDataKey`, in the words that S3 has for parts. @throws S3Error InvalidRequest, ServiceUnavailable */
export async function openUploadKey(
  keys: KeyProvider,
  upload: Encrypted,
  customerKey: CustomerKey | undefined,
): Promise<DataKey | undefined> {
  try {
    return await openDataKey(keys, upload, customerKey);
  } catch (error) {
    if (!(error instanceof S3Error) || error.status >= 500) throw error;
    throw new S3Error("InvalidRequest", {
      message:
        error.code === "AccessDenied"
          ? "The provided encryption parameters did not match the ones used originally."
          : "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.",
      cause: error,
    });
  }
}
