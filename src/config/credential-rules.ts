// What a key pair and a cluster secret must be like, and which are refused because the whole world knows them.

import { createHash } from "node:crypto";
import { UsageError } from "./usage-error.ts";

const CLUSTER_SECRET_LENGTH_MIN = 32;
const SECRET_KEY_LENGTH_MAX = 256;
/** What a secret key must have where others than this machine can reach the server. */
const OPEN_SECRET_KEY_LENGTH_MIN = 8;

/** Secrets, and access keys with any of them, that scanners try first. */
const KNOWN_SECRETS: ReadonlySet<string> = new Set([
  "12345678",
  "123456789",
  "accesskey",
  "admin",
  "admin123",
  "adminadmin",
  "changeme",
  "changeme123",
  "default",
  "kintsugi",
  "kintsugi123",
  "minio",
  "minio123",
  "minioadmin",
  "password",
  "password123",
  "root",
  "rustfsadmin",
  "secret",
  "secretkey",
  "seaweedfs",
  "test",
  "testtest",
  "wjalrxutnfemi/k7mdeng/bpxrficyexamplekey",
]);

/** It stands in the credential scope, between slashes, and in lists. */
export function accessKey(text: string): string {
  if (/^[A-Za-z0-9._@+-]{3,128}$/.test(text)) return text;
  throw new UsageError("must have 3 to 128 letters, digits or . _ @ + -");
}

export function secretKey(text: string): string {
  if (/^[\x21-\x7e]+$/.test(text) && text.length <= SECRET_KEY_LENGTH_MAX) return text;
  throw new UsageError(
    `must have 1 to ${SECRET_KEY_LENGTH_MAX} printable ASCII characters without spaces`,
  );
}

export function clusterSecret(text: string): string {
  if (text.length < CLUSTER_SECRET_LENGTH_MIN) {
    throw new UsageError(
      `must have ${CLUSTER_SECRET_LENGTH_MIN} characters or more: make one with openssl rand -hex 32`,
    );
  }
  return text;
}

export interface KeyPair {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Refuses pairs that everybody knows, where more than this machine can reach the server. */
export function refuseKnownPair(pair: KeyPair, host: string): void {
  if (isLoopback(host)) return;
  const secret = pair.secretKey.toLowerCase();
  const isKnown = KNOWN_SECRETS.has(secret) || secret === pair.accessKey.toLowerCase();
  if (!isKnown && secret.length >= OPEN_SECRET_KEY_LENGTH_MIN) return;
  throw new UsageError(
    `the secret key of ${pair.accessKey} ${isKnown ? "is one that everybody knows" : "is too short"}: ` +
      `on ${host}, which other machines can reach, it opens the server to all. ` +
      "Give another, or none to have one generated, or listen on 127.0.0.1",
  );
}

/** Refuses a cluster secret that someone with the root key could work out, or the other way about. */
export function refuseRelatedSecrets(cluster: string, root: KeyPair): void {
  const known = cluster.toLowerCase();
  const isRelated = formsOf(root).some((form) => known.includes(form) || form.includes(known));
  if (!isRelated) return;
  throw new UsageError(
    "the cluster secret must not be the root secret key or made from it: whoever holds the one would hold the other",
  );
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** What people make of a secret when they need another. */
function formsOf({ accessKey: key, secretKey: secret }: KeyPair): readonly string[] {
  const texts = [
    secret,
    `${key}${secret}`,
    `${key}:${secret}`,
    secret.split("").toReversed().join(""),
  ];
  return texts
    .flatMap((text) => {
      const bytes = Buffer.from(text);
      const sha256 = createHash("sha256").update(bytes).digest();
      const md5 = createHash("md5").update(bytes).digest("hex");
      const encodings = (["hex", "base64", "base64url"] as const).flatMap((encoding) => [
        // The padding and last group of Base64 change when more text follows.
        bytes.toString(encoding).replace(/.{0,3}=*$/, ""),
        sha256.toString(encoding).replace(/=+$/, ""),
      ]);
      return [text, md5, ...encodings];
    })
    .map((form) => form.toLowerCase())
    .filter((form) => form.length >= OPEN_SECRET_KEY_LENGTH_MIN);
}
