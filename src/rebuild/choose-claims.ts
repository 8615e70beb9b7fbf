// Of all that the drives say of one key: what the key is. Pure. Copies of the same bytes count once; the parts of an upload
// are an object when a record says that it was completed with them; what is younger follows what is older.

import type { UploadId } from "../core/ids.ts";
import type { StagedClaim } from "../metadata/sqlite/rebuild/claim-stage.ts";
import { findAbout, type CompletedAbout, type ObjectAbout } from "../store/about-text.ts";

/** An object as it was put at one time. */
export interface Candidate {
  readonly bucket: string;
  readonly key: string;
  readonly at: number;
  readonly about: ObjectAbout;
  /** The bytes; of an upload what says that it was completed. */
  readonly claim: StagedClaim;
  /** Undefined of an object that was put whole. */
  readonly upload?: CompletedUpload | undefined;
}

export interface CompletedUpload {
  readonly uploadId: UploadId;
  readonly completed: CompletedAbout;
  /** The parts that the drives tell of, by number: of one that was uploaded again, the last. */
  readonly parts: ReadonlyMap<number, StagedClaim>;
}

export interface KeyClaims {
  /** The oldest first. */
  readonly candidates: readonly Candidate[];
  /** Parts that are no object's: how many of each upload. */
  readonly looseParts: ReadonlyMap<string, number>;
  /** Claims whose text is of a version that nobody here knows. */
  readonly unknownCount: number;
}

/** @param claims Of one key, the oldest first. */
export function chooseClaims(claims: readonly StagedClaim[]): KeyClaims {
  const distinct = withoutCopies(claims);
  const uploads = new Map<UploadId, StagedClaim[]>();
  const candidates: Candidate[] = [];
  let unknownCount = 0;
  for (const claim of distinct) {
    if (claim.part !== undefined) {
      const { uploadId } = claim.part;
      uploads.set(uploadId, [...(uploads.get(uploadId) ?? []), claim]);
      continue;
    }
    const about = findAbout(claim.about);
    if (about === undefined) unknownCount += 1;
    else candidates.push(candidateOf(claim, about));
  }
  const looseParts = new Map<string, number>();
  for (const [uploadId, parts] of uploads) {
    const found = completedOf(uploadId, parts);
    if (found === undefined) looseParts.set(uploadId, parts.length);
    else candidates.push(found);
  }
  candidates.sort((a, b) => a.at - b.at);
  return { candidates, looseParts, unknownCount };
}

function candidateOf(claim: StagedClaim, about: ObjectAbout): Candidate {
  const { bucket, key, at } = claim;
  return { bucket, key, at, about, claim };
}

/**
 * Compaction copies entries as they are, a reshape into sets that are cut otherwise, and either may be interrupted before the
 * old ones go: the copy that can lose the most shards yet counts, of equals the last.
 */
function withoutCopies(claims: readonly StagedClaim[]): readonly StagedClaim[] {
  if (claims.length === 1) return claims;
  const best = new Map<string, StagedClaim>();
  for (const claim of claims) {
    const { at, etag, sizeBytes, part } = claim;
    // An object that was put again within a millisecond is another one only where its bytes are others.
    const name = JSON.stringify([at, etag, sizeBytes, part?.uploadId, part?.number]);
    const standing = best.get(name);
    if (standing === undefined || spareOf(claim) >= spareOf(standing)) best.set(name, claim);
  }
  return [...best.values()];
}

/** Below zero it cannot be read. */
function spareOf({ set }: StagedClaim): number {
  return set.parityShards - set.drives.filter((drive) => drive < 0).length;
}

/** Undefined where nothing says that the upload was completed. */
function completedOf(uploadId: UploadId, claims: readonly StagedClaim[]): Candidate | undefined {
  const record = claims.findLast(({ part }) => part?.number === 0);
  const about = record && findAbout(record.about);
  if (record === undefined || about?.completed === undefined) return undefined;
  const { completed } = about;
  const parts = new Map<number, StagedClaim>();
  for (const claim of claims) {
    if (claim.part !== undefined && claim.part.number > 0) parts.set(claim.part.number, claim);
  }
  return { ...candidateOf(record, about), upload: { uploadId, completed, parts } };
}

/** Before it was sealed. */
export function sizeOf({ seal, sizeBytes }: StagedClaim): number {
  return seal?.sizeBytes ?? sizeBytes;
}
