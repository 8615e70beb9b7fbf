// SHA-256 and HMAC of the web page against Node's own, and its signature against the one that the tests sign with.

import { createHash, createHmac, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { bytesOf, hexOf, hmacSha256, sha256 } from "../../../src/console/sha256.ts";
import { signInHeaders } from "../../../src/console/sign-in-request.ts";
import { signRequest } from "../../../src/cli/sign-request.ts";

test("SHA-256 is Node's, for every length around the end of a block", () => {
  for (let length = 0; length <= 200; length += 1) {
    const message = randomBytes(length);
    const wanted = createHash("sha256").update(message).digest("hex");
    expect([message.toString("hex"), hexOf(sha256(message))]).toEqual([
      message.toString("hex"),
      wanted,
    ]);
  }
});

test("HMAC is Node's, for keys shorter and longer than a block", () => {
  for (const key of ["", "k", "k".repeat(64), "k".repeat(65), "é".repeat(100)]) {
    const wanted = createHmac("sha256", key).update("message").digest("hex");
    expect(hexOf(hmacSha256(bytesOf(key), "message"))).toBe(wanted);
  }
});

test("it signs as the command does", () => {
  const key = { accessKey: "root", secretKey: "a secret / with = signs" };
  const [host, now] = ["127.0.0.1:9001", Date.UTC(2026, 10, 22, 6, 0, 1)];
  const theirs = signRequest(key, { method: "POST", host, path: "/v1/session", body: "", now });
  const nonce = theirs["x-amz-client-nonce"] ?? "";
  const { host: _host, ...wanted } = theirs;
  expect(signInHeaders({ ...key, host, now, nonce })).toEqual(wanted);
});
