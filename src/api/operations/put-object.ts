// PutObject: stores an object, whole or not at all.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html

import { checksumHeaders } from "../checksum-headers.ts";
import { readWriteCondition } from "../conditions.ts";
import { encryptionHeaders, keyOf } from "../encryption-headers.ts";
import { readAttributes } from "../headers.ts";
import { expirationHeaders } from "../lifecycle/foreseen-headers.ts";
import { newVersionHeaders } from "../object-headers.ts";
import { requireLockDigest } from "../object-lock.ts";
import { defineOperation } from "../operation.ts";
import { findText, invalidArgument } from "../params.ts";
import { addHeaders, emptyResponse } from "../response.ts";
import { openWriteTarget, parseWrite } from "../write-target.ts";

export const putObject = defineOperation({
  name: "PutObject",
  route: { method: "PUT", target: "object" },
  action: "s3:PutObject",
  body: "object",

  parse: ({ headers, query }) => {
    // Half of an UploadPart must not overwrite the object that it was to become a part of.
    for (const name of ["partNumber", "uploadId"]) {
      const value = findText(query, name);
      if (value !== undefined) {
        throw invalidArgument(
          name,
          value,
          "This operation accepts partNumber and uploadId only together.",
        );
      }
    }
    const { storageClass, tags, lock, encryption } = parseWrite(headers);
    const attributes = readAttributes(headers);
    const condition = readWriteCondition(headers);
    // Written out: spreading costs many times as much.
    return { storageClass, tags, lock, encryption, attributes, condition };
  },

  async handle(context, input) {
    const target = await openWriteTarget(context, input);
    const { request, bucket } = context;
    requireLockDigest(bucket, target.lock, { headers: request.headers, what: "Object" });
    const object = await context.store.putObject(target, await context.openBody());
    const headers: Record<string, string> = { etag: `"${object.etag}"` };
    addHeaders(headers, encryptionHeaders(object.encryption, keyOf(target.encryption)));
    addHeaders(headers, checksumHeaders(object.checksum));
    addHeaders(headers, newVersionHeaders(object));
    addHeaders(headers, await expirationHeaders(context, object));
    return emptyResponse(200, headers);
  },
});
