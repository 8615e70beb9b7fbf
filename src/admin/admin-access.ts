// Who may use the admin API: the root account, by Signature V4 in the Authorization header, for the service `kintsugi`,
// any region, with the body's hash signed. Nothing else: no presigned URLs, no other users, no unsigned bodies.
// The metrics page can also be read with a token, since Prometheus cannot sign, or by anyone where that is configured.

import { createHash, timingSafeEqual } from "node:crypto";
import { authenticate, type AuthSettings } from "../auth/authenticate.ts";
import { createCredentialSource } from "../auth/credentials.ts";
import { equalDigests } from "../auth/equal-digests.ts";
import type { Credential } from "../core/account.ts";
import { S3Error } from "../core/s3-error.ts";
import type { WireRequest } from "../core/wire-request.ts";
import type { Clock } from "../util/clock.ts";
import { AdminError } from "./admin-error.ts";

/** What signatures of admin requests are for: one for S3 is good for nothing here, and the other way about. */
const ADMIN_SERVICE = "kintsugi";

export interface MetricsAccess {
  /** Anyone who reaches the port may read the metrics. */
  readonly isPublic: boolean;
  /** What `Authorization: Bearer` must carry; undefined: no token is good. */
  readonly token: string | undefined;
}

export interface AdminAccessOptions {
  readonly root: Credential;
  readonly clock: Clock;
  /** Host names also tried in the signature check. */
  readonly publicHosts: readonly string[];
  readonly metrics: MetricsAccess;
}

export class AdminAccess {
  readonly #auth: AuthSettings;
  readonly #metrics: MetricsAccess;

  constructor({ root, clock, publicHosts, metrics }: AdminAccessOptions) {
    this.#auth = {
      credentials: createCredentialSource([root]),
      clock,
      region: undefined,
      service: ADMIN_SERVICE,
      publicHosts,
      sigv2: false,
    };
    this.#metrics = metrics;
  }

  /** Resolves to what the body's SHA-256 must be, in hex. @throws AdminError with status 403 */
  admit(request: WireRequest): string {
    try {
      const { method, payload } = authenticate(request, this.#auth, undefined);
      if (method === "header" && payload.kind === "sha256") return payload.hex;
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      // Whatever is wrong with a request that proves nothing: it is not let in.
      throw new AdminError(403, error.code, error.message, { cause: error });
    }
    throw new AdminError(
      403,
      "AccessDenied",
      "admin requests are signed in the Authorization header, with the hash of their body",
    );
  }

  /** @throws AdminError with status 403 */
  admitToMetrics(request: WireRequest): void {
    if (this.#metrics.isPublic) return;
    const header = request.headers.get("authorization") ?? "";
    const bearer = /^Bearer +(\S+)$/i.exec(header.trim())?.[1];
    if (bearer === undefined) {
      this.admit(request);
      return;
    }
    const { token } = this.#metrics;
    if (token !== undefined && isSame(token, bearer)) return;
    throw new AdminError(403, "AccessDenied", "the token is not the one that is configured");
  }
}

/** Whether a body is the one that was signed. */
export function isBodyOf(expectedHex: string, body: Buffer): boolean {
  return equalDigests(expectedHex, createHash("sha256").update(body).digest("hex"));
}

/** In a time that tells nothing of either, not even the length. */
function isSame(expected: string, given: string): boolean {
  return timingSafeEqual(hashOf(expected), hashOf(given));
}

function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
