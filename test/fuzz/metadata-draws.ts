// Random metadata operations as plain choices: small enough worlds that they often meet.

import * as fc from "fast-check";

export const KEYS = [
  "a",
  "a/",
  "a/b",
  "a/c",
  "a//b",
  "a//c",
  "ab",
  "b",
  "__proto__",
  "\uffff/a",
  "\u{1f600}",
  "\u{1f600}/a",
  "\u{10ffff}b",
] as const;
export const BUCKETS = ["bucket-1", "bucket-2"] as const;
const ETAGS = ["e0", "e1", "e2"] as const;

const bucket = fc.constantFrom(...BUCKETS);
const key = fc.constantFrom(...KEYS);
const etag = fc.constantFrom(...ETAGS);
const place = { bucket, key };
const content = fc.constantFrom("inline", "set", "packed", "share", "stale share" as const);
/** Few packs, so that they are shared; the last is one of a process before. */
const pack = fc.nat(3);
const condition = fc.option(
  fc.record({
    ifMatch: fc.option(fc.constantFrom(...ETAGS, "*"), { nil: undefined, freq: 2 }),
    ifNoneMatch: fc.option(fc.constantFrom(...ETAGS, "*"), { nil: undefined, freq: 2 }),
  }),
  { nil: undefined, freq: 2 },
);
const number = fc.integer({ min: 1, max: 4 });
const sizeBytes = fc.integer({ min: 0, max: 9 });

/** Before and after the time of the deletes. */
const retention = fc.option(
  fc.record({
    mode: fc.constantFrom("COMPLIANCE", "GOVERNANCE"),
    until: fc.constantFrom(4_000, 6_000),
  }),
  { nil: undefined, freq: 2 },
);
/** Most objects ask for no lock: it is refused where the bucket has none. */
const lock = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ retention: undefined, legalHold: undefined }) },
  {
    weight: 1,
    arbitrary: fc.record({ retention, legalHold: fc.option(fc.boolean(), { nil: undefined }) }),
  },
);
const acl = fc.option(fc.constantFrom("acl 1", "acl 2"), { nil: undefined, freq: 3 });
const mayBypassGovernance = fc.boolean();
/** A version of the key, by its place; undefined: none is named. The highest is one that is not there. */
const versionPick = fc.option(fc.nat(4), { nil: undefined, freq: 2 });
const deleteCondition = fc.option(
  fc.record({
    ifMatch: fc.option(fc.constantFrom(...ETAGS, "*"), { nil: undefined, freq: 1 }),
    ifSizeBytes: fc.option(fc.nat(9), { nil: undefined, freq: 1 }),
    ifModifiedAt: fc.option(fc.nat(9_000), { nil: undefined, freq: 1 }),
    /** The sequence of that version, or of the one that is picked without an id. */
    isSeen: fc.boolean(),
  }),
  { nil: undefined, freq: 3 },
);

const deletion = fc.record({
  key,
  pick: versionPick,
  condition: deleteCondition,
  mayBypassGovernance,
});
/** Most of what asks for many keys asks for nothing else. */
const likelyBare = fc.oneof(
  { weight: 1, arbitrary: deletion },
  {
    weight: 6,
    arbitrary: fc.record({
      key,
      pick: fc.constant(undefined),
      condition: fc.constant(undefined),
      mayBypassGovernance,
    }),
  },
);

const operation = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("createBucket"),
      bucket,
      hasLock: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("setVersioning"),
      bucket,
      versioning: fc.constantFrom("enabled", "enabled", "suspended" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("putBucketLock"), bucket, retention }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("putBucketQuota"),
      bucket,
      quotaBytes: fc.constantFrom(5, 30, undefined, undefined),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("putProgress"), bucket, acl }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("changeVersion"),
      what: fc.constantFrom("acl", "legalHold", "retention", "tags" as const),
      ...place,
      pick: versionPick,
      acl,
      retention,
      mayBypassGovernance,
      etag,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("deleteBucket"), bucket }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("putBucketConfig"), bucket, etag }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("putObject"),
      ...place,
      etag,
      content,
      condition,
      sizeBytes,
      source: key,
      pack,
      lock,
      acl,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("deleteObjects"),
      bucket,
      requests: fc.oneof(
        fc.array(deletion, { maxLength: 4 }),
        fc.array(likelyBare, { minLength: 4, maxLength: 12 }),
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("createUpload"), ...place, sizeBytes, lock, acl }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("putPart"),
      bucket,
      pick: fc.nat(9),
      number,
      content,
      sizeBytes,
      source: key,
      pack,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("completeUpload"),
      bucket,
      pick: fc.nat(9),
      etag,
      condition,
      numbers: fc.subarray([1, 2, 3, 4]),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("abortUpload"), bucket, pick: fc.nat(9) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("noteMissing"),
      ...place,
      indexes: fc.array(fc.nat(5), { maxLength: 3 }),
      isFound: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("dropTrash"), pick: fc.nat(9) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("sealPack"), pack, sizeBytes: fc.nat(40) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("movePacked"),
      ...place,
      pick: fc.nat(9),
      /** A part of that number; 0 for the object. */
      number: fc.nat(4),
      pack,
      content: fc.constantFrom("packed", "set" as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("replaceSet"),
      pick: fc.nat(20),
      /** Of whom the copy is; 0: a new one. */
      source: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("endOtherIncarnations") }) },
);

export type Operation = typeof operation extends fc.Arbitrary<infer Drawn> ? Drawn : never;
export type Named<Kind extends Operation["kind"]> = Extract<Operation, { readonly kind: Kind }>;
export type DrawnDelete = Named<"deleteObjects">["requests"][number];
export type ContentChoice = Pick<Named<"putObject">, "bucket" | "content" | "pack" | "source">;

/** Steps one after another, the operations of one step together. */
export const stepsArbitrary = fc.array(fc.array(operation, { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 60,
  size: "max",
});
