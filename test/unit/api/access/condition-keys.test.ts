// The condition keys of policies are filled in from what the server knows of a request.

import { expect, test } from "vitest";
import { conditionValues } from "../../../../src/api/access/condition-keys.ts";
import type { ConditionParts, RequestFacts } from "../../../../src/api/access/condition-keys.ts";
import type { Authentication } from "../../../../src/auth/authenticate.ts";
import { accountNumberOf, ANONYMOUS_ACCOUNT } from "../../../../src/core/account.ts";
import type { AccountId } from "../../../../src/core/ids.ts";
import type { BucketView } from "../../../../src/store/bucket-view.ts";
import { givenRequest } from "../../auth/given-request.ts";

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);
const account = { id: "ann-id" as AccountId, name: "ann", displayName: "Ann", email: undefined };
const number = accountNumberOf(account.id);
const signed: Authentication = {
  account,
  accessKey: "KEY",
  method: "presigned",
  version: "AWS4-HMAC-SHA256",
  signedAt: NOW - 5_000,
  payload: { kind: "unsigned" },
};

function valuesOf(
  target: string,
  headers: Readonly<Record<string, string>> = {},
  more: Partial<ConditionParts & RequestFacts> = {},
) {
  const { authentication = signed, request = givenRequest("GET", target, headers), ...rest } = more;
  const ask = conditionValues({
    facts: {
      authentication,
      request,
      connection: { isSecure: true, tlsVersion: "TLSv1.3", remoteAddress: "::ffff:192.0.2.7" },
      region: "eu-central-1",
    },
    now: NOW,
    bucket: { ownerId: "owner-id" } as BucketView,
    action: "s3:ListBucket",
    versionId: undefined,
    existingTags: undefined,
    ...rest,
  });
  return (key: string) => ask(key)?.join("|");
}

test.each([
  ["aws:currenttime", "2026-11-21T12:00:00.000Z"],
  ["aws:epochtime", String(NOW / 1000)],
  ["aws:principalaccount", number],
  ["aws:principalarn", `arn:aws:iam::${number}:user/ann`],
  ["aws:principaltype", "User"],
  ["aws:requestedregion", "eu-central-1"],
  ["aws:resourceaccount", accountNumberOf("owner-id" as AccountId)],
  ["aws:securetransport", "true"],
  ["aws:sourceip", "192.0.2.7"],
  ["aws:useragent", "curl/8"],
  ["aws:userid", "ann-id"],
  ["aws:username", "ann"],
  ["s3:authtype", "REST-QUERY-STRING"],
  ["s3:delimiter", "/"],
  ["s3:max-keys", "7"],
  ["s3:prefix", "a b"],
  ["s3:signatureage", "5000"],
  ["s3:signatureversion", "AWS4-HMAC-SHA256"],
  ["s3:tlsversion", "1.3"],
  ["s3:x-amz-acl", "private"],
  ["s3:x-amz-content-sha256", undefined],
  ["aws:sourcevpc", undefined],
  ["aws:referer", undefined],
  ["__proto__", undefined],
])("%s is %s", (key, value) => {
  const headers = { "user-agent": "curl/8", "x-amz-acl": "private" };
  expect(valuesOf("/b?prefix=a+b&delimiter=%2F&max-keys=7", headers)(key)).toBe(value);
});

test("nobody has no name and no account", () => {
  const authentication: Authentication = {
    ...signed,
    account: ANONYMOUS_ACCOUNT,
    method: "anonymous",
    version: undefined,
    signedAt: undefined,
  };
  const ask = valuesOf("/b", {}, { authentication });
  for (const key of ["aws:principalarn", "aws:username", "aws:principalaccount", "s3:authtype"]) {
    expect(ask(key)).toBeUndefined();
  }
  expect([ask("aws:principaltype"), ask("aws:userid")]).toEqual(["Anonymous", "anonymous"]);
});

const source = (text: string) =>
  valuesOf("/b/k", { "x-amz-copy-source": text })("s3:x-amz-copy-source");

test("parameters of a listing say nothing of another operation", () => {
  const ask = valuesOf("/b/k?prefix=x&max-keys=1", {}, { action: "s3:GetObject" });
  expect([ask("s3:prefix"), ask("s3:max-keys")]).toEqual([undefined, undefined]);
});

test("tags come from the object, from the header, or from the body", () => {
  const existingTags = [{ key: "Level", value: "open" }];
  const ask = valuesOf("/b/k", { "x-amz-tagging": "team=red&Plan=9" }, { existingTags });
  expect(ask("s3:existingobjecttag/level")).toBe("open");
  expect(ask("s3:requestobjecttag/team")).toBe("red");
  expect(ask("s3:requestobjecttagkeys")).toBe("team|Plan");
  const requestTags = [{ key: "team", value: "blue" }];
  const body = valuesOf("/b/k", { "x-amz-tagging": "team=red" }, { requestTags });
  expect(body("s3:requestobjecttag/team")).toBe("blue");
  expect(valuesOf("/b/k", { "x-amz-tagging": "%%%=&=" })("s3:requestobjecttag/team")).toBe(
    undefined,
  );
});

test("a copy's source is told decoded, without its version", () => {
  expect(source("/src/a%20b?versionId=x")).toBe("src/a b");
  expect(source("src/a/b")).toBe("src/a/b");
  expect(source("no-slash")).toBe("no-slash");
});

test("a lock comes from the headers, or from the body", () => {
  const headers = {
    "x-amz-object-lock-mode": "COMPLIANCE",
    "x-amz-object-lock-retain-until-date": "2026-11-23T00:00:00Z",
    "x-amz-object-lock-legal-hold": "OFF",
  };
  const told = (more: Partial<ConditionParts> = {}) => {
    const ask = valuesOf("/b/k", headers, more);
    const keys = ["mode", "remaining-retention-days", "retain-until-date", "legal-hold"];
    return keys.map((key) => ask(`s3:object-lock-${key}`));
  };
  expect(told()).toEqual(["COMPLIANCE", "2", "2026-11-23T00:00:00Z", "OFF"]);
  const retention = { mode: "GOVERNANCE", until: NOW + 36 * 3_600_000 } as const;
  const requestLock = { retention, legalHold: true };
  expect(told({ requestLock })).toEqual(["GOVERNANCE", "2", "2026-11-23T00:00:00.000Z", "ON"]);
  const nothing = { retention: undefined, legalHold: undefined };
  expect(told({ requestLock: nothing })).toEqual([undefined, undefined, undefined, undefined]);
});

test.each([
  ["PUT", "/b/k", "true"],
  ["POST", "/b/k?uploadId=u", "true"],
  ["POST", "/b/k?uploads", "false"],
  ["PUT", "/b/k?partNumber=1&uploadId=u", "false"],
])("%s %s makes an object: %s", (method, target, makes) => {
  const facts = { request: givenRequest(method, target, {}) };
  const action = "s3:PutObject" as const;
  expect(valuesOf(target, {}, { action, ...facts })("s3:objectcreationoperation")).toBe(makes);
  expect(valuesOf(target, {}, facts)("s3:objectcreationoperation")).toBeUndefined();
});

test("conditional requests say so", () => {
  const ask = valuesOf("/b/k", { "if-none-match": "*" });
  expect([ask("s3:if-none-match"), ask("s3:if-match")]).toEqual(["*", undefined]);
});
