// Policies of forms: what is taken, what is refused as no policy at all, and which forms a policy lets through.

import { expect, test } from "vitest";
import { checkPostPolicy } from "../../../../src/api/post-object/check-post-policy.ts";
import { parsePostPolicy } from "../../../../src/api/post-object/post-policy.ts";
import { HandClock } from "../../../support/store-lab.ts";

const LATER = "2030-01-01T00:00:00Z";
const base64 = (text: string) => Buffer.from(text).toString("base64");
const parse = (document: unknown) => parsePostPolicy(base64(JSON.stringify(document)));
const parseConditions = (...conditions: unknown[]) => parse({ expiration: LATER, conditions });

test("all forms of a condition are read, names of fields and operators in any case", () => {
  const policy = parseConditions(
    { bUcKeT: "b" },
    ["StArTs-WiTh", "$KeY", "foo"],
    ["eq", "$acl", "private"],
    { success_action_status: 201 },
    ["content-length-range", 1, "10"],
    ["content-length-range", 0, 5],
  );
  expect(policy.expiresAt).toBe(Date.parse(LATER));
  expect(policy.sizeRange).toEqual({ min: 1, max: 5 });
  expect(policy.conditions.map(({ operator, field, value }) => [operator, field, value])).toEqual([
    ["eq", "bucket", "b"],
    ["starts-with", "key", "foo"],
    ["eq", "acl", "private"],
    ["eq", "success_action_status", "201"],
  ]);
});

test.each([
  ["no base64", "%%%"],
  ["no base64 at all", ""],
  ["no UTF-8", Buffer.from([0x7b, 0xff, 0x7d]).toString("base64")],
  ["no JSON", base64("{")],
  ["a list", base64("[]")],
  ["null", base64("null")],
  ["no expiration", base64(`{"conditions":[]}`)],
  ["no conditions", base64(`{"expiration":"${LATER}"}`)],
  ["names in other case", base64(`{"Expiration":"${LATER}","conditions":[]}`)],
  ["something else beside", base64(`{"expiration":"${LATER}","conditions":[],"x":1}`)],
  ["conditions that are no list", base64(`{"expiration":"${LATER}","conditions":{}}`)],
])("%s is no policy", (_what, text) => {
  expect(() => parsePostPolicy(text)).toThrow(
    expect.objectContaining({ code: "InvalidPolicyDocument" }),
  );
});

test.each(["2030-01-01", "2030-02-30T00:00:00Z", "tomorrow", "2030-01-01 00:00:00+00:00", 5, null])(
  "an expiration of %j is refused",
  (expiration) => {
    expect(() => parse({ expiration, conditions: [] })).toThrow(
      expect.objectContaining({ code: "InvalidPolicyDocument" }),
    );
  },
);

test.each([
  [{}],
  [{ a: "1", b: "2" }],
  [{ a: null }],
  [{ a: 1.5 }],
  ["text"],
  [null],
  [[]],
  [["eq", "$key"]],
  [["eq", "$key", "a", "b"]],
  [["eq", "key", "a"]],
  [["eq", "$", "a"]],
  [["matches", "$key", "a"]],
  [["eq", "$key", ["a"]]],
  [["content-length-range", 0]],
  [["content-length-range", -1, 0]],
  [["content-length-range", 0, "x"]],
  [["content-length-range", 0, 1.5]],
  [["content-length-range", 0, 10, 20]],
])("the condition %j is refused", (condition) => {
  expect(() => parseConditions(condition)).toThrow(
    expect.objectContaining({ code: "InvalidPolicyDocument" }),
  );
});

const clock = new HandClock();
const judge = (conditions: readonly unknown[], fields: Readonly<Record<string, string>>) => () =>
  checkPostPolicy(parseConditions(...conditions), new Map(Object.entries(fields)), clock);

test("fields that meet their conditions pass, and so do those that need none", () => {
  const conditions = [{ bucket: "b" }, ["starts-with", "$key", "u/"], ["starts-with", "$tag", ""]];
  const fields = { bucket: "b", key: "u/1", tag: "" };
  const free = { policy: "p", signature: "s", awsaccesskeyid: "a", "x-ignore-me": "x" };
  expect(judge(conditions, { ...fields, ...free })).not.toThrow();
  expect(judge([["starts-with", "$acl", ""]], {})).not.toThrow();
  const types = [["starts-with", "$Content-Type", "image/"]];
  expect(judge(types, { "content-type": "image/png, image/gif" })).not.toThrow();
});

test.each([
  ["another value", [{ acl: "private" }], { acl: "public-read" }],
  ["another prefix", [["starts-with", "$key", "u/"]], { key: "v/u/" }],
  ["white space before the prefix", [["starts-with", "$key", "u/"]], { key: " \u00a0u/1" }],
  ["a field that is not there", [{ key: "a" }, ["starts-with", "$tag", "b"]], { key: "a" }],
  ["a field that nothing speaks of", [{ key: "a" }], { key: "a", acl: "public-read" }],
  ["values in other case", [{ key: "a" }], { key: "A" }],
  [
    "a list with one bad type",
    [["starts-with", "$content-type", "image/"]],
    { "content-type": "image/png,text/html" },
  ],
  [
    "one of two conditions",
    [
      ["starts-with", "$key", "a"],
      ["starts-with", "$key", "ab"],
    ],
    { key: "ac" },
  ],
])("%s is against the policy", (_what, conditions, fields) => {
  expect(judge(conditions, fields)).toThrow(
    expect.objectContaining({
      code: "AccessDenied",
      message: expect.stringMatching(
        /^Invalid according to Policy: (?:Policy Condition failed|Extra input fields): /,
      ),
    }),
  );
});

test("a policy is good until the moment that it names", () => {
  const check = (expiresAt: number) => () => {
    const policy = parse({ expiration: new Date(expiresAt).toISOString(), conditions: [] });
    checkPostPolicy(policy, new Map(), clock);
  };
  expect(check(clock.nowMs + 1)).not.toThrow();
  expect(check(clock.nowMs)).toThrow("Policy expired.");
});
