// Who sent a request, and how its body is to be checked. The only way in: every S3 request passes through here before
// anything of its body is read.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html

import type { Account, Credential } from "../core/account.ts";
import { S3Error } from "../core/s3-error.ts";
import type { WireRequest } from "../core/wire-request.ts";
import type { Clock } from "../util/clock.ts";
import type { ChunkVerifier } from "./chunk-verifier.ts";

/** How the body that follows is signed, as `x-amz-content-sha256` (or the query) announced it. */
export type PayloadPlan =
  /** UNSIGNED-PAYLOAD, a presigned URL, or Signature V2: nothing to compare with. */
  | { readonly kind: "unsigned" }
  /** The SHA-256 of the whole body, in hex. */
  | { readonly kind: "sha256"; readonly hex: string }
  /** aws-chunked: each chunk signed when there is a `verifier`, a trailer when `hasTrailer`. */
  | {
      readonly kind: "chunked";
      readonly verifier: ChunkVerifier | undefined;
      readonly hasTrailer: boolean;
    };

export interface Authentication {
  readonly account: Account;
  readonly accessKey: string;
  /** How the signature came: a POST form comes in a later issue. */
  readonly method: "header" | "presigned";
  readonly payload: PayloadPlan;
}

export interface CredentialSource {
  find(accessKey: string): Credential | undefined;
}

export interface AuthSettings {
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  readonly region: string;
  /** Host names (with port where it is not the scheme's own) also tried in the signature check. */
  readonly publicHosts: readonly string[];
  /** Whether Signature Version 2 is accepted. */
  readonly sigv2: boolean;
}

/**
 * Checks the signature of a request. `hostBucket` is the bucket that the Host header named (virtual-host style),
 * undefined for path style: Signature V2 signs it, and public host names are tried with it in front.
 * @throws S3Error AccessDenied (no credentials, expired, unsigned headers), SignatureDoesNotMatch, InvalidAccessKeyId,
 *   AuthorizationHeaderMalformed, AuthorizationQueryParametersError, RequestTimeTooSkewed, InvalidRequest, InvalidArgument
 */
export function authenticate(
  request: WireRequest,
  settings: AuthSettings,
  hostBucket: string | undefined,
): Authentication {
  throw new S3Error("NotImplemented", {
    message: `${request.method} ${settings.region} ${hostBucket ?? ""}`,
  });
}
