// Signature V4 in the query: a URL that whoever holds it may use until it expires.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html

import { CLOCK_SKEW_MS_MAX, PRESIGN_SECONDS_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import type { WireRequest } from "../core/wire-request.ts";
import type { Clock } from "../util/clock.ts";
import { parseBasicDate, renderIsoDate } from "./amz-date.ts";
import type { Authentication, AuthSettings } from "./authenticate.ts";
import { parseCredential } from "./credential-scope.ts";
import { planPayload } from "./payload-plan.ts";
import { checkSignedHeaders, parseSignedHeaders } from "./signed-headers.ts";
import { verifyV4 } from "./sigv4-verify.ts";

const CODE = "AuthorizationQueryParametersError";

const REQUIRED = [
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Date",
  "X-Amz-Expires",
  "X-Amz-Signature",
  "X-Amz-SignedHeaders",
] as const;

const REQUIRED_BY_NAME: ReadonlyMap<string, RequiredParam> = new Map(
  REQUIRED.flatMap((name) => [
    [name, name],
    [name.toLowerCase(), name],
  ]),
);

/** The parameter that is meant, in whatever case. */
function findRequired(name: string): RequiredParam | undefined {
  return REQUIRED_BY_NAME.get(name) ?? REQUIRED_BY_NAME.get(name.toLowerCase());
}

type RequiredParam = (typeof REQUIRED)[number];

/** Whether any parameter of a presigned URL is there, in whatever case. */
export function hasV4Query(request: WireRequest): boolean {
  return request.query.some(({ name }) => findRequired(name) !== undefined);
}

/** @throws S3Error as `authenticate` */
export function authenticateV4Query(
  request: WireRequest,
  settings: AuthSettings,
  hostBucket: string | undefined,
): Authentication {
  const params = requiredParams(request);
  if (params["X-Amz-Algorithm"] !== "AWS4-HMAC-SHA256") {
    throw refuse('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"');
  }
  const scope = parseCredential(params["X-Amz-Credential"], settings, {
    code: CODE,
    prefix: "Error parsing the X-Amz-Credential parameter",
  });
  const amzDate = params["X-Amz-Date"];
  const dateMs = parseBasicDate(amzDate);
  if (dateMs === undefined) {
    throw refuse("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  }
  if (!amzDate.startsWith(scope.date)) {
    throw refuse("Invalid credential date. Date is not the same as X-Amz-Date.");
  }
  checkLifetime(dateMs, params["X-Amz-Expires"], settings.clock);
  const signedHeaders = parseSignedHeaders(params["X-Amz-SignedHeaders"], CODE);
  // Announcing the hash of a body needs no signature: see announcedPayload.
  checkSignedHeaders(request, signedHeaders, ["x-amz-content-sha256"]);
  const payloadHash = signedPayloadHash(request, signedHeaders);
  const signature = params["X-Amz-Signature"];
  const claim = { request, signedHeaders, payloadHash, scope, amzDate, signature };
  const { credential } = verifyV4(claim, settings, hostBucket);
  const payload = planPayload(announcedPayload(request, payloadHash), undefined);
  const { account, accessKey } = credential;
  const version = "AWS4-HMAC-SHA256";
  return { account, accessKey, method: "presigned", version, signedAt: dateMs, payload };
}

function requiredParams(request: WireRequest): Readonly<Record<RequiredParam, string>> {
  const found = new Map<string, string>();
  for (const { name, value } of request.query) {
    const exact = findRequired(name);
    if (exact === undefined) continue;
    if (exact !== name) throw refuse(`${exact} must be spelled so, not ${name}.`);
    if (found.has(name)) throw refuse(`${name} must be given once.`);
    found.set(name, value);
  }
  const get = (name: RequiredParam) => {
    const value = found.get(name);
    if (value !== undefined) return value;
    throw refuse(
      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    );
  };
  return {
    "X-Amz-Algorithm": get("X-Amz-Algorithm"),
    "X-Amz-Credential": get("X-Amz-Credential"),
    "X-Amz-Date": get("X-Amz-Date"),
    "X-Amz-Expires": get("X-Amz-Expires"),
    "X-Amz-Signature": get("X-Amz-Signature"),
    "X-Amz-SignedHeaders": get("X-Amz-SignedHeaders"),
  };
}

function checkLifetime(signedMs: number, expiresText: string, clock: Clock): void {
  if (!/^-?\d{1,15}$/.test(expiresText)) throw refuse("X-Amz-Expires should be a number");
  const lifetimeSeconds = Number(expiresText);
  const nowMs = clock.now();
  const startMs = clock.translate(signedMs);
  const endMs = startMs + lifetimeSeconds * 1000;
  // A URL that ended long ago has expired, whatever else is wrong with it: ceph/s3-tests asks for that of a lifetime
  // that ended well before it began.
  if (endMs >= nowMs - CLOCK_SKEW_MS_MAX) {
    if (lifetimeSeconds < 0) throw refuse("X-Amz-Expires must be non-negative");
    if (lifetimeSeconds > PRESIGN_SECONDS_MAX) {
      throw refuse(
        "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
      );
    }
  }
  if (startMs > nowMs + CLOCK_SKEW_MS_MAX) {
    throw new S3Error("AccessDenied", { message: "Request is not valid yet" });
  }
  if (nowMs <= endMs) return;
  throw new S3Error("AccessDenied", {
    message: "Request has expired",
    detail: {
      "X-Amz-Expires": expiresText,
      Expires: renderIsoDate(endMs),
      ServerTime: renderIsoDate(nowMs),
    },
  });
}

/** What the signer put at the end of the canonical request. */
function signedPayloadHash(request: WireRequest, signedHeaders: readonly string[]): string {
  const header = request.headers.get("x-amz-content-sha256");
  if (header !== undefined && signedHeaders.includes("x-amz-content-sha256")) return header;
  const param = request.query.find(({ name }) => name.toLowerCase() === "x-amz-content-sha256");
  return param?.value ?? "UNSIGNED-PAYLOAD";
}

/** A header that nobody signed may make the check of the body stricter, never laxer. */
function announcedPayload(request: WireRequest, signedHash: string): string {
  if (signedHash !== "UNSIGNED-PAYLOAD") return signedHash;
  return request.headers.get("x-amz-content-sha256") ?? signedHash;
}

function refuse(message: string): S3Error {
  return new S3Error(CODE, { message });
}
