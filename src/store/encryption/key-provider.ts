// Who keeps the keys that data keys are wrapped with: the local master keys (SSE-S3), and the local keys that have names
// (SSE-KMS); an external service later.

import { S3Error } from "../../core/s3-error.ts";

/** Whose bytes a data key opens. Wrapped keys are bound to it: one that was put under another name opens nothing. */
export interface KeyName {
  readonly bucket: string;
  readonly key: string;
}

export interface WrappedDataKey {
  /** Of the key that it was wrapped with. Tells nothing about that key. */
  readonly keyId: string;
  readonly wrapped: Uint8Array;
}

export interface KeyProvider {
  /**
   * Resolves where data keys can be wrapped now: by the key that is meant for all, or by the one that a client names.
   * @throws S3Error InvalidRequest, in words that say what to do: there is no key, or nobody has a copy of it yet;
   * NotImplemented, KMS.NotFoundException: no keys have names, or this one is not among them.
   */
  requireReady(kmsKeyId?: string): Promise<void>;
  /** Wraps with the newest key, or the newest of that name. @throws S3Error as `requireReady` */
  wrap(dataKey: Uint8Array, name: KeyName, kmsKeyId?: string): Promise<WrappedDataKey>;
  /** @throws S3Error ServiceUnavailable where that key is not here, InternalError where the wrapped key is damaged. */
  unwrap(wrapped: WrappedDataKey, name: KeyName): Promise<Uint8Array>;
}

function refuse(): Promise<never> {
  const message =
    "Encryption with managed keys (SSE-S3) is not set up: this store has no master key.";
  return Promise.reject(new S3Error("InvalidRequest", { message }));
}

/** Of a store that was opened without keys. */
export const NO_KEYS: KeyProvider = { requireReady: refuse, wrap: refuse, unwrap: refuse };
