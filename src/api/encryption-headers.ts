// Headers by which clients ask for encryption at rest, bring their own keys, and learn how an object is encrypted.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-s3-encryption.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
//
// No error here repeats a value: it may be a key.

import { createHash, timingSafeEqual } from "node:crypto";
import { S3Error } from "../core/s3-error.ts";
import type { S3ErrorCode } from "../core/s3-error.ts";
import type { CustomerKey, EncryptionRequest } from "../store/encryption/encryption-request.ts";
import { wrappedKeyOf } from "../store/encryption/encryption-text.ts";
import { DEFAULT_KMS_KEY } from "../store/encryption/kms-key-id.ts";
import { BUCKET_ENCRYPTION, defaultRequest } from "./bucket-encryption.ts";
import type { Headers } from "./headers.ts";
import type { OperationContext } from "./operation.ts";

const METHOD = "x-amz-server-side-encryption";
const CUSTOMER = "x-amz-server-side-encryption-customer-";
const SOURCE = "x-amz-copy-source-server-side-encryption-customer-";
const ALGORITHM = "AES256";
const KEY_BYTES = 32;
/** 32 bytes, and a little for what is refused in words. */
const KEY_TEXT = /^[A-Za-z0-9+/]{1,128}={0,2}$/;
const KMS = "aws:kms";
const KMS_METHODS: ReadonlySet<string> = new Set([KMS, "aws:kms:dsse"]);
const KMS_KEY_ID = `${METHOD}-aws-kms-key-id`;
const KMS_CONTEXT = `${METHOD}-context`;
const WHO = "Requests specifying Server Side Encryption with Customer provided keys must provide";

/**
 * What the headers of a new object, or upload, ask for; undefined: nothing, so that the bucket's default holds.
 * @throws S3Error InvalidArgument, InvalidEncryptionAlgorithmError, NotImplemented (what there is beyond SSE-KMS)
 */
export function readEncryption(headers: Headers): EncryptionRequest | undefined {
  const method = findMethod(headers);
  const key = readCustomerKey(headers);
  if (method === undefined) return key && { kind: "customer", key };
  if (key !== undefined) {
    const message =
      "Server Side Encryption with Customer provided key is incompatible with the encryption method specified";
    throw refusal("InvalidArgument", message, METHOD);
  }
  if (method === ALGORITHM) return { kind: "managed" };
  if (method !== KMS) throw absent(`Server-side encryption with ${method}`, METHOD);
  if (headers.has(KMS_CONTEXT)) throw absent("An encryption context", KMS_CONTEXT);
  return { kind: "kms", keyId: headers.get(KMS_KEY_ID) ?? DEFAULT_KMS_KEY };
}

function absent(what: string, header: string): S3Error {
  const message = `${what} is not implemented.`;
  return new S3Error("NotImplemented", { message, detail: { Header: header } });
}

/** One that S3 knows. */
function findMethod(headers: Headers): string | undefined {
  const given = headers.get(METHOD);
  // Some clients say so where they want nothing.
  const method = given === "none" ? undefined : given;
  if (method !== undefined && method !== ALGORITHM && !KMS_METHODS.has(method)) {
    throw refusal("InvalidArgument", "The encryption method specified is not supported", METHOD);
  }
  const ofKms = [KMS_KEY_ID, KMS_CONTEXT].find((name) => headers.has(name));
  if (ofKms === undefined || KMS_METHODS.has(method ?? "")) return method;
  const message =
    "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms";
  throw refusal("InvalidArgument", message, ofKms);
}

/** The key that the request brings for the object that it reads or writes. @throws S3Error as `readEncryption` */
export function readCustomerKey(headers: Headers): CustomerKey | undefined {
  return findKey(headers, CUSTOMER);
}

/** The key that it brings for the source of a copy. @throws S3Error as `readEncryption` */
export function readSourceKey(headers: Headers): CustomerKey | undefined {
  return findKey(headers, SOURCE);
}

/** Whether the request asks for encryption of its own. */
export function asksForEncryption(headers: Headers): boolean {
  return headers.has(METHOD) || headers.has(`${CUSTOMER}algorithm`);
}

function findKey(headers: Headers, prefix: string): CustomerKey | undefined {
  const algorithm = headers.get(`${prefix}algorithm`);
  const text = headers.get(`${prefix}key`);
  const md5 = headers.get(`${prefix}key-md5`);
  if (algorithm === undefined && text === undefined && md5 === undefined) return undefined;
  if (algorithm === undefined) {
    const message = `${WHO} a valid encryption algorithm.`;
    throw refusal("InvalidArgument", message, `${prefix}algorithm`);
  }
  if (algorithm !== ALGORITHM) {
    const message = "The encryption request you specified is not valid. The valid value is AES256.";
    throw refusal("InvalidEncryptionAlgorithmError", message, `${prefix}algorithm`);
  }
  if (text === undefined) {
    throw refusal("InvalidArgument", `${WHO} an appropriate secret key.`, `${prefix}key`);
  }
  if (md5 === undefined) {
    const message = `${WHO} the client calculated MD5 of the secret key.`;
    throw refusal("InvalidArgument", message, `${prefix}key-md5`);
  }
  return checkedKey(text, md5, prefix);
}

function checkedKey(text: string, md5: string, prefix: string): CustomerKey {
  const bytes = Buffer.from(KEY_TEXT.test(text) ? text : "", "base64");
  const computed = createHash("md5").update(bytes).digest();
  const given = Buffer.from(md5, "base64");
  if (given.length !== computed.length || !timingSafeEqual(given, computed)) {
    const message = "The calculated MD5 hash of the key did not match the hash that was provided.";
    throw refusal("InvalidArgument", message, `${prefix}key-md5`);
  }
  if (bytes.length !== KEY_BYTES) {
    const message = "The secret key was invalid for the specified algorithm.";
    throw refusal("InvalidArgument", message, `${prefix}key`);
  }
  return { bytes, md5: computed.toString("base64") };
}

/** Whether the request brings a key, which nobody but the server may read on its way. */
export function bringsKey(headers: Headers): boolean {
  return headers.has(`${CUSTOMER}key`) || headers.has(`${SOURCE}key`);
}

/** The answer to a request that brings a key where others may read it. */
export function insecureKey(): S3Error {
  return new S3Error("InvalidRequest", {
    message:
      "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.",
  });
}

/**
 * How a new object is encrypted: as the request says, else as the bucket does.
 * @throws S3Error AccessDenied for what the bucket does not take; as ObjectStore.requireManagedKeys
 */
export async function resolveEncryption(
  { settings, bucket, store }: OperationContext,
  asked: EncryptionRequest | undefined,
): Promise<EncryptionRequest | undefined> {
  const byBucket = await settings.find(bucket, BUCKET_ENCRYPTION);
  if (asked?.kind === "customer" && byBucket?.isCustomerBlocked === true) {
    throw new S3Error("AccessDenied", {
      message:
        "This bucket does not take objects that are encrypted with customer provided keys (SSE-C).",
    });
  }
  const request = asked ?? (byBucket && defaultRequest(byBucket));
  // Before the body is read.
  if (request?.kind === "managed") await store.requireManagedKeys();
  if (request?.kind === "kms") await store.requireManagedKeys(request.keyId);
  return request;
}

/** What an answer says of an object's, or upload's, encryption. @param key The one that the request brought. */
export function encryptionHeaders(
  encryption: string | undefined,
  key?: CustomerKey,
): Readonly<Record<string, string>> {
  const wrapped = wrappedKeyOf(encryption);
  if (wrapped?.mode === "SSE-S3") return { [METHOD]: ALGORITHM };
  if (wrapped?.mode === "SSE-KMS") {
    return { [METHOD]: KMS, [KMS_KEY_ID]: wrapped.kmsKeyId ?? DEFAULT_KMS_KEY };
  }
  if (wrapped === undefined || key === undefined) return {};
  return { [`${CUSTOMER}algorithm`]: ALGORITHM, [`${CUSTOMER}key-md5`]: key.md5 };
}

/** The client's own key, where it asks for encryption with one. */
export function keyOf(request: EncryptionRequest | undefined): CustomerKey | undefined {
  return request?.kind === "customer" ? request.key : undefined;
}

function refusal(code: S3ErrorCode, message: string, name: string): S3Error {
  return new S3Error(code, { message, detail: { ArgumentName: name } });
}
