// What a bucket policy may say, and the words with which AWS refuses what it may not.

import { describe, expect, test } from "vitest";
import { S3Error } from "../../../src/core/s3-error.ts";
import { parsePolicy } from "../../../src/policy/bucket-policy.ts";

const GOOD = {
  Effect: "Allow",
  Principal: "*",
  Action: "s3:GetObject",
  Resource: "arn:aws:s3:::bucket/*",
};
const policyWith = (changes: object) => ({
  Version: "2012-10-17",
  Statement: [{ ...GOOD, ...changes }],
});
const parse = (policy: unknown) =>
  parsePolicy(typeof policy === "string" ? policy : JSON.stringify(policy), {
    bucketName: "bucket",
  });

function refusalOf(policy: unknown): string {
  try {
    parse(policy);
  } catch (error) {
    if (error instanceof S3Error && error.code === "MalformedPolicy") return error.message;
    throw error;
  }
  return "accepted";
}

const without = (name: keyof typeof GOOD) => {
  const { [name]: _, ...rest } = GOOD;
  return { Statement: rest };
};
const withCondition = (operator: string, key: string, value: unknown) =>
  policyWith({ Condition: { [operator]: { [key]: value } } });

const JSON_BROKEN = "This policy contains invalid Json";
const NO_FIRST_BRACE = "Policies must be valid JSON and the first byte must be '{'";
const NO_VERSION = "The policy must contain a valid version string";
const NO_PRINCIPAL = "Invalid principal in policy";
const NO_ACTION = "Policy has invalid action";
const NO_RESOURCE = "Policy has invalid resource";
const NO_TARGET = "Action does not apply to any resource(s) in statement";
const NO_KEY = "Policy has an invalid condition key";
const NOT_TOGETHER = "Conditions do not apply to combination of actions and resources in statement";
const NO_BOOLEAN = "Invalid boolean value in Conditions";
const NO_ADDRESS = "Invalid IP address in Conditions";
const NO_CONDITION = "Policy has an invalid condition";
const NO_VALUE = "Policy has an invalid condition value";
const NO_VARIABLE = "Policy has an invalid variable";

describe("refuses as a document", () => {
  test.each<[string, unknown, string]>([
    ["nothing", "", NO_FIRST_BRACE],
    ["a list", [GOOD], NO_FIRST_BRACE],
    ["white space before it", ` ${JSON.stringify(policyWith({}))}`, NO_FIRST_BRACE],
    ["half of it", '{"Version":"2012-10-17","Statement":[', JSON_BROKEN],
    ["what follows it", `${JSON.stringify(policyWith({}))}x`, JSON_BROKEN],
    [
      "a name that stands twice",
      `{"Statement":[],"Statement":${JSON.stringify([GOOD])}}`,
      JSON_BROKEN,
    ],
    [
      "one that stands twice in disguise",
      '{"Version":"2012-10-17","V\\u0065rsion":"2008-10-17"}',
      JSON_BROKEN,
    ],
    ["deep nesting", `{"Statement":${"[".repeat(5_000)}${"]".repeat(5_000)}}`, JSON_BROKEN],
    [
      "more than 20 KiB",
      policyWith({ Sid: "x".repeat(20 * 1024) }),
      "Policy exceeds the maximum allowed document size.",
    ],
    ["an unknown field", { ...policyWith({}), Principal: "*" }, "Unknown field Principal"],
    ["__proto__", `{"__proto__":{},"Statement":[]}`, "Unknown field __proto__"],
    ["another version", { ...policyWith({}), Version: "2012-10-18" }, NO_VERSION],
    ["a version that is null", { ...policyWith({}), Version: null }, NO_VERSION],
    ["a version that is a number", { ...policyWith({}), Version: 2012 }, NO_VERSION],
    ["an Id that is no text", { ...policyWith({}), Id: 1 }, "Policy has an invalid Id"],
    ["no statement", { Version: "2012-10-17" }, "Missing required field Statement"],
    ["an empty list of them", { Statement: [] }, "Could not parse the policy: Statement is empty!"],
    [
      "a text for a statement",
      { Statement: ["x"] },
      "Could not parse the policy: Statement is not an object",
    ],
    [
      "two statements of one Sid",
      {
        Statement: [
          { ...GOOD, Sid: "a" },
          { ...GOOD, Sid: "a" },
        ],
      },
      "Statement IDs (SID) in a single policy must be unique.",
    ],
  ])("%s", (_, policy, message) => {
    expect(refusalOf(policy)).toBe(message);
  });
});

describe("refuses in a statement", () => {
  test.each<[string, unknown, string]>([
    ["an unknown field", policyWith({ Actions: [] }), "Unknown field Actions"],
    ["no effect", without("Effect"), "Missing required field Effect"],
    ["another effect", policyWith({ Effect: "allow" }), "Invalid effect: allow"],
    ["no principal", without("Principal"), "Missing required field Principal"],
    ["no action", without("Action"), "Missing required field Action"],
    ["no resource", without("Resource"), "Missing required field Resource"],
    ["a Sid that is no text", policyWith({ Sid: [] }), "Policy has an invalid Sid"],
    [
      "both ways of action",
      policyWith({ NotAction: "s3:Put*" }),
      "A statement has Action or NotAction, not both",
    ],
    [
      "a permission for all but some",
      { Statement: { ...without("Principal").Statement, NotPrincipal: { AWS: "111111111111" } } },
      "Allow with NotPrincipal is not allowed.",
    ],
    ["a principal without kind", policyWith({ Principal: "111111111111" }), NO_PRINCIPAL],
    ["no principals", policyWith({ Principal: {} }), NO_PRINCIPAL],
    ["an empty list of principals", policyWith({ Principal: { AWS: [] } }), NO_PRINCIPAL],
    ["an unknown kind", policyWith({ Principal: { Aws: "*" } }), NO_PRINCIPAL],
    [
      "an account of eleven digits",
      policyWith({ Principal: { AWS: "11111111111" } }),
      NO_PRINCIPAL,
    ],
    [
      "a part of an ARN as wildcard",
      policyWith({ Principal: { AWS: "arn:aws:iam::111111111111:user/*" } }),
      NO_PRINCIPAL,
    ],
    ["an ARN of a bucket", policyWith({ Principal: { AWS: "arn:aws:s3:::bucket" } }), NO_PRINCIPAL],
    ["a list in a list", policyWith({ Principal: { AWS: [["*"]] } }), NO_PRINCIPAL],
    [
      "a service that is none",
      policyWith({ Principal: { Service: "evil.example.com" } }),
      NO_PRINCIPAL,
    ],
    ["everybody by canonical id", policyWith({ Principal: { CanonicalUser: "*" } }), NO_PRINCIPAL],
    ["an unknown action", policyWith({ Action: "s3:GetObjects" }), NO_ACTION],
    ["a pattern of none", policyWith({ Action: ["s3:GetObject", "s3:Fetch*"] }), NO_ACTION],
    ["another service's", policyWith({ Action: "ec2:*" }), NO_ACTION],
    ["no actions", policyWith({ Action: [] }), NO_ACTION],
    ["a number for an action", policyWith({ Action: 1 }), NO_ACTION],
    ["another bucket", policyWith({ Resource: "arn:aws:s3:::other/*" }), NO_RESOURCE],
    ["a bucket of longer name", policyWith({ Resource: "arn:aws:s3:::bucket2/*" }), NO_RESOURCE],
    ["no ARN", policyWith({ Resource: "bucket/*" }), NO_RESOURCE],
    ["everything", policyWith({ Resource: "*" }), NO_RESOURCE],
    [
      "a bucket by variable",
      policyWith({ Resource: "arn:aws:s3:::${aws:username}/*" }),
      NO_RESOURCE,
    ],
    [
      "one good and one bad",
      policyWith({ Resource: ["arn:aws:s3:::bucket/*", "arn:aws:s3:::x"] }),
      NO_RESOURCE,
    ],
    ["no resources", policyWith({ Resource: [] }), NO_RESOURCE],
    [
      "a variable without end",
      policyWith({ Resource: "arn:aws:s3:::bucket/${aws:username" }),
      NO_VARIABLE,
    ],
    [
      "a variable without prefix",
      policyWith({ Resource: "arn:aws:s3:::bucket/${username}" }),
      NO_VARIABLE,
    ],
    [
      "a variable that nobody knows",
      policyWith({ Effect: "Deny", Resource: "arn:aws:s3:::bucket/${aws:UserNmae}/*" }),
      NO_VARIABLE,
    ],
    [
      "one of a tag without a name",
      policyWith({ Resource: "arn:aws:s3:::bucket/${aws:PrincipalTag/}" }),
      NO_VARIABLE,
    ],
    [
      "one in the value of a condition",
      withCondition("StringNotEquals", "aws:username", "${aws:UserNmae}"),
      NO_VARIABLE,
    ],
    [
      "a default without quotes",
      policyWith({ Resource: "arn:aws:s3:::bucket/${aws:username, x}" }),
      NO_VARIABLE,
    ],
    [
      "an endless pattern",
      policyWith({ Resource: `arn:aws:s3:::bucket/${"?".repeat(3_000)}` }),
      "Policy has a pattern that is too long",
    ],
    [
      "an object's action on the bucket",
      policyWith({ Resource: "arn:aws:s3:::bucket" }),
      NO_TARGET,
    ],
    [
      "a bucket's action on objects",
      policyWith({ Action: ["s3:GetObject", "s3:ListBucket"] }),
      NO_TARGET,
    ],
    ["an account's action", policyWith({ Action: "s3:ListAllMyBuckets" }), NO_TARGET],
    [
      "all but all actions",
      { Statement: { ...without("Action").Statement, NotAction: "s3:*" } },
      NO_TARGET,
    ],
  ])("%s", (_, policy, message) => {
    expect(refusalOf(policy)).toBe(message);
  });
});

describe("refuses in a condition", () => {
  test.each<[string, unknown, string]>([
    ["no object", policyWith({ Condition: [] }), NO_CONDITION],
    ["an operator without keys", policyWith({ Condition: { StringEquals: {} } }), NO_CONDITION],
    [
      "an unknown operator",
      withCondition("StringMatches", "aws:username", "x"),
      "Invalid Condition type : StringMatches",
    ],
    [
      "an unknown qualifier",
      withCondition("ForSomeValues:StringLike", "aws:username", "x"),
      "Invalid Condition type : ForSomeValues:StringLike",
    ],
    [
      "NullIfExists",
      withCondition("NullIfExists", "aws:username", "true"),
      "Invalid Condition type : NullIfExists",
    ],
    ["an unknown key", withCondition("StringEquals", "aws:user", "x"), NO_KEY],
    ["an unknown key of S3", withCondition("StringEquals", "s3:toString", "x"), NO_KEY],
    ["a tag without name", withCondition("StringEquals", "s3:ExistingObjectTag/", "x"), NO_KEY],
    ["a key of another service", withCondition("StringEquals", "jwt:sub", "x"), NO_KEY],
    ["no values", withCondition("StringEquals", "aws:username", []), NO_VALUE],
    ["null for a value", withCondition("StringEquals", "aws:username", null), NO_VALUE],
    [
      "an object for a value",
      withCondition("StringEquals", "aws:username", { digits: "1" }),
      NO_VALUE,
    ],
    [
      "a number that is none",
      withCondition("NumericLessThan", "s3:signatureAge", "ten"),
      "Invalid numeric value in Conditions",
    ],
    [
      "a number beyond all",
      withCondition("NumericLessThan", "s3:signatureAge", "1e999"),
      "Invalid numeric value in Conditions",
    ],
    [
      "a date that is none",
      withCondition("DateLessThan", "aws:CurrentTime", "2026-02-30T00:00:00Z"),
      "Invalid date value in Conditions",
    ],
    [
      "a date without zone",
      withCondition("DateLessThan", "aws:CurrentTime", "2026-02-03T00:00:00"),
      "Invalid date value in Conditions",
    ],
    ["a boolean that is none", withCondition("Bool", "aws:SecureTransport", "yes"), NO_BOOLEAN],
    ["a null that is none", withCondition("Null", "aws:username", "yes"), NO_BOOLEAN],
    [
      "binary that is not base64",
      withCondition("BinaryEquals", "aws:PrincipalTag/x", "a"),
      "Invalid binary value in Conditions",
    ],
    [
      "an address that is none",
      withCondition("IpAddress", "aws:SourceIp", "10.0.0.256"),
      NO_ADDRESS,
    ],
    [
      "a prefix that is too long",
      withCondition("IpAddress", "aws:SourceIp", "10.0.0.0/33"),
      NO_ADDRESS,
    ],
    [
      "a prefix that is empty",
      withCondition("NotIpAddress", "aws:SourceIp", "10.0.0.0/"),
      NO_ADDRESS,
    ],
    ["octal", withCondition("IpAddress", "aws:SourceIp", "010.0.0.1"), NO_ADDRESS],
    [
      "an ARN of four parts",
      withCondition("ArnLike", "aws:SourceArn", "arn:aws:s3:*"),
      "Invalid ARN value in Conditions",
    ],
    ["a key of another action", withCondition("StringLike", "s3:prefix", "x"), NOT_TOGETHER],
    [
      "a key of some actions only",
      policyWith({
        Action: ["s3:PutObject", "s3:GetObject"],
        Condition: { StringEquals: { "s3:x-amz-acl": "private" } },
      }),
      NOT_TOGETHER,
    ],
    [
      "an uploads' listing with a prefix",
      policyWith({
        Action: "s3:ListBucketMultipartUploads",
        Condition: { StringLike: { "s3:prefix": "x" } },
      }),
      NOT_TOGETHER,
    ],
    [
      "a key that only the other resource's actions have",
      policyWith({ Action: "s3:*", Condition: { StringLike: { "s3:prefix": "x" } } }),
      NOT_TOGETHER,
    ],
  ])("%s", (_, policy, message) => {
    expect(refusalOf(policy)).toBe(message);
  });
});

describe("accepts", () => {
  test.each<[string, unknown]>([
    ["one statement without list and version", { Statement: GOOD }],
    [
      "an Id, and a Sid with spaces",
      { Id: "x", Version: "2008-10-17", Statement: [{ ...GOOD, Sid: "Allow all of it" }] },
    ],
    ["several statements without Sid", { Statement: [GOOD, GOOD] }],
    ["actions in any case", policyWith({ Action: ["S3:GETOBJECT", "*"] })],
    [
      "both kinds of resource for one action",
      policyWith({
        Action: "s3:ListBucket",
        Resource: ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"],
      }),
    ],
    [
      "the bucket and its objects by one pattern",
      policyWith({ Action: ["s3:ListBucket", "s3:GetObject"], Resource: "arn:aws:s3:::buck*" }),
    ],
    [
      "every kind of principal",
      policyWith({
        Principal: {
          AWS: [
            "*",
            "111111111111",
            "arn:aws:iam::111111111111:root",
            "arn:aws:iam::111111111111:user/a/b",
            "arn:aws:iam::111111111111:role/r",
            "arn:aws:sts::111111111111:assumed-role/r/s",
            "arn:aws:iam::tenant:root",
          ],
          CanonicalUser: "a".repeat(64),
          Service: ["logging.s3.amazonaws.com"],
          Federated: "cognito-identity.amazonaws.com",
        },
      }),
    ],
    [
      "a denial for all but some",
      {
        Statement: {
          Effect: "Deny",
          NotPrincipal: { AWS: "111111111111" },
          NotAction: "s3:Get*",
          NotResource: "arn:aws:s3:::bucket/x",
        },
      },
    ],
    ["an empty condition", policyWith({ Condition: {} })],
    ["values that are no texts", withCondition("Bool", "aws:SecureTransport", false)],
    ["numbers as numbers", withCondition("NumericLessThan", "s3:signatureAge", [600_000, 1.5])],
    [
      "operators and keys in any case",
      withCondition("foranyvalue:stringlikeifexists", "AWS:Referer", "http://*"),
    ],
    ["a tag's name with slashes", withCondition("StringEquals", "s3:ExistingObjectTag/a/b", "x")],
    [
      "a pattern of actions of which one has the key",
      policyWith({
        Action: "s3:Put*",
        Condition: { Null: { "s3:x-amz-server-side-encryption": "true" } },
      }),
    ],
    [
      "what would be a variable, in the old language",
      { Statement: { ...GOOD, Resource: "arn:aws:s3:::bucket/${x" } },
    ],
    [
      "a name of an object that looks inherited",
      withCondition("StringEquals", "aws:PrincipalTag/__proto__", "constructor"),
    ],
    [
      "surrogates and escapes",
      `{"Statement":[${JSON.stringify({ ...GOOD, Resource: 'arn:aws:s3:::bucket/\\"\ud83d\ude00\n' })}]}`,
    ],
  ])("%s", (_, policy) => {
    expect(refusalOf(policy)).toBe("accepted");
  });
});
