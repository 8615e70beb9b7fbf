// Signature V2, in the header and presigned: what boto3 and AWS CLI v1 still presign with for custom endpoints.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html

import { createHmac, randomBytes } from "node:crypto";
import { S3Error } from "../core/s3-error.ts";
import { findParam, type WireRequest } from "../core/wire-request.ts";
import { parseAmzDate, renderIsoDate } from "./amz-date.ts";
import type { Authentication, AuthSettings, PayloadPlan } from "./authenticate.ts";
import { checkSkew } from "./check-skew.ts";
import { equalDigests } from "./equal-digests.ts";
import { planPayload } from "./payload-plan.ts";
import {
  hasLaterSubResource,
  isAmbiguous,
  v2StringToSign,
  type V2Form,
} from "./sigv2-string-to-sign.ts";
import { unsupportedMechanism } from "./unsupported-mechanism.ts";

const QUERY_PARAMS = ["AWSAccessKeyId", "Expires", "Signature"] as const;

/** Keeps an unknown access key as much work as a wrong secret. */
const NOBODYS_SECRET = randomBytes(20).toString("hex");

/** Whether any parameter of a URL presigned with V2 is there. */
export function hasV2Query(request: WireRequest): boolean {
  return request.query.some(({ name }) => QUERY_PARAMS.some((param) => param === name));
}

/** @throws S3Error as `authenticate` */
export function authenticateV2Header(
  request: WireRequest,
  settings: AuthSettings,
  hostBucket: string | undefined,
): Authentication {
  if (!settings.sigv2) throw unsupportedMechanism();
  const match = /^AWS ([^:\s]+):(\S*)$/.exec(request.headers.get("authorization")?.trim() ?? "");
  if (match === null) {
    throw new S3Error("InvalidArgument", {
      message: "AWS authorization header is invalid. Expected AwsAccessKeyId:signature",
    });
  }
  const [, accessKey = "", signature = ""] = match;
  const amzDate = request.headers.get("x-amz-date");
  const date = amzDate ?? request.headers.get("date");
  const dateMs = date === undefined ? undefined : parseAmzDate(date.trim());
  if (dateMs === undefined) {
    throw new S3Error("AccessDenied", {
      message: "AWS authentication requires a valid Date or x-amz-date header",
    });
  }
  checkSkew(dateMs, settings.clock);
  const dateLine = amzDate === undefined ? (date ?? "") : "";
  const forms = v2Forms(request, { dateLine, hostBucket, areHeadersInQuery: false });
  // Signers older than a sub-resource leave it out. Whoever holds a URL could add one, whoever holds a secret need not.
  if (hasLaterSubResource(request)) {
    forms.push(...forms.map((form) => ({ ...form, subResources: "documented" as const })));
  }
  const claim = {
    request,
    accessKey,
    signature,
    forms,
    method: "header",
    signedAt: dateMs,
  } as const;
  return verifyV2(claim, settings);
}

/** @throws S3Error as `authenticate` */
export function authenticateV2Query(
  request: WireRequest,
  settings: AuthSettings,
  hostBucket: string | undefined,
): Authentication {
  if (!settings.sigv2) throw unsupportedMechanism();
  const [accessKey, expires, signature] = QUERY_PARAMS.map((param) => {
    const values = request.query.filter(({ name }) => name === param);
    if (values.length === 1) return values[0]?.value ?? "";
    throw new S3Error("AccessDenied", {
      message:
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
    });
  });
  checkExpires(expires ?? "", settings);
  const forms = v2Forms(request, { dateLine: expires ?? "", hostBucket, areHeadersInQuery: true });
  const claim = { accessKey: accessKey ?? "", signature: signature ?? "" };
  return verifyV2({ request, ...claim, forms, method: "presigned", signedAt: undefined }, settings);
}

/** A V2 URL does not say when it was signed, so that on a clock that was moved its end counts as read off a real one. */
function checkExpires(expires: string, { clock }: AuthSettings): void {
  if (!/^\d{1,11}$/.test(expires)) {
    throw new S3Error("AccessDenied", {
      message: `Invalid date (should be seconds since epoch): ${expires}`,
    });
  }
  const endMs = clock.translate(Number(expires) * 1000);
  const nowMs = clock.now();
  if (nowMs <= endMs) return;
  throw new S3Error("AccessDenied", {
    message: "Request has expired",
    detail: { Expires: renderIsoDate(endMs), ServerTime: renderIsoDate(nowMs) },
  });
}

function v2Forms(
  { rawPath }: WireRequest,
  common: Omit<V2Form, "path" | "subResources">,
): V2Form[] {
  const isBucket = common.hostBucket === undefined && /^\/[^/]+$/.test(rawPath);
  const paths = ["sent", "canonical", ...(isBucket ? (["bucket"] as const) : [])] as const;
  return paths.map((path) => ({ ...common, subResources: "all", path }));
}

interface V2Claim {
  readonly request: WireRequest;
  readonly accessKey: string;
  readonly signature: string;
  /** Most likely first. */
  readonly forms: readonly V2Form[];
  readonly method: Authentication["method"];
  readonly signedAt: number | undefined;
}

function verifyV2(claim: V2Claim, settings: AuthSettings): Authentication {
  const { request, accessKey, signature } = claim;
  if (isAmbiguous(request)) {
    throw new S3Error("InvalidRequest", {
      message: "Signature Version 2 cannot sign these parameters. Please use AWS4-HMAC-SHA256.",
    });
  }
  const credential = settings.credentials.find(accessKey);
  const secretKey = credential?.secretKey ?? NOBODYS_SECRET;
  const matches = claim.forms.some((form) => {
    const hmac = createHmac("sha1", secretKey).update(v2StringToSign(request, form), "latin1");
    return equalDigests(hmac.digest("base64"), signature);
  });
  if (credential === undefined) {
    throw new S3Error("InvalidAccessKeyId", { detail: { AWSAccessKeyId: accessKey } });
  }
  if (!matches) throw mismatch(claim);
  const { account } = credential;
  const { method, signedAt } = claim;
  return { account, accessKey, method, version: "AWS", signedAt, payload: planV2Payload(request) };
}

function planV2Payload(request: WireRequest): PayloadPlan {
  const announced =
    request.headers.get("x-amz-content-sha256") ?? findParam(request, "x-amz-content-sha256");
  return announced === undefined ? { kind: "unsigned" } : planPayload(announced, undefined);
}

function mismatch(claim: V2Claim): S3Error {
  const [asSent] = claim.forms;
  const toSign = asSent === undefined ? "" : v2StringToSign(claim.request, asSent);
  return new S3Error("SignatureDoesNotMatch", {
    detail: {
      AWSAccessKeyId: claim.accessKey,
      StringToSign: toSign,
      SignatureProvided: claim.signature,
      StringToSignBytes: Buffer.from(toSign, "latin1")
        .toString("hex")
        .replaceAll(/..(?=.)/g, "$& "),
    },
  });
}
