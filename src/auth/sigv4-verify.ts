// One V4 signature, from a header or a query, compared with what the owner of the secret would have signed.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

import { hash } from "node:crypto";
import type { Credential } from "../core/account.ts";
import { S3Error } from "../core/s3-error.ts";
import type { AuthSettings } from "./authenticate.ts";
import type { CredentialScope } from "./credential-scope.ts";
import { equalDigests } from "./equal-digests.ts";
import type { HmacKey } from "./hmac-key.ts";
import { canonicalRequests, type CanonicalSource } from "./sigv4-canonical.ts";
import { signingKey } from "./signing-key.ts";

export interface V4Signature extends CanonicalSource {
  readonly scope: CredentialScope;
  /** As it is signed: `20130524T000000Z`. */
  readonly amzDate: string;
  /** As the client sent it: anything. */
  readonly signature: string;
}

export interface VerifiedV4 {
  readonly credential: Credential;
  readonly key: HmacKey;
}

/** @throws S3Error InvalidAccessKeyId, SignatureDoesNotMatch */
export function verifyV4(
  claim: V4Signature,
  settings: AuthSettings,
  hostBucket: string | undefined,
): VerifiedV4 {
  const credential = settings.credentials.find(claim.scope.accessKey);
  const key = signingKey(credential, claim.scope);
  const hosts = hostsToTry(claim, settings, hostBucket);
  const matches = isSignedBy(key, claim, hosts);
  if (credential === undefined) {
    throw new S3Error("InvalidAccessKeyId", { detail: { AWSAccessKeyId: claim.scope.accessKey } });
  }
  if (matches) return { credential, key };
  const [documented = ""] = canonicalRequests(claim, hosts);
  throw new S3Error("SignatureDoesNotMatch", { detail: mismatchDetail(claim, documented) });
}

function isSignedBy(key: HmacKey, claim: V4Signature, hosts: readonly string[]): boolean {
  for (const canonical of canonicalRequests(claim, hosts)) {
    if (equalDigests(key.hexOf(stringToSign(claim, canonical)), claim.signature)) return true;
  }
  return false;
}

function stringToSign(claim: V4Signature, canonicalRequest: string): string {
  const digest = hash("sha256", Buffer.from(canonicalRequest, "latin1"), "hex");
  return `AWS4-HMAC-SHA256\n${claim.amzDate}\n${claim.scope.text}\n${digest}`;
}

/** Behind a proxy the Host header may not be the one that the URL was signed for. */
function hostsToTry(
  claim: V4Signature,
  settings: AuthSettings,
  hostBucket: string | undefined,
): readonly string[] {
  const sent = claim.request.headers.get("host") ?? "";
  const others = settings.publicHosts.map((host) =>
    hostBucket === undefined ? host : `${hostBucket}.${host}`,
  );
  return [sent, ...others.filter((host) => host !== sent)];
}

/** What AWS shows of a mismatch, so that a client's developer can compare; never the right signature. */
function mismatchDetail(claim: V4Signature, canonical: string): Record<string, string> {
  const toSign = stringToSign(claim, canonical);
  return {
    AWSAccessKeyId: claim.scope.accessKey,
    StringToSign: toSign,
    SignatureProvided: claim.signature,
    StringToSignBytes: spacedHex(toSign),
    CanonicalRequest: canonical,
    CanonicalRequestBytes: spacedHex(canonical),
  };
}

function spacedHex(text: string): string {
  return Buffer.from(text, "latin1")
    .toString("hex")
    .replaceAll(/..(?=.)/g, "$& ");
}
