// Each operator of conditions by hand: what it finds true and false, with the key absent, with several values, qualified.

import { describe, expect, test } from "vitest";
import { parsePolicy } from "../../../src/policy/bucket-policy.ts";
import { evaluate, keysAskedFor } from "../../../src/policy/evaluate.ts";

type Context = Readonly<Record<string, readonly string[]>>;

const policyOf = (condition: object, resource = "arn:aws:s3:::bucket/*") =>
  parsePolicy(
    JSON.stringify({
      Version: "2012-10-17",
      Statement: {
        Effect: "Allow",
        Principal: "*",
        Action: "s3:GetObject",
        Resource: resource,
        Condition: condition,
      },
    }),
    { bucketName: "bucket" },
  );

function holds(condition: object, context: Context): boolean {
  const decision = evaluate(policyOf(condition), {
    principal: "anonymous",
    action: "s3:GetObject",
    resource: "arn:aws:s3:::bucket/key",
    condition: (key) => (Object.hasOwn(context, key) ? context[key] : undefined),
  });
  return decision === "allow";
}

const ARN = "arn:aws:iam::111111111111:user/a:b";
const NOON = "2026-11-21T12:00:00Z";

describe("compares one value", () => {
  test.each<[string, string, string | string[], string, boolean]>([
    ["StringEquals", "aws:username", "alice", "alice", true],
    ["StringEquals", "aws:username", "alice", "Alice", false],
    ["StringEquals", "aws:username", ["bob", "alice"], "alice", true],
    ["StringEquals", "aws:username", "a*", "alice", false],
    ["StringEquals", "aws:username", "a*", "a*", true],
    ["StringNotEquals", "aws:username", "alice", "alice", false],
    ["StringNotEquals", "aws:username", ["bob", "carol"], "alice", true],
    ["StringNotEquals", "aws:username", ["bob", "alice"], "alice", false],
    ["StringEqualsIgnoreCase", "aws:username", "ALICE", "aLice", true],
    ["StringEqualsIgnoreCase", "aws:username", "a*", "alice", false],
    ["StringNotEqualsIgnoreCase", "aws:username", "ALICE", "alice", false],
    ["StringLike", "aws:username", "a?i*", "alice", true],
    ["StringLike", "aws:username", "A*", "alice", false],
    ["StringLike", "aws:username", "a${*}e", "a*e", true],
    ["StringLike", "aws:username", "a${*}e", "abe", false],
    ["StringLike", "aws:username", "a${?}${$}e", "a?$e", true],
    ["StringNotLike", "aws:username", "a*", "alice", false],
    ["StringNotLike", "aws:username", "b*", "alice", true],
    ["NumericEquals", "s3:signatureAge", "10.0", "10", true],
    ["NumericEquals", "s3:signatureAge", "10", "ten", false],
    ["NumericNotEquals", "s3:signatureAge", "10", "10", false],
    ["NumericNotEquals", "s3:signatureAge", "10", "ten", true],
    ["NumericLessThan", "s3:signatureAge", "10", "9.9", true],
    ["NumericLessThan", "s3:signatureAge", "10", "10", false],
    ["NumericLessThanEquals", "s3:signatureAge", "10", "10", true],
    ["NumericGreaterThan", "s3:signatureAge", "10", "10", false],
    ["NumericGreaterThan", "s3:signatureAge", "-10", "9", true],
    ["NumericGreaterThanEquals", "s3:signatureAge", "10", "10", true],
    ["DateEquals", "aws:CurrentTime", "2026-11-21T14:00:00+02:00", NOON, true],
    ["DateEquals", "aws:CurrentTime", "1795262400", NOON, true],
    ["DateEquals", "aws:EpochTime", NOON, "1795262400", true],
    ["DateNotEquals", "aws:CurrentTime", "2026-11-21", NOON, true],
    ["DateLessThan", "aws:CurrentTime", "2026-11-21T12:00:00.001Z", NOON, true],
    ["DateLessThanEquals", "aws:CurrentTime", NOON, NOON, true],
    ["DateGreaterThan", "aws:CurrentTime", "2026", NOON, true],
    ["DateGreaterThan", "aws:CurrentTime", "2026-12", NOON, false],
    ["DateGreaterThanEquals", "aws:CurrentTime", NOON, "soon", false],
    ["Bool", "aws:SecureTransport", "true", "true", true],
    ["Bool", "aws:SecureTransport", "TRUE", "true", true],
    ["Bool", "aws:SecureTransport", "false", "true", false],
    ["BinaryEquals", "aws:PrincipalTag/b", "aGVsbG8=", "aGVsbG8=", true],
    ["BinaryEquals", "aws:PrincipalTag/b", "aGVsbG8=", "hello", false],
    ["IpAddress", "aws:SourceIp", "192.0.2.0/24", "192.0.2.255", true],
    ["IpAddress", "aws:SourceIp", "192.0.2.0/24", "192.0.3.0", false],
    ["IpAddress", "aws:SourceIp", "192.0.2.77/24", "192.0.2.1", true],
    ["IpAddress", "aws:SourceIp", "192.0.2.1", "::ffff:192.0.2.1", true],
    ["IpAddress", "aws:SourceIp", "::ffff:192.0.2.0/120", "192.0.2.1", true],
    ["IpAddress", "aws:SourceIp", "0.0.0.0/0", "2001:db8::1", false],
    ["IpAddress", "aws:SourceIp", "2001:DB8:0:8000::/49", "2001:db8:0:8fff::1", true],
    ["IpAddress", "aws:SourceIp", "2001:db8::/49", "2001:db8:0:8000::1", false],
    ["IpAddress", "aws:SourceIp", "10.0.0.0/8", "10.0.0.1, 192.0.2.1", false],
    ["NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "192.0.2.0/24"], "10.9.9.9", false],
    ["NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "192.0.2.0/24"], "11.9.9.9", true],
    ["ArnEquals", "aws:PrincipalArn", "arn:aws:iam::*:user/*", ARN, true],
    ["ArnLike", "aws:PrincipalArn", "arn:aws:iam::1*1:user/a:?", ARN, true],
    ["ArnLike", "aws:PrincipalArn", "arn:aws:s3:::*", ARN, false],
    ["ArnLike", "aws:PrincipalArn", "arn:*:*:*:*:*", "arn:aws:s3", false],
    ["ArnLike", "aws:PrincipalArn", "*", ARN, true],
    ["ArnLike", "aws:PrincipalArn", "*", "alice", false],
    ["ArnNotEquals", "aws:PrincipalArn", "arn:aws:iam::*:user/*", ARN, false],
    ["ArnNotLike", "aws:PrincipalArn", "arn:aws:s3:::*", ARN, true],
  ])("%s %s %j with %s: %s", (operator, key, ...[values, given, wanted]) => {
    expect(holds({ [operator]: { [key]: values } }, { [key.toLowerCase()]: [given] })).toBe(wanted);
  });
});

describe("knows what an absent key means", () => {
  const positive = [
    ["StringEquals", "aws:username", "x"],
    ["StringEqualsIgnoreCase", "aws:username", "x"],
    ["StringLike", "aws:username", "*"],
    ["NumericEquals", "s3:signatureAge", "0"],
    ["NumericLessThan", "s3:signatureAge", "1"],
    ["NumericLessThanEquals", "s3:signatureAge", "1"],
    ["NumericGreaterThan", "s3:signatureAge", "-1"],
    ["NumericGreaterThanEquals", "s3:signatureAge", "-1"],
    ["DateEquals", "aws:CurrentTime", "2026"],
    ["DateLessThan", "aws:CurrentTime", "2026"],
    ["DateLessThanEquals", "aws:CurrentTime", "2026"],
    ["DateGreaterThan", "aws:CurrentTime", "2026"],
    ["DateGreaterThanEquals", "aws:CurrentTime", "2026"],
    ["Bool", "aws:SecureTransport", "false"],
    ["BinaryEquals", "aws:PrincipalTag/x", "AAAA"],
    ["IpAddress", "aws:SourceIp", "0.0.0.0/0"],
    ["ArnEquals", "aws:SourceArn", "*"],
    ["ArnLike", "aws:SourceArn", "*"],
  ] as const;
  const negated = [
    ["StringNotEquals", "aws:username", "x"],
    ["StringNotEqualsIgnoreCase", "aws:username", "x"],
    ["StringNotLike", "aws:username", "*"],
    ["NumericNotEquals", "s3:signatureAge", "0"],
    ["DateNotEquals", "aws:CurrentTime", "2026"],
    ["NotIpAddress", "aws:SourceIp", "0.0.0.0/0"],
    ["ArnNotEquals", "aws:SourceArn", "*"],
    ["ArnNotLike", "aws:SourceArn", "*"],
  ] as const;

  test.each([
    ...positive.map((line) => [...line, false] as const),
    ...negated.map((line) => [...line, true] as const),
  ])("%s %s %s: %s, and true with IfExists", (operator, key, value, isTrue) => {
    for (const context of [{}, { [key.toLowerCase()]: [] }]) {
      expect(holds({ [operator]: { [key]: value } }, context)).toBe(isTrue);
      expect(holds({ [`${operator}IfExists`]: { [key]: value } }, context)).toBe(true);
      expect(holds({ [`ForAllValues:${operator}`]: { [key]: value } }, context)).toBe(true);
      expect(holds({ [`ForAnyValue:${operator}`]: { [key]: value } }, context)).toBe(false);
    }
  });

  test.each([
    ["true", {}, true],
    ["false", {}, false],
    ["true", { "aws:username": ["alice"] }, false],
    ["false", { "aws:username": ["alice"] }, true],
    ["True", { "aws:username": [] }, true],
  ])("Null %s for %j: %s", (value, context, wanted) => {
    expect(holds({ Null: { "aws:username": value } }, context)).toBe(wanted);
  });

  test("Null with both holds either way", () => {
    expect(holds({ Null: { "aws:username": ["true", "false"] } }, {})).toBe(true);
    expect(holds({ Null: { "aws:username": ["true", "false"] } }, { "aws:username": ["a"] })).toBe(
      true,
    );
  });
});

describe("takes several values", () => {
  const KEY = "aws:tagkeys";
  test.each<[string, string[], string[], boolean]>([
    ["ForAllValues:StringEquals", ["a", "b"], ["a"], true],
    ["ForAllValues:StringEquals", ["a", "b"], ["a", "b"], true],
    ["ForAllValues:StringEquals", ["a", "b"], ["a", "c"], false],
    ["ForAllValues:StringEquals", ["a", "b"], ["c"], false],
    ["ForAllValues:StringEquals", ["a"], [""], true],
    ["ForAllValues:StringEquals", ["a"], ["", ""], false],
    ["ForAllValues:StringNotEquals", ["a", "b"], ["c", "d"], true],
    ["ForAllValues:StringNotEquals", ["a", "b"], ["c", "a"], false],
    ["ForAllValues:StringLikeIfExists", ["a*"], ["ab", "ac"], true],
    ["ForAnyValue:StringEquals", ["a", "b"], ["a", "c"], true],
    ["ForAnyValue:StringEquals", ["a", "b"], ["c", "d"], false],
    ["ForAnyValue:StringEquals", ["a"], [""], false],
    ["ForAnyValue:StringNotEquals", ["a", "b"], ["a", "c"], true],
    ["ForAnyValue:StringNotEquals", ["a", "b"], ["a", "b"], false],
    ["ForAnyValue:StringNotLike", ["a*"], ["ab", "b"], true],
    ["StringEquals", ["a"], ["a", "c"], true],
    ["StringNotEquals", ["a"], ["a", "c"], false],
    ["StringNotEquals", ["a"], ["b", "c"], true],
  ])("%s %j with %j: %s", (operator, values, given, wanted) => {
    expect(holds({ [operator]: { "aws:TagKeys": values } }, { [KEY]: given })).toBe(wanted);
  });

  test("lines and operators all have to hold", () => {
    const condition = {
      StringEquals: { "aws:username": "alice", "aws:UserAgent": "x" },
      Bool: { "aws:SecureTransport": "true" },
    };
    const all = {
      "aws:username": ["alice"],
      "aws:useragent": ["x"],
      "aws:securetransport": ["true"],
    };
    expect(holds(condition, all)).toBe(true);
    for (const key of Object.keys(all))
      expect(holds(condition, { ...all, [key]: ["y"] })).toBe(false);
  });
});

describe("fills in variables", () => {
  test.each<[string, string, Context, boolean]>([
    ["StringEquals", "${aws:UserId}", { "aws:username": ["a"], "aws:userid": ["a"] }, true],
    ["StringEquals", "x-${aws:userid}-y", { "aws:username": ["x-7-y"], "aws:userid": ["7"] }, true],
    ["StringEquals", "${aws:userid}", { "aws:username": ["${aws:userid}"] }, false],
    ["StringNotEquals", "${aws:userid}", { "aws:username": ["a"] }, true],
    ["StringEquals", "${aws:userid, 'a b'}", { "aws:username": ["a b"] }, true],
    ["StringEquals", "${aws:userid,''}", { "aws:username": [""] }, true],
    ["StringEquals", "${aws:TagKeys}", { "aws:username": ["a"], "aws:tagkeys": ["a", "b"] }, false],
    ["StringLike", "${aws:userid}*", { "aws:username": ["a*b"], "aws:userid": ["a*"] }, true],
    ["StringLike", "${aws:userid}", { "aws:username": ["abc"], "aws:userid": ["*"] }, false],
    [
      "StringLike",
      "${aws:userid}",
      { "aws:username": ["abc"], "aws:userid": ["${aws:username}"] },
      false,
    ],
    [
      "StringEqualsIgnoreCase",
      "${aws:userid}",
      { "aws:username": ["ABC"], "aws:userid": ["abc"] },
      true,
    ],
    [
      "ArnLike",
      "arn:aws:iam::1:user/${aws:userid}",
      { "aws:username": ["arn:aws:iam::1:user/a:b"], "aws:userid": ["a:b"] },
      true,
    ],
    [
      "ArnLike",
      "${aws:userid}",
      { "aws:username": ["arn:a:b:c:d:e"], "aws:userid": ["arn:a:b:c:d:e"] },
      true,
    ],
  ])("%s %s with %j: %s", (operator, value, context, wanted) => {
    expect(holds({ [operator]: { "aws:username": value } }, context)).toBe(wanted);
  });

  test("but not where numbers, dates, booleans and addresses stand", () => {
    expect(() => policyOf({ NumericEquals: { "s3:signatureAge": "${aws:userid}" } })).toThrow(
      "Invalid numeric value",
    );
    expect(() => policyOf({ IpAddress: { "aws:SourceIp": "${aws:userid}" } })).toThrow(
      "Invalid IP address",
    );
  });
});

test("names the keys that a decision about an action may need", () => {
  const policy = policyOf(
    { StringEquals: { "s3:ExistingObjectTag/Team": "${aws:PrincipalTag/team}" } },
    "arn:aws:s3:::bucket/${aws:username}/*",
  );
  expect([...keysAskedFor(policy, "s3:GetObject")].toSorted()).toEqual([
    "aws:principaltag/team",
    "aws:username",
    "s3:existingobjecttag/team",
  ]);
  expect(keysAskedFor(policy, "s3:PutObject").size).toBe(0);
});
