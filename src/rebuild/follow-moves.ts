// Compaction moves packed bytes to another pack, and a reshape cuts sets anew. Metadata from before that names bytes where
// they are no more: it is told where they are now. And of bytes that it names where they still are, a copy is no news.

import type { SetId } from "../core/ids.ts";
import type { DraftDatabase } from "../metadata/sqlite/rebuild/draft-database.ts";
import type { ClaimStage, StagedClaim } from "../metadata/sqlite/rebuild/claim-stage.ts";
import type { WriteRequest } from "../metadata/write-operations.ts";
import { contentOf } from "./staged-content.ts";
import type { SetPlaces } from "./place-sets.ts";

interface MoveParts {
  readonly draft: DraftDatabase;
  /** Knows of every set that has a shard anywhere. */
  readonly stage: Pick<ClaimStage, "hasSeen">;
  readonly places: SetPlaces;
}

export type MoveRequest = WriteRequest<"movePacked"> | WriteRequest<"replaceSet">;

export interface FollowedClaims {
  /** Those that the metadata does not have. */
  readonly news: readonly StagedClaim[];
  readonly moves: readonly MoveRequest[];
}

/** @param claims Of one key. */
export function followMoves(
  { draft, stage, places }: MoveParts,
  claims: readonly StagedClaim[],
): FollowedClaims {
  const [first] = claims;
  const bucket = first && draft.findBucket(first.bucket);
  if (bucket === undefined) return { news: claims, moves: [] };
  const news: StagedClaim[] = [];
  const moves = new Map<string, MoveRequest>();
  for (const claim of claims) {
    const found = standingOf({ draft, places }, bucket.id, claim);
    if (found === undefined) news.push(claim);
    if (found === undefined || stage.hasSeen(found.setId)) continue;
    // Of several copies the last that is whole counts; one of which shards are missing, where there is no other.
    if (!moves.has(found.name) || lacksNothing(claim)) moves.set(found.name, found.move);
  }
  return { news, moves: [...moves.values()] };
}

interface Standing {
  /** Where the metadata says that it is. */
  readonly setId: SetId;
  /** Of that place. */
  readonly name: string;
  readonly move: MoveRequest;
}

/** Undefined where the metadata does not have it. */
function standingOf(
  parts: Pick<MoveParts, "draft" | "places">,
  bucketId: number,
  claim: StagedClaim,
): Standing | undefined {
  const { key, at, seal, part } = claim;
  const { base } = parts.draft;
  const name = { bucketId, key, at, etag: seal?.etag ?? claim.etag, part };
  const to = contentOf(parts, claim);
  if (to.kind === "packed") {
    const from = base.findTwin(name);
    const move =
      from && ({ name: "movePacked", input: { bucketId, key, part, from, to } } as const);
    return from && move && { setId: from.setId, name: `${from.setId}/${from.offset}`, move };
  }
  const twin = base.findTwinSet(name);
  if (twin === undefined) return undefined;
  const { setId, detail } = twin;
  const move = { name: "replaceSet", input: { bucketId, key, detail, from: setId, to } } as const;
  return { setId, name: setId, move };
}

function lacksNothing({ set }: StagedClaim): boolean {
  return set.drives.every((drive) => drive >= 0);
}
