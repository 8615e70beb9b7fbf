// The meaning of "public", by the examples and the list of AWS's documentation.

import { expect, test } from "vitest";
import { parsePolicy } from "../../../src/policy/bucket-policy.ts";
import { isPublic } from "../../../src/policy/is-public.ts";

const statement = (changes: object) => ({
  Effect: "Allow",
  Principal: "*",
  Action: "s3:*",
  Resource: ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"],
  ...changes,
});
const isPublicWith = (...statements: object[]) =>
  isPublic(
    parsePolicy(JSON.stringify({ Version: "2012-10-17", Statement: statements }), {
      bucketName: "bucket",
    }),
  );
const ACCESS_POINTS = "arn:aws:s3:us-west-2:123456789012:accesspoint";

test.each<[string, object, boolean]>([
  ["everybody", {}, true],
  ["everybody by kind", { Principal: { AWS: "*" } }, true],
  ["everybody among others", { Principal: { AWS: ["111111111111", "*"] } }, true],
  ["an account", { Principal: { AWS: "111111111111" } }, false],
  ["a service", { Principal: { Service: "logging.s3.amazonaws.com" } }, false],
  ["a canonical user", { Principal: { CanonicalUser: "a".repeat(64) } }, false],
  ["a denial for everybody", { Effect: "Deny" }, false],
])("%s", (_, changes, wanted) => {
  expect(isPublicWith(statement(changes))).toBe(wanted);
});

test.each<[string, string, string | string[], boolean]>([
  ["IpAddress", "aws:SourceIp", "10.0.0.0/32", false],
  ["IpAddress", "aws:SourceIp", ["192.0.2.0/24", "10.0.0.0/8"], false],
  ["IpAddress", "aws:SourceIp", "0.0.0.0/0", true],
  ["IpAddress", "aws:SourceIp", "0.0.0.0/1", true],
  ["IpAddress", "aws:SourceIp", "8.0.0.0/7", true],
  ["IpAddress", "aws:SourceIp", ["192.0.2.0/24", "0.0.0.0/1"], true],
  ["IpAddress", "aws:SourceIp", "2001:db8::/32", false],
  ["IpAddress", "aws:SourceIp", "2001:c00::/31", true],
  ["IpAddressIfExists", "aws:SourceIp", "10.0.0.0/32", true],
  ["NotIpAddress", "aws:SourceIp", "10.0.0.0/32", true],
  ["StringEquals", "aws:SourceVpc", "vpc-91237329", false],
  ["StringLike", "aws:SourceVpc", "vpc-*", true],
  ["StringLike", "aws:SourceVpc", "vpc-91237329", false],
  ["StringLike", "aws:SourceVpc", ["vpc-91237329", "vpc-*"], true],
  ["StringEquals", "aws:SourceVpc", "${aws:PrincipalTag/vpc}", true],
  ["StringNotEquals", "aws:SourceVpc", "vpc-91237329", true],
  ["ForAllValues:StringEquals", "aws:SourceVpc", "vpc-91237329", true],
  ["ForAnyValue:StringEquals", "aws:SourceVpc", "vpc-91237329", false],
  ["StringEquals", "aws:SourceVpce", "vpce-1", false],
  ["StringEquals", "aws:PrincipalOrgID", "o-1234567890", false],
  ["StringEquals", "aws:SourceAccount", "111111111111", false],
  ["StringEquals", "aws:SourceOwner", "111111111111", false],
  ["ArnEquals", "aws:SourceArn", "arn:aws:sns:eu-west-1:111111111111:topic", false],
  ["ArnLike", "aws:SourceArn", "arn:aws:sns:*:*:topic", true],
  ["StringEquals", "aws:userid", "AIDAEXAMPLE", false],
  ["StringLike", "aws:userid", "AROAEXAMPLE:*", true],
  ["StringEquals", "s3:DataAccessPointAccount", "123456789012", false],
  ["StringLike", "s3:DataAccessPointArn", `${ACCESS_POINTS}/*`, false],
  ["ArnLike", "s3:DataAccessPointArn", "arn:aws:s3:us-west-2:*:accesspoint/*", true],
  ["Bool", "aws:SecureTransport", "true", true],
  ["StringLike", "aws:Referer", "https://example.com/*", true],
  ["StringEquals", "aws:UserAgent", "secret", true],
  ["Null", "aws:SourceVpc", "false", true],
])("everybody with %s %s %j: %s", (operator, key, values, wanted) => {
  expect(isPublicWith(statement({ Condition: { [operator]: { [key]: values } } }))).toBe(wanted);
});

test("one public statement makes the policy public, whatever is denied", () => {
  const confined = statement({ Condition: { StringEquals: { "aws:SourceVpc": "vpc-1" } } });
  expect(isPublicWith(confined, statement({}))).toBe(true);
  expect(isPublicWith(confined, statement({ Effect: "Deny" }))).toBe(false);
  expect(isPublicWith(statement({ Effect: "Deny" }), statement({}))).toBe(true);
});

test("one confining line is enough among others", () => {
  const condition = { StringLike: { "aws:Referer": "*", "aws:SourceVpce": "vpce-1" } };
  expect(isPublicWith(statement({ Condition: condition }))).toBe(false);
});
