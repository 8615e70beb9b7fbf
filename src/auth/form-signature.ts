// The signature of a POST form: over its policy document, in base64 as it was sent. Signature V4 or V2, by the fields that
// are there; a form with none of them is nobody's. What the policy says is for whoever reads it after that.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html

import { createHmac, randomBytes } from "node:crypto";
import type { Credential } from "../core/account.ts";
import { S3Error } from "../core/s3-error.ts";
import { parseBasicDate } from "./amz-date.ts";
import { ANONYMOUS } from "./anonymous.ts";
import type { Authentication, AuthSettings } from "./authenticate.ts";
import { parseCredential } from "./credential-scope.ts";
import { equalDigests } from "./equal-digests.ts";
import { signingKey } from "./signing-key.ts";
import { unsupportedMechanism } from "./unsupported-mechanism.ts";

/** The fields of a form by lower-case name. */
export type FormFields = ReadonlyMap<string, string>;

const ALGORITHM = "AWS4-HMAC-SHA256";
const V4_FIELDS = ["x-amz-signature", "x-amz-credential", "x-amz-algorithm"] as const;
const V2_FIELDS = ["awsaccesskeyid", "signature"] as const;

/** As AWS spells them in its errors. */
const SPELLING: Readonly<Record<string, string>> = {
  awsaccesskeyid: "AWSAccessKeyId",
  "x-amz-algorithm": "X-Amz-Algorithm",
  "x-amz-credential": "X-Amz-Credential",
  "x-amz-date": "X-Amz-Date",
  "x-amz-signature": "X-Amz-Signature",
};

/** Keeps an unknown access key as much work as a wrong secret. */
const NOBODYS_SECRET = randomBytes(20).toString("hex");

/** @throws S3Error InvalidArgument, InvalidAccessKeyId, SignatureDoesNotMatch, InvalidToken, InvalidRequest */
export function authenticateForm(fields: FormFields, settings: AuthSettings): Authentication {
  // Nobody here hands out temporary credentials, so that no token can be a good one.
  if (fields.get("x-amz-security-token")) throw new S3Error("InvalidToken");
  const isV4 = V4_FIELDS.some((name) => fields.has(name));
  const isV2 = V2_FIELDS.some((name) => fields.has(name));
  if (isV4 && isV2) {
    throw new S3Error("InvalidArgument", { message: "Only one auth mechanism allowed" });
  }
  if (isV4) return authenticateV4Form(fields, settings);
  // A policy that nobody has signed is no form of anybody: it would bind nothing.
  if (isV2 || fields.has("policy")) return authenticateV2Form(fields, settings);
  return ANONYMOUS;
}

function authenticateV4Form(fields: FormFields, settings: AuthSettings): Authentication {
  const algorithm = requiredField(fields, "x-amz-algorithm");
  if (algorithm !== ALGORITHM) {
    throw invalid("x-amz-algorithm", algorithm, `X-Amz-Algorithm only supports "${ALGORITHM}"`);
  }
  const scope = parseCredential(requiredField(fields, "x-amz-credential"), settings, {
    code: "InvalidArgument",
    prefix: "Error parsing the X-Amz-Credential field",
  });
  const amzDate = requiredField(fields, "x-amz-date");
  const signedAt = parseBasicDate(amzDate);
  if (signedAt === undefined || !amzDate.startsWith(scope.date)) {
    throw invalid("x-amz-date", amzDate, "X-Amz-Date must be formatted via ISO8601 Long format");
  }
  const policy = requiredField(fields, "policy");
  const signature = requiredField(fields, "x-amz-signature");
  const credential = settings.credentials.find(scope.accessKey);
  const key = signingKey(credential, scope);
  const right = key.hexOf(policy);
  const matches = equalDigests(right, signature);
  if (credential === undefined) throw unknownKey(scope.accessKey);
  if (!matches) throw mismatch(scope.accessKey, policy, signature);
  return describe(credential, ALGORITHM, signedAt);
}

function authenticateV2Form(fields: FormFields, settings: AuthSettings): Authentication {
  if (!settings.sigv2) throw unsupportedMechanism();
  const accessKey = requiredField(fields, "awsaccesskeyid");
  const policy = requiredField(fields, "policy");
  const signature = requiredField(fields, "signature");
  const credential = settings.credentials.find(accessKey);
  const secretKey = credential?.secretKey ?? NOBODYS_SECRET;
  const right = createHmac("sha1", secretKey).update(policy, "utf8").digest("base64");
  const matches = equalDigests(right, signature);
  if (credential === undefined) throw unknownKey(accessKey);
  if (!matches) throw mismatch(accessKey, policy, signature);
  return describe(credential, "AWS", undefined);
}

function describe(
  { accessKey, account }: Credential,
  version: Authentication["version"],
  signedAt: number | undefined,
): Authentication {
  return { account, accessKey, method: "form", version, signedAt, payload: { kind: "unsigned" } };
}

function requiredField(fields: FormFields, name: string): string {
  const value = fields.get(name);
  if (value !== undefined && value !== "") return value;
  const spelled = SPELLING[name] ?? name;
  throw invalid(
    spelled,
    "",
    `Bucket POST must contain a field named '${spelled}'.  If it is specified, please check the order of the fields.`,
  );
}

function invalid(name: string, value: string, message: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    detail: { ArgumentName: name, ArgumentValue: value },
  });
}

function unknownKey(accessKey: string): S3Error {
  return new S3Error("InvalidAccessKeyId", { detail: { AWSAccessKeyId: accessKey } });
}

/** What AWS shows of a mismatch; never the right signature. */
function mismatch(accessKey: string, policy: string, signature: string): S3Error {
  return new S3Error("SignatureDoesNotMatch", {
    detail: {
      AWSAccessKeyId: accessKey,
      StringToSign: policy,
      SignatureProvided: signature,
      StringToSignBytes: Buffer.from(policy, "utf8")
        .toString("hex")
        .replaceAll(/..(?=.)/g, "$& "),
    },
  });
}
