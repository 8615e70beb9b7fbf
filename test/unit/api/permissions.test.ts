// The permissions that operations ask for are those that policies may name: one that no policy can give would close its
// operation to everybody but the owner.

import { expect, test } from "vitest";
import { SUPPORTED, UNCONFIGURED, UNSUPPORTED } from "../../../src/api/operations/index.ts";
import { S3_ACTIONS } from "../../../src/policy/s3-actions.ts";

/** Of other services, or of kinds of buckets that there are not; preflights ask for no permission. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  "CreateSession",
  "ListDirectoryBuckets",
  "PreflightBucket",
  "PreflightObject",
  "RenameObject",
  "WriteGetObjectResponse",
]);

test("every operation's permission is one of S3's", () => {
  const unknown = [...SUPPORTED, ...UNCONFIGURED, ...UNSUPPORTED].filter(({ name, action }) => {
    return typeof action === "string" && !Object.hasOwn(S3_ACTIONS, action) && !ELSEWHERE.has(name);
  });
  expect(unknown.map(({ name, action }) => [name, action])).toEqual([]);
});
