// Signature V4 in the Authorization header.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html

import { S3Error } from "../core/s3-error.ts";
import type { WireRequest } from "../core/wire-request.ts";
import { parseAmzDate, parseBasicDate, renderAmzDate } from "./amz-date.ts";
import type { Authentication, AuthSettings } from "./authenticate.ts";
import { checkSkew } from "./check-skew.ts";
import { parseCredential } from "./credential-scope.ts";
import { planPayload } from "./payload-plan.ts";
import { checkSignedHeaders, parseSignedHeaders } from "./signed-headers.ts";
import { createChunkVerifier } from "./sigv4-chunk-verifier.ts";
import { verifyV4 } from "./sigv4-verify.ts";

const FAULT = {
  code: "AuthorizationHeaderMalformed",
  prefix: "The authorization header is malformed",
} as const;

/** @throws S3Error as `authenticate` */
export function authenticateV4Header(
  request: WireRequest,
  settings: AuthSettings,
  hostBucket: string | undefined,
): Authentication {
  const fields = parseAuthorization(request.headers.get("authorization") ?? "");
  const scope = parseCredential(fields.credential, settings, FAULT);
  const { dateMs, amzDate } = requestDate(request);
  if (!amzDate.startsWith(scope.date)) {
    throw malformed("Invalid credential date. Date is not the same as X-Amz-Date.");
  }
  const contentSha256 = request.headers.get("x-amz-content-sha256");
  if (contentSha256 === undefined) {
    throw new S3Error("InvalidRequest", {
      message: "Missing required header for this request: x-amz-content-sha256",
    });
  }
  checkSignedHeaders(request, fields.signedHeaders, []);
  checkSkew(dateMs, settings.clock);
  const { signedHeaders, signature } = fields;
  const claim = { request, signedHeaders, payloadHash: contentSha256, scope, amzDate, signature };
  const { credential, key } = verifyV4(claim, settings, hostBucket);
  const payload = planPayload(contentSha256, () =>
    createChunkVerifier({ key, amzDate, scopeText: scope.text, seed: signature }),
  );
  const { account, accessKey } = credential;
  const version = "AWS4-HMAC-SHA256";
  return { account, accessKey, method: "header", version, signedAt: dateMs, payload };
}

interface AuthorizationFields {
  readonly credential: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

function parseAuthorization(header: string): AuthorizationFields {
  const text = header.replace(/^AWS4-HMAC-SHA256\s*/, "");
  const fields = new Map<string, string>();
  for (const part of text.split(",")) {
    const [name = "", ...rest] = part.trim().split("=");
    if (rest.length === 0 || fields.has(name)) throw malformed("the components are mal-formed.");
    fields.set(name, rest.join("="));
  }
  const credential = fields.get("Credential");
  const signedHeaders = fields.get("SignedHeaders");
  const signature = fields.get("Signature");
  if (!credential) throw malformed("missing Credential.");
  if (!signedHeaders) throw malformed("missing SignedHeaders.");
  if (signature === undefined) throw malformed("missing Signature.");
  if (fields.size > 3)
    throw malformed("the header holds more than Credential, SignedHeaders and Signature.");
  return { credential, signedHeaders: parseSignedHeaders(signedHeaders, FAULT.code), signature };
}

/** Some clients cannot set x-amz-date and send Date alone; botocore does where it is asked to. */
function requestDate(request: WireRequest): { readonly dateMs: number; readonly amzDate: string } {
  const text = (request.headers.get("x-amz-date") ?? request.headers.get("date"))?.trim();
  if (text === undefined) {
    throw new S3Error("AccessDenied", {
      message: "AWS authentication requires a valid Date or x-amz-date header",
    });
  }
  const basicMs = parseBasicDate(text);
  if (basicMs !== undefined) return { dateMs: basicMs, amzDate: text };
  const dateMs = parseAmzDate(text);
  if (dateMs === undefined) throw malformed("the date of the request is not a valid date.");
  return { dateMs, amzDate: renderAmzDate(dateMs) };
}

function malformed(message: string): S3Error {
  return new S3Error(FAULT.code, { message: `${FAULT.prefix}; ${message}` });
}
