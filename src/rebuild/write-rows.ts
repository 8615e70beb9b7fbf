// Puts what was chosen into the new metadata, by the writes that a server would make: so that counters, references and
// checks of rows are what they would have been.

import { createHash } from "node:crypto";
import { isBucketName } from "../core/bucket-name.ts";
import type { BucketRecord } from "../metadata/records.ts";
import type { UploadName, WriteRequest } from "../metadata/write-operations.ts";
import type { ClaimStage, StagedClaim, StagedSet } from "../metadata/sqlite/rebuild/claim-stage.ts";
import type { DraftDatabase, NamedPart } from "../metadata/sqlite/rebuild/draft-database.ts";
import { parseEncryption, renderEncryption } from "../store/encryption/encryption-text.ts";
import { chooseClaims, sizeOf, type Candidate, type CompletedUpload } from "./choose-claims.ts";
import { followMoves, type MoveRequest } from "./follow-moves.ts";
import type { SetPlaces } from "./place-sets.ts";
import type { RebuildTally } from "./rebuild-tally.ts";
import { contentOf } from "./staged-content.ts";

export interface RowWriterOptions {
  readonly draft: DraftDatabase;
  readonly places: SetPlaces;
  readonly stage: Pick<ClaimStage, "hasSeen">;
  /** Whether there was any metadata before. */
  readonly hasBase: boolean;
  readonly tally: RebuildTally;
  /** Of buckets that are made anew. */
  readonly region: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** Rows that one transaction writes. */
const BATCH = 4_000;
const EMPTY_MD5 = createHash("md5").digest("hex");

interface Waiting {
  readonly request: WriteRequest<"putObject">;
  readonly name: string;
  readonly sizeBytes: number;
}

export class RowWriter {
  readonly #options: RowWriterOptions;
  #waiting: Waiting[] = [];
  #bucket: BucketRecord | undefined;

  constructor(options: RowWriterOptions) {
    this.#options = options;
  }

  /** All that the drives say of one key. */
  async add(claims: readonly StagedClaim[]): Promise<void> {
    const { candidates, looseParts, unknownCount } = chooseClaims(await this.#follow(claims));
    const { tally, draft, hasBase } = this.#options;
    const [first] = candidates;
    for (const [uploadId, count] of looseParts) {
      tally.parts.add(`upload ${uploadId}: ${count} parts, and nothing says that it was completed`);
    }
    if (unknownCount > 0) {
      tally.damaged.add(
        `${unknownCount} objects say what this version does not know: a newer Kintsugi wrote them`,
      );
    }
    if (first === undefined) return;
    const bucket = await this.#bucketFor(first, candidates);
    if (bucket === undefined) {
      tally.damaged.add(`${first.bucket}/${first.key}: that is no name of a bucket`);
      return;
    }
    // Claims of one key come together: without a base there is nothing of it yet.
    const newestAt = hasBase ? draft.newestAt(bucket.id, first.key) : undefined;
    const newer = candidates.filter(({ at }) => newestAt === undefined || at > newestAt);
    const kept = keptOf(newer, bucket.versioning === "enabled");
    tally.olderCopies += candidates.length - kept.length;
    for (const candidate of kept) await this.#put(bucket, candidate);
  }

  /** What the base has where it is no more is named where it is now. */
  async #follow(claims: readonly StagedClaim[]): Promise<readonly StagedClaim[]> {
    if (!this.#options.hasBase) return claims;
    const { news, moves } = followMoves(this.#options, claims);
    await this.#move(moves);
    return news;
  }

  async #move(moves: readonly MoveRequest[]): Promise<void> {
    const { draft, nowMs, tally } = this.#options;
    if (moves.length === 0) return;
    for (const [index, answer] of (await draft.apply(moves, nowMs)).entries()) {
      if (answer.kind === "done") tally.moved += 1;
      else tally.refused.add(`${moves[index]?.input.key ?? ""}: ${wordsOf(answer)}`);
    }
  }

  /** Ends the packs, after which nothing is appended to them, and what waits. */
  async finish(packs: Iterable<StagedSet>): Promise<void> {
    await this.#flush();
    let requests: WriteRequest[] = [];
    const { draft, nowMs } = this.#options;
    for (const { id: setId, sizeBytes: fileBytes, isPack } of packs) {
      if (!isPack || draft.sets.layoutOf(setId) === undefined) continue;
      requests.push({ name: "sealPack", input: { setId, fileBytes } });
      if (requests.length < BATCH) continue;
      await draft.apply(requests, nowMs);
      requests = [];
    }
    await draft.apply(requests, nowMs);
  }

  async #put(bucket: BucketRecord, candidate: Candidate): Promise<void> {
    if (candidate.upload !== undefined) return this.#putUpload(bucket, candidate, candidate.upload);
    const { claim, about, at, key } = candidate;
    const { ownerId, storageClass, tags, acl, lock } = about;
    const sizeBytes = sizeOf(claim);
    const input = {
      bucketId: bucket.id,
      key,
      sizeBytes,
      etag: claim.seal?.etag ?? claim.etag,
      modifiedAt: at,
      ownerId,
      storageClass,
      checksum: claim.checksums[0],
      attributes: claim.attributes,
      tags,
      acl,
      lock,
      encryption: claim.seal?.encryption,
      content: contentOf(this.#options, claim),
    };
    const request = { name: "putObject", input } as const;
    this.#waiting.push({ request, name: `${bucket.name}/${key}`, sizeBytes });
    if (this.#waiting.length >= BATCH) await this.#flush();
  }

  async #flush(): Promise<void> {
    const { draft, nowMs, tally } = this.#options;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    const answers = await draft.apply(
      waiting.map(({ request }) => request),
      nowMs,
    );
    for (const [index, answer] of answers.entries()) {
      const { name = "", sizeBytes = 0 } = waiting[index] ?? {};
      if (answer.kind === "done") {
        tally.objects += 1;
        tally.bytes += sizeBytes;
      } else tally.refused.add(`${name}: ${wordsOf(answer)}`);
    }
  }

  /** As a client would have: the upload, its parts, and their completion. */
  async #putUpload(
    bucket: BucketRecord,
    candidate: Candidate,
    upload: CompletedUpload,
  ): Promise<void> {
    const { tally, draft, nowMs } = this.#options;
    const { completed, uploadId } = upload;
    const name = { bucketId: bucket.id, key: candidate.key, uploadId };
    const shown = `${bucket.name}/${candidate.key}`;
    await this.#flush();
    const standing = draft.findUpload(name);
    const lost = completed.numbers.filter(
      (number) => !upload.parts.has(number) && standing?.has(number) !== true,
    );
    const isEmptyEnd = isLastEmpty(upload, standing, lost);
    if (lost.length > 0 && !isEmptyEnd) {
      tally.lost.add(`${shown}: ${lost.length} of its ${completed.numbers.length} parts`);
      return;
    }
    const requests: WriteRequest[] = standing === undefined ? [uploadOf(name, candidate)] : [];
    for (const [number, part] of upload.parts) requests.push(this.#partOf(name, number, part));
    if (isEmptyEnd) requests.push(emptyPart(name, lost[0] ?? 0, candidate.at));
    const answers = [...(await draft.apply(requests, nowMs))];
    const ids = draft.findUpload(name) ?? new Map<number, NamedPart>();
    answers.push(...(await draft.apply([this.#completionOf(name, candidate, ids)], nowMs)));
    const refused = answers.find((answer) => answer.kind !== "done");
    if (refused !== undefined) {
      tally.refused.add(`${shown}: ${wordsOf(refused)}`);
      return;
    }
    tally.objects += 1;
    tally.multipart += 1;
    tally.bytes += completed.sizeBytes;
  }

  #completionOf(
    name: UploadName,
    { claim, at, upload }: Candidate,
    ids: ReadonlyMap<number, NamedPart>,
  ): WriteRequest<"completeUpload"> {
    const { numbers = [], sizeBytes = 0, etag = "" } = upload?.completed ?? {};
    return {
      name: "completeUpload",
      input: {
        ...name,
        parts: numbers.map((number) => ({ number, partId: ids.get(number)?.partId ?? 0 })),
        sizeBytes,
        etag,
        completedAt: at,
        checksum: claim.checksums[0],
        record: {
          content: contentOf(this.#options, claim),
          sizeBytes: claim.sizeBytes,
          etag: claim.etag,
        },
      },
    };
  }

  #partOf(name: UploadName, number: number, claim: StagedClaim): WriteRequest<"putPart"> {
    const { seal, checksums, at: uploadedAt } = claim;
    // On the drives the data key stands with each part; in the metadata with the upload alone.
    const encryption =
      seal && renderEncryption({ sealing: parseEncryption(seal.encryption).sealing });
    return {
      name: "putPart",
      input: {
        ...name,
        number,
        sizeBytes: sizeOf(claim),
        etag: seal?.etag ?? claim.etag,
        uploadedAt,
        checksums,
        encryption,
        content: contentOf(this.#options, claim),
      },
    };
  }

  /** Makes it where it is not there, with versions and locks where the objects say that it had them. */
  async #bucketFor(
    { bucket: name, about, at }: Candidate,
    candidates: readonly Candidate[],
  ): Promise<BucketRecord | undefined> {
    const { draft, nowMs, region, tally } = this.#options;
    const standing = this.#bucket?.name === name ? this.#bucket : draft.findBucket(name);
    if (standing === undefined && !isBucketName(name)) return undefined;
    const isLocked = candidates.some(
      ({ about: { lock } }) => lock.retention !== undefined || lock.legalHold !== undefined,
    );
    const isVersioned = isLocked || candidates.some((candidate) => candidate.about.isVersioned);
    const isFit =
      standing !== undefined &&
      (!isVersioned || standing.versioning !== "off") &&
      (!isLocked || standing.lock !== undefined);
    if (isFit) return (this.#bucket = standing);
    await this.#flush();
    if (standing === undefined) {
      const input = { name, ownerId: about.bucketOwnerId, region, createdAt: at, hasLock: false };
      await draft.apply([{ name: "createBucket", input }], nowMs);
      tally.buckets += 1;
    }
    const bucketId = draft.findBucket(name)?.id ?? 0;
    if (isVersioned && (standing === undefined || standing.versioning === "off")) {
      await draft.apply(
        [{ name: "setVersioning", input: { bucketId, versioning: "enabled" } }],
        nowMs,
      );
    }
    if (isLocked && standing?.lock === undefined) {
      const lock = { defaultRetention: undefined };
      await draft.apply([{ name: "putBucketLock", input: { bucketId, lock } }], nowMs);
    }
    this.#bucket = draft.findBucket(name);
    return this.#bucket;
  }
}

/** Where there were no versions, the last alone. */
function keptOf(candidates: readonly Candidate[], hasVersions: boolean): readonly Candidate[] {
  if (!hasVersions) return candidates.slice(-1);
  const lastPlain = candidates.findLast(({ about }) => !about.isVersioned);
  return candidates.filter((candidate) => candidate.about.isVersioned || candidate === lastPlain);
}

/** A part without bytes lies on no drive, and can only be the last. */
function isLastEmpty(
  { completed, parts }: CompletedUpload,
  standing: ReadonlyMap<number, NamedPart> | undefined,
  lost: readonly number[],
): boolean {
  if (lost.length !== 1 || lost[0] !== completed.numbers.at(-1)) return false;
  const sizes = completed.numbers.map((number) => {
    const part = parts.get(number);
    return part === undefined ? (standing?.get(number)?.sizeBytes ?? 0) : sizeOf(part);
  });
  return sizes.reduce((sum, size) => sum + size, 0) === completed.sizeBytes;
}

function uploadOf(
  name: UploadName,
  { claim, about, at, upload }: Candidate,
): WriteRequest<"createUpload"> {
  const [checksum] = claim.checksums;
  const { ownerId, storageClass, tags, acl, lock } = about;
  const times = [...(upload?.parts.values() ?? [])].map((part) => part.at);
  return {
    name: "createUpload",
    input: {
      ...name,
      initiatedAt: times.reduce((first, time) => Math.min(first, time), at),
      initiatorId: ownerId,
      ownerId,
      storageClass,
      checksumAlgorithm: checksum?.algorithm,
      checksumType: checksum?.type,
      attributes: claim.attributes,
      tags,
      acl,
      encryption: upload?.completed.encryption,
      lock,
    },
  };
}

function emptyPart(name: UploadName, number: number, uploadedAt: number): WriteRequest<"putPart"> {
  return {
    name: "putPart",
    input: {
      ...name,
      number,
      sizeBytes: 0,
      etag: EMPTY_MD5,
      uploadedAt,
      checksums: [],
      encryption: undefined,
      content: { kind: "inline", bytes: new Uint8Array(0) },
    },
  };
}

function wordsOf(answer: object): string {
  return "code" in answer ? String(answer.code) : JSON.stringify(answer);
}
