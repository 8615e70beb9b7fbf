// The key that signs for one access key, day and region: four HMACs, remembered because every request needs them.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

import { createHmac, randomBytes } from "node:crypto";
import type { Credential } from "../core/account.ts";
import type { CredentialScope } from "./credential-scope.ts";
import { HmacKey } from "./hmac-key.ts";

const CACHED_KEYS_MAX = 1_000;

interface CachedKey {
  readonly secretKey: string;
  readonly key: HmacKey;
}

const cache = new Map<string, CachedKey>();

/** Signs for access keys that nobody has, so that refusing them takes the same work as a wrong secret. */
const nobody = { accessKey: "", secretKey: randomBytes(20).toString("hex") };

export function signingKey(
  credential: Pick<Credential, "accessKey" | "secretKey"> | undefined,
  scope: Omit<CredentialScope, "accessKey" | "text">,
): HmacKey {
  const { accessKey, secretKey } = credential ?? nobody;
  // The access key comes last, because it alone may hold a slash.
  const name = `${scope.date}/${scope.region}/${scope.service}/${accessKey}`;
  const known = cache.get(name);
  if (known !== undefined && known.secretKey === secretKey) return known.key;
  const key = deriveKey(secretKey, scope);
  const oldest = cache.size >= CACHED_KEYS_MAX ? cache.keys().next().value : undefined;
  if (oldest !== undefined) cache.delete(oldest);
  cache.set(name, { secretKey, key });
  return key;
}

function deriveKey(secretKey: string, scope: Omit<CredentialScope, "accessKey" | "text">): HmacKey {
  const steps = [scope.date, scope.region, scope.service, "aws4_request"];
  const key = steps.reduce(
    (before, text) => createHmac("sha256", before).update(text).digest(),
    Buffer.from(`AWS4${secretKey}`),
  );
  return new HmacKey(key);
}
