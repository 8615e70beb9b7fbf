// How a client wants an object's bytes sealed (SSE-S3, SSE-KMS, SSE-C), and the key that it sends along to have them opened.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html

/** A key of the client's own: used for the one request that brings it, never stored, never logged. */
export interface CustomerKey {
  /** 32 of them. */
  readonly bytes: Uint8Array;
  /** MD5 of the bytes in Base64, which answers repeat. */
  readonly md5: string;
}

/** Undefined, where it is asked for, means: not at all. */
export type EncryptionRequest =
  /** SSE-S3: by keys of the store's own. */
  | { readonly kind: "managed" }
  /** SSE-KMS: by a key that the client names, in any of the forms that AWS has. */
  | { readonly kind: "kms"; readonly keyId: string }
  /** SSE-C. */
  | { readonly kind: "customer"; readonly key: CustomerKey };
