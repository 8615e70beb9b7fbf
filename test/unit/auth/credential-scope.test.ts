// Scopes that are remembered: for whom they are good, and what they hold on to.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { parseCredential, type ServedScope } from "../../../src/auth/credential-scope.ts";

const MIB = 1024 * 1024;
const FAULT = { code: "AuthorizationHeaderMalformed", prefix: "malformed" } as const;
const S3: ServedScope = { region: "us-east-1" };

const parse = (value: string, served: ServedScope = S3) => parseCredential(value, served, FAULT);

test("a scope is good where it is served, whoever asked before", () => {
  const value = "KEY/with/slash/20261122/us-east-1/s3/aws4_request";
  const scope = {
    accessKey: "KEY/with/slash",
    date: "20261122",
    region: "us-east-1",
    service: "s3",
    text: "20261122/us-east-1/s3/aws4_request",
  };
  for (let round = 0; round < 2; round += 1) {
    expect(parse(value)).toEqual(scope);
    expect(parse(value, { region: undefined })).toEqual(scope);
    expect(() => parse(value, { region: "eu-west-1" })).toThrow("expecting 'eu-west-1'");
    expect(() => parse(value, { region: undefined, service: "admin" })).toThrow('"admin"');
  }
});

test("what is remembered holds on to nothing of the request that it came in", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  const beforeBytes = process.memoryUsage().heapUsed;
  for (let index = 0; index < 990; index += 1) {
    // As the parser gives it: one text, of which the query and its parameters are pieces.
    const target = Buffer.from(
      `/b/k?x=${"x".repeat(30_000)}&X-Amz-Credential=KEY${index}/20261122/us-east-1/s3/aws4_request`,
    ).toString("latin1");
    const pair = target.split("&")[1] ?? "";
    parse(pair.slice(pair.indexOf("=") + 1));
  }
  collect();
  expect(process.memoryUsage().heapUsed - beforeBytes).toBeLessThan(8 * MIB);
});
