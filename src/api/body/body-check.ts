// Hashes the bytes of a body as they pass, and compares at the end with what the request said of them.

import { createHash, type Hash } from "node:crypto";
import type { PayloadPlan } from "../../auth/authenticate.ts";
import {
  type ChecksumAlgorithm,
  checksumHeader,
  type ObjectChecksum,
} from "../../core/checksum.ts";
import { S3Error } from "../../core/s3-error.ts";
import { type ChecksumHasher, createChecksumHasher } from "../../util/checksum-hasher.ts";
import { checksumMismatch, type DeclaredChecksum, parseChecksum } from "./declared-checksum.ts";
import { Trailer } from "./trailer.ts";

export interface BodyClaims {
  readonly payload: PayloadPlan;
  readonly declared: DeclaredChecksum | undefined;
  /** Computed where the client declares none; undefined computes nothing. */
  readonly fallback: ChecksumAlgorithm | undefined;
}

export class BodyCheck {
  /** Takes what follows the last chunk of an aws-chunked body; undefined where nothing may follow. */
  readonly trailer: Trailer | undefined;
  readonly #claims: BodyClaims;
  readonly #payloadHash: Hash | undefined;
  readonly #checksum:
    | { readonly algorithm: ChecksumAlgorithm; readonly hasher: ChecksumHasher }
    | undefined;
  #verified: ObjectChecksum | undefined;

  constructor(claims: BodyClaims) {
    const { payload, declared, fallback } = claims;
    this.#claims = claims;
    this.#payloadHash = payload.kind === "sha256" ? createHash("sha256") : undefined;
    const algorithm = declared?.algorithm ?? fallback;
    this.#checksum =
      algorithm === undefined ? undefined : { algorithm, hasher: createChecksumHasher(algorithm) };
    if (payload.kind === "chunked" && payload.hasTrailer) {
      const isInTrailer = declared !== undefined && declared.value === undefined;
      this.trailer = new Trailer(
        isInTrailer ? checksumHeader(declared.algorithm) : undefined,
        payload.verifier,
      );
    }
  }

  update(chunk: Uint8Array): void {
    this.#payloadHash?.update(chunk);
    this.#checksum?.hasher.update(chunk);
  }

  /** All bytes have passed. @throws S3Error XAmzContentSHA256Mismatch, BadDigest, InvalidRequest */
  finish(): void {
    const { payload, declared } = this.#claims;
    const computed = this.#payloadHash?.digest("hex");
    if (payload.kind === "sha256" && computed !== payload.hex) {
      throw new S3Error("XAmzContentSHA256Mismatch", {
        detail: {
          ClientComputedContentSHA256: payload.hex,
          S3ComputedContentSHA256: computed ?? "",
        },
      });
    }
    if (this.#checksum === undefined) return;
    const { algorithm, hasher } = this.#checksum;
    const value = hasher.digestBase64();
    if (declared !== undefined) {
      const said = declared.value ?? parseChecksum(algorithm, this.trailer?.value ?? "");
      if (said !== value) throw checksumMismatch(algorithm);
    }
    this.#verified = { algorithm, type: "FULL_OBJECT", value };
  }

  /** What was verified, or computed, once `finish` has returned. */
  checksums(): readonly ObjectChecksum[] {
    return this.#verified === undefined ? [] : [this.#verified];
  }
}
