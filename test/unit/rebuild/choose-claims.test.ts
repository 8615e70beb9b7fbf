// What a key is, of all that the drives say of it: copies count once, parts are an object when a record says so, and what
// nobody here knows is counted.

import { expect, test } from "vitest";
import type { SetId, UploadId } from "../../../src/core/ids.ts";
import type { StagedClaim } from "../../../src/metadata/sqlite/rebuild/claim-stage.ts";
import { chooseClaims } from "../../../src/rebuild/choose-claims.ts";
import { renderAbout } from "../../../src/store/about-text.ts";
import type { AccountId } from "../../../src/core/ids.ts";

const UPLOAD = "upload" as UploadId;
const OWNER = "owner" as AccountId;
const USUAL = {
  bucketOwnerId: OWNER,
  ownerId: OWNER,
  storageClass: "STANDARD",
  tags: [],
  acl: undefined,
  lock: { retention: undefined, legalHold: undefined },
  isVersioned: false,
};

let number = 0;

function claim(more: Partial<StagedClaim> & { readonly lost?: number }): StagedClaim {
  number += 1;
  const id = number.toString(16).padStart(32, "0") as SetId;
  const drives = Array.from({ length: 6 }, (_, at) => (at < (more.lost ?? 0) ? -1 : at));
  const geometry = { dataShards: 4, parityShards: 2, unitBytes: 65_536, headerBytes: 512 };
  return {
    bucket: "bucket",
    key: "key",
    at: 1,
    setId: id,
    offset: undefined,
    part: undefined,
    sizeBytes: 10,
    etag: `etag-${number}`,
    checksums: [],
    attributes: { headers: {}, userMetadata: {} },
    seal: undefined,
    about: undefined,
    set: { id, ...geometry, sizeBytes: 10, isPack: false, drives },
    ...more,
  };
}

function recordOf(numbers: readonly number[], at: number): StagedClaim {
  const completed = { etag: "whole-2", sizeBytes: 20, numbers, encryption: undefined };
  const about = renderAbout({ ...USUAL, completed });
  return claim({ at, part: { uploadId: UPLOAD, number: 0 }, about });
}

const part = (n: number, at: number, more: Partial<StagedClaim> = {}) =>
  claim({ at, part: { uploadId: UPLOAD, number: n }, ...more });

test("copies of the same bytes count once: the one of which the most shards are there", () => {
  const lacking = claim({ etag: "same", lost: 1 });
  const whole = claim({ etag: "same" });
  const again = claim({ etag: "same", lost: 2 });
  expect(chooseClaims([lacking, whole, again]).candidates.map((each) => each.claim)).toEqual([
    whole,
  ]);
  expect(chooseClaims([claim({ etag: "x" }), claim({ etag: "y" })]).candidates.length).toBe(2);
});

test("of copies that are cut otherwise the one counts that can lose the most shards yet", () => {
  const { set } = claim({});
  const cutAs = (dataShards: number, parityShards: number, drives: readonly number[]) =>
    claim({ etag: "recut", set: { ...set, dataShards, parityShards, drives } });
  const without = cutAs(1, 0, [0]);
  const lacking = cutAs(4, 2, [0, 1, 2, 3, 4, -1]);
  const half = cutAs(2, 1, [0, -1, -1]);
  for (const claims of [
    [without, lacking],
    [lacking, without],
    [half, lacking],
  ]) {
    expect(chooseClaims(claims).candidates.map((each) => each.claim)).toEqual([lacking]);
  }
});

test("an upload is an object where a record says so, at the time of its completion", () => {
  const older = claim({ at: 5 });
  const first = part(1, 2);
  const uploadedAgain = part(2, 4);
  const claims = [part(2, 3), first, uploadedAgain, older, recordOf([1, 2], 9)];
  const { candidates, looseParts } = chooseClaims(claims);
  expect(candidates.map(({ at }) => at)).toEqual([5, 9]);
  expect(looseParts.size).toBe(0);
  const upload = candidates[1]?.upload;
  expect(upload?.completed.numbers).toEqual([1, 2]);
  expect(upload?.parts.get(2)).toBe(uploadedAgain);
  expect(upload?.parts.has(0)).toBe(false);
});

test("parts without a record are no object", () => {
  const { candidates, looseParts } = chooseClaims([part(1, 2), part(2, 3)]);
  expect(candidates).toEqual([]);
  expect([...looseParts]).toEqual([[UPLOAD, 2]]);
});

test("what a newer version wrote is counted, and not guessed at", () => {
  const { candidates, unknownCount } = chooseClaims([claim({ about: '{"v":3}' }), claim({})]);
  expect(unknownCount).toBe(1);
  expect(candidates.length).toBe(1);
});
