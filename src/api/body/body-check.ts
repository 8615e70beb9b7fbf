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
  /** Computed in any case, beside what the client declares; undefined computes nothing more. */
  readonly wanted: ChecksumAlgorithm | undefined;
  /** Length after decoding, where it is known. */
  readonly sizeBytes?: number | undefined;
}

export class BodyCheck {
  /** Takes what follows the last chunk of an aws-chunked body; undefined where nothing may follow. */
  readonly trailer: Trailer | undefined;
  readonly #claims: BodyClaims;
  readonly #payloadHash: Hash | undefined;
  /** The declared one first. */
  readonly #hashers = new Map<ChecksumAlgorithm, ChecksumHasher>();
  #verified: readonly ObjectChecksum[] = [];

  constructor(claims: BodyClaims) {
    const { payload, declared, wanted, sizeBytes } = claims;
    this.#claims = claims;
    this.#payloadHash = payload.kind === "sha256" ? createHash("sha256") : undefined;
    const first = declared?.algorithm;
    if (first !== undefined) this.#hashers.set(first, createChecksumHasher(first, sizeBytes));
    if (wanted !== undefined && wanted !== first) {
      this.#hashers.set(wanted, createChecksumHasher(wanted, sizeBytes));
    }
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
    for (const hasher of this.#hashers.values()) hasher.update(chunk);
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
    const verified = [...this.#hashers].map(([algorithm, hasher]) => {
      const value = hasher.digestBase64();
      return { algorithm, type: "FULL_OBJECT", value } as const;
    });
    if (declared !== undefined) {
      const { algorithm } = declared;
      const said = declared.value ?? parseChecksum(algorithm, this.trailer?.value ?? "");
      if (said !== verified[0]?.value) throw checksumMismatch(algorithm);
    }
    this.#verified = verified;
  }

  /** What was verified, then what was computed beside it, once `finish` has returned. */
  checksums(): readonly ObjectChecksum[] {
    return this.#verified;
  }
}
