// Metadata from before a set was cut anew, or packed bytes were moved, is told where they are now; of bytes that are still
// where it says, a copy is no news, and what it does not have is.

import { expect, test } from "vitest";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AccountId, DriveId, SetId } from "../../../src/core/ids.ts";
import type { StagedClaim } from "../../../src/metadata/sqlite/rebuild/claim-stage.ts";
import { DraftDatabase } from "../../../src/metadata/sqlite/rebuild/draft-database.ts";
import { followMoves } from "../../../src/rebuild/follow-moves.ts";
import { SetPlaces } from "../../../src/rebuild/place-sets.ts";
import { contentOf } from "../../../src/rebuild/staged-content.ts";
import { makeLayout } from "../../../src/store/placement.ts";
import { atEnd } from "../../support/at-end.ts";

const OWNER = "owner" as AccountId;
const DRIVES = Array.from({ length: 6 }, (_, at) => `drive-${at}` as DriveId);
const LAYOUT = makeLayout(1, DRIVES);
const ATTRIBUTES = { headers: {}, userMetadata: {} };

function claimOf(number: number, more: Partial<StagedClaim> = {}): StagedClaim {
  const id = number.toString(16).padStart(32, "0") as SetId;
  const drives = LAYOUT.partitions[number]?.slice(0, 6) ?? [];
  const geometry = { dataShards: 4, parityShards: 2, unitBytes: 65_536, headerBytes: 512 };
  return {
    bucket: "bucket",
    key: "key",
    at: 1_000,
    setId: id,
    offset: undefined,
    part: undefined,
    sizeBytes: 10,
    etag: "etag",
    checksums: [],
    attributes: ATTRIBUTES,
    seal: undefined,
    about: undefined,
    set: { id, ...geometry, sizeBytes: 10, isPack: more.offset !== undefined, drives },
    ...more,
  };
}

/** Metadata in which the object of the claim is. */
async function givenDraft(claim: StagedClaim) {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-follow-"));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "metadata.db");
  const places = new SetPlaces(DRIVES, [LAYOUT]);
  const first = new DraftDatabase(path);
  const bucket = { name: "bucket", ownerId: OWNER, region: "r", createdAt: 1, hasLock: false };
  await first.apply([{ name: "addLayout", input: LAYOUT }], 1);
  await first.apply([{ name: "createBucket", input: bucket }], 1);
  const { key, sizeBytes, etag, at: modifiedAt } = claim;
  const input = {
    bucketId: first.findBucket("bucket")?.id ?? 0,
    key,
    sizeBytes,
    etag,
    modifiedAt,
    ownerId: OWNER,
    storageClass: "STANDARD",
    checksum: undefined,
    attributes: ATTRIBUTES,
    tags: [],
    acl: undefined,
    lock: { retention: undefined, legalHold: undefined },
    encryption: undefined,
    content: contentOf({ draft: first, places }, claim),
  };
  const [answer] = await first.apply([{ name: "putObject", input }], 1);
  expect(answer?.kind).toBe("done");
  await first.finish();
  const draft = new DraftDatabase(path);
  atEnd(() => draft.close());
  return { draft, places };
}

test.each([
  ["a set of its own", undefined],
  ["a pack", 1_024],
])("bytes that were in %s and are in another now", async (_where, offset) => {
  const parts = await givenDraft(claimOf(1, { offset }));
  const stage = { hasSeen: (setId: SetId) => setId !== claimOf(1).setId };
  const moved = claimOf(2, { offset: offset && 2_048 });
  const lacking = claimOf(3, { offset, set: { ...claimOf(3, { offset }).set, drives: [0, -1] } });
  const other = claimOf(4, { offset, etag: "another" });
  const { news, moves } = followMoves({ ...parts, stage }, [moved, lacking, other]);
  expect(news).toEqual([other]);
  expect(moves).toHaveLength(1);
  const answers = await parts.draft.apply(moves, 2);
  expect(answers).toMatchObject([{ kind: "done", result: true }]);
  expect([...parts.draft.sets.ids()]).toContain(moved.setId);
});

test("bytes that are still where they were, and a copy of them", async () => {
  const parts = await givenDraft(claimOf(1, { offset: 1_024 }));
  const copy = claimOf(2, { offset: 1_024 });
  const found = followMoves({ ...parts, stage: { hasSeen: () => true } }, [copy]);
  expect(found).toEqual({ news: [], moves: [] });
});
