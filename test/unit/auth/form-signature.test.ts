// Signatures of forms: AWS's published example, Signature V2 written down a second time, and what is refused.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html

import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { authenticateForm } from "../../../src/auth/form-signature.ts";
import { createCredentialSource } from "../../../src/auth/credentials.ts";
import { HandClock, OWNER } from "../../support/store-lab.ts";

const accessKey = "AKIAIOSFODNN7EXAMPLE";
const secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

const settings = {
  credentials: createCredentialSource([{ accessKey, secretKey, account: OWNER }]),
  clock: new HandClock(),
  region: "us-east-1",
  publicHosts: [],
  sigv2: true,
};

const EXAMPLE_LINES = [
  '{ "expiration": "2015-12-30T12:00:00.000Z",',
  '  "conditions": [',
  '    {"bucket": "sigv4examplebucket"},',
  '    ["starts-with", "$key", "user/user1/"],',
  '    {"acl": "public-read"},',
  '    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},',
  '    ["starts-with", "$Content-Type", "image/"],',
  '    {"x-amz-meta-uuid": "14365123651274"},',
  '    {"x-amz-server-side-encryption": "AES256"},',
  '    ["starts-with", "$x-amz-meta-tag", ""],',
  "",
  '    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},',
  '    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},',
  '    {"x-amz-date": "20151229T000000Z" }',
  "  ]",
  "}",
];
const POLICY = Buffer.from(EXAMPLE_LINES.join("\r\n")).toString("base64");

const V4 = {
  policy: POLICY,
  "x-amz-algorithm": "AWS4-HMAC-SHA256",
  "x-amz-credential": `${accessKey}/20151229/us-east-1/s3/aws4_request`,
  "x-amz-date": "20151229T000000Z",
  "x-amz-signature": "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e",
};
const V2 = {
  policy: POLICY,
  awsaccesskeyid: accessKey,
  signature: createHmac("sha1", secretKey).update(POLICY).digest("base64"),
};

type Fields = Readonly<Record<string, string>>;
const check = (fields: Fields, changed: object = {}) =>
  authenticateForm(new Map(Object.entries(fields)), { ...settings, ...changed });
const without = (fields: Fields, name: string) =>
  Object.fromEntries(Object.entries(fields).filter(([field]) => field !== name));

test("AWS's example of Signature V4", () => {
  expect(check(V4)).toMatchObject({
    account: OWNER,
    accessKey,
    method: "form",
    version: "AWS4-HMAC-SHA256",
    signedAt: Date.parse("2015-12-29T00:00:00Z"),
  });
});

test("Signature V2", () => {
  expect(check(V2)).toMatchObject({ account: OWNER, method: "form", version: "AWS" });
  expect(() => check(V2, { sigv2: false })).toThrow(
    expect.objectContaining({ code: "InvalidRequest" }),
  );
});

test("a form without any of it is nobody's", () => {
  expect(check({ key: "a" })).toMatchObject({ method: "anonymous", accessKey: "" });
});

const REFUSED: readonly (readonly [string, Fields, string])[] = [
  ...Object.keys(V4).map((name): readonly [string, Fields, string] => [
    `V4 without ${name}`,
    without(V4, name),
    "InvalidArgument",
  ]),
  ...Object.keys(V2).map((name): readonly [string, Fields, string] => [
    `V2 without ${name}`,
    without(V2, name),
    "InvalidArgument",
  ]),
  ["a policy alone", { policy: POLICY }, "InvalidArgument"],
  ["both versions", { ...V2, ...V4 }, "InvalidArgument"],
  ["another algorithm", { ...V4, "x-amz-algorithm": "AWS4" }, "InvalidArgument"],
  ["another day", { ...V4, "x-amz-date": "20151230T000000Z" }, "InvalidArgument"],
  [
    "another region",
    { ...V4, "x-amz-credential": `${accessKey}/20151229/eu-west-1/s3/aws4_request` },
    "InvalidArgument",
  ],
  [
    "an unknown key",
    { ...V4, "x-amz-credential": "nobody/20151229/us-east-1/s3/aws4_request" },
    "InvalidAccessKeyId",
  ],
  ["an unknown key of V2", { ...V2, awsaccesskeyid: "nobody" }, "InvalidAccessKeyId"],
  ["another policy", { ...V4, policy: `${POLICY}=` }, "SignatureDoesNotMatch"],
  ["another signature", { ...V4, "x-amz-signature": "0".repeat(64) }, "SignatureDoesNotMatch"],
  ["another signature of V2", { ...V2, signature: "x" }, "SignatureDoesNotMatch"],
  ["a token", { ...V4, "x-amz-security-token": "t" }, "InvalidToken"],
];

test.each(REFUSED)("%s is refused", (_what, fields, code) => {
  expect(() => check(fields)).toThrow(expect.objectContaining({ code }));
});
