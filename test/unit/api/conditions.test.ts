// Conditional requests: the truth table of S3, for reads, copies and writes.

import { expect, test } from "vitest";
import {
  checkCopyConditions,
  readWriteCondition,
  tryReadConditions,
} from "../../../src/api/conditions.ts";
import { S3Error } from "../../../src/core/s3-error.ts";

const OBJECT = { etag: "abc", modifiedAt: Date.UTC(2026, 0, 1, 12, 0, 0, 500) };
const BEFORE = "Thu, 01 Jan 2026 11:00:00 GMT";
const SAME = "Thu, 01 Jan 2026 12:00:00 GMT";
const AFTER = "Thu, 01 Jan 2026 13:00:00 GMT";

/** What a check comes to: its verdict, or the code of its refusal. */
function outcome<Verdict>(check: () => Verdict): Verdict | string {
  try {
    return check();
  } catch (error) {
    return error instanceof S3Error ? error.code : String(error);
  }
}

test.each<[Record<string, string>, "not-modified" | "PreconditionFailed" | "proceed"]>([
  [{}, "proceed"],
  [{ "if-match": '"abc"' }, "proceed"],
  [{ "if-match": "*" }, "proceed"],
  [{ "if-match": '"x", "abc"' }, "proceed"],
  [{ "if-match": '"x"' }, "PreconditionFailed"],
  [{ "if-none-match": '"x"' }, "proceed"],
  [{ "if-none-match": '"abc"' }, "not-modified"],
  [{ "if-none-match": "*" }, "not-modified"],
  [{ "if-modified-since": BEFORE }, "proceed"],
  [{ "if-modified-since": SAME }, "not-modified"],
  [{ "if-modified-since": AFTER }, "not-modified"],
  [{ "if-modified-since": "garbage" }, "proceed"],
  [{ "if-unmodified-since": BEFORE }, "PreconditionFailed"],
  [{ "if-unmodified-since": SAME }, "proceed"],
  [{ "if-match": '"abc"', "if-unmodified-since": BEFORE }, "proceed"],
  [{ "if-none-match": '"abc"', "if-modified-since": BEFORE }, "not-modified"],
  [{ "if-none-match": '"x"', "if-modified-since": AFTER }, "proceed"],
  [{ "if-match": '"x"', "if-none-match": '"abc"' }, "PreconditionFailed"],
])("a read with %j: %s", (headers, verdict) => {
  const given = new Map(Object.entries(headers));
  expect(outcome(() => tryReadConditions(given, OBJECT))).toBe(verdict);
});

test.each<[Record<string, string>, boolean]>([
  [{ "if-match": '"abc"' }, true],
  [{ "if-match": '"x"' }, false],
  [{ "if-none-match": '"x"' }, true],
  [{ "if-none-match": '"abc"' }, false],
  [{ "if-modified-since": AFTER }, false],
  [{ "if-unmodified-since": BEFORE }, false],
  [{ "if-match": '"abc"', "if-unmodified-since": BEFORE }, true],
  [{ "if-none-match": '"abc"', "if-modified-since": BEFORE }, false],
])("a copy whose source must have %j passes: %s", (conditions, passes) => {
  const headers = Object.entries(conditions).map(
    ([name, value]) => [`x-amz-copy-source-${name}`, value] as const,
  );
  const verdict = outcome(() => checkCopyConditions(new Map(headers), OBJECT));
  expect(verdict).toBe(passes ? undefined : "PreconditionFailed");
});

test("conditions of writes come without quotes", () => {
  expect(readWriteCondition(new Map())).toBeUndefined();
  expect(readWriteCondition(new Map([["if-none-match", "*"]]))).toEqual({
    ifMatch: undefined,
    ifNoneMatch: "*",
  });
  expect(readWriteCondition(new Map([["if-match", '"abc"']]))?.ifMatch).toBe("abc");
});
