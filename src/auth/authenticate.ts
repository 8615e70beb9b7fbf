// Who sent a request, and how its body is to be checked. The only way in: every S3 request passes through here before
// anything of its body is read.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html

import { ANONYMOUS_ACCOUNT } from "../core/account.ts";
import type { Account, Credential } from "../core/account.ts";
import { S3Error } from "../core/s3-error.ts";
import { findParam, type WireRequest } from "../core/wire-request.ts";
import type { Clock } from "../util/clock.ts";
import type { ChunkVerifier } from "./chunk-verifier.ts";
import { authenticateV2Header, authenticateV2Query, hasV2Query } from "./sigv2.ts";
import { authenticateV4Header } from "./sigv4-header.ts";
import { authenticateV4Query, hasV4Query } from "./sigv4-query.ts";
import { planPayload } from "./payload-plan.ts";
import { unsupportedMechanism } from "./unsupported-mechanism.ts";

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
  /** How the signature came; "anonymous": there is none, and the account is ANONYMOUS_ACCOUNT. */
  readonly method: "anonymous" | "form" | "header" | "presigned";
  /** Undefined for anonymous requests. */
  readonly version: "AWS" | "AWS4-HMAC-SHA256" | undefined;
  /** Milliseconds since 1970 at which it says it was signed; undefined where it does not say so. */
  readonly signedAt: number | undefined;
  readonly payload: PayloadPlan;
}

export interface CredentialSource {
  find(accessKey: string): Credential | undefined;
}

export interface AuthSettings {
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  /** Undefined: signatures may name any. */
  readonly region: string | undefined;
  /** The service that signatures must name. Default: s3. */
  readonly service?: string;
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
  refuseDuplicates(request);
  const header = request.headers.get("authorization")?.trim() ?? "";
  const isV4Query = hasV4Query(request);
  const isV2Query = hasV2Query(request);
  if (isV4Query || isV2Query) {
    if (header !== "" || (isV4Query && isV2Query)) throw twoMechanisms();
    refuseToken(request);
    return isV4Query
      ? authenticateV4Query(request, settings, hostBucket)
      : authenticateV2Query(request, settings, hostBucket);
  }
  if (header === "") throw anonymous(request);
  refuseToken(request);
  // A bare algorithm is a V4 header without its fields, not an unknown mechanism.
  if (/^AWS4-HMAC-SHA256(?=[\s,]|$)/.test(header)) {
    return authenticateV4Header(request, settings, hostBucket);
  }
  if (header.startsWith("AWS ")) return authenticateV2Header(request, settings, hostBucket);
  if (/^aws(?:4-|\s)/i.test(header)) throw unsupportedMechanism();
  throw new S3Error("AuthorizationHeaderMalformed");
}

/**
 * As `authenticate`, for doors that are open to some without any authentication: the caller decides about them as about
 * everybody else. What is there of a signature must be right.
 */
export function authenticateOrAnonymous(
  request: WireRequest,
  settings: AuthSettings,
  hostBucket: string | undefined,
): Authentication {
  const isSigned =
    request.headers.has("authorization") || hasV4Query(request) || hasV2Query(request);
  if (isSigned) return authenticate(request, settings, hostBucket);
  refuseDuplicates(request);
  refuseToken(request);
  refuseOverrides(request);
  const announced = request.headers.get("x-amz-content-sha256");
  return {
    account: ANONYMOUS_ACCOUNT,
    accessKey: "",
    method: "anonymous",
    version: undefined,
    signedAt: undefined,
    payload: announced === undefined ? { kind: "unsigned" } : planPayload(announced, undefined),
  };
}

const ONCE = new Set([
  "authorization",
  "content-md5",
  "date",
  "host",
  "x-amz-content-sha256",
  "x-amz-date",
  "x-amz-decoded-content-length",
  "x-amz-security-token",
]);

/** Of two values a proxy may judge one and we the other. */
function refuseDuplicates(request: WireRequest): void {
  if (request.headers.size * 2 === request.rawHeaders.length) return;
  const seen = new Set<string>();
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at]?.toLowerCase() ?? "";
    if (!ONCE.has(name)) continue;
    if (seen.has(name)) {
      throw new S3Error("InvalidRequest", {
        message: `The header ${name} was sent more than once.`,
      });
    }
    seen.add(name);
  }
}

/** Nobody here hands out temporary credentials, so that no token can be a good one. */
function refuseToken(request: WireRequest): void {
  const token =
    request.headers.get("x-amz-security-token") ?? findParam(request, "X-Amz-Security-Token");
  if (token) throw new S3Error("InvalidToken");
}

function twoMechanisms(): S3Error {
  return new S3Error("InvalidArgument", {
    message:
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
  });
}

function anonymous(request: WireRequest): S3Error {
  refuseOverrides(request);
  return new S3Error("AccessDenied");
}

/** Whoever sends somebody else a link must not choose what it looks like to him. @throws S3Error InvalidRequest */
function refuseOverrides(request: WireRequest): void {
  if (!request.query.some(({ name }) => name.startsWith("response-"))) return;
  throw new S3Error("InvalidRequest", {
    message: "Request specific response headers cannot be used for anonymous GET requests.",
  });
}
