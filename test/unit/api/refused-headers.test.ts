// Headers that ask for what is not there are refused by name; those that ask for nothing more are not.

import { expect, test } from "vitest";
import { refuseHeaders } from "../../../src/api/refused-headers.ts";

const refuse = (kind: "delete" | "read" | "write", name: string, value: string) => () =>
  refuseHeaders(new Map([[name, value]]), kind);

test.each([
  ["x-amz-server-side-encryption", "AES256", "NotImplemented"],
  ["x-amz-server-side-encryption", "aws:kms", "NotImplemented"],
  ["x-amz-server-side-encryption-customer-algorithm", "AES256", "NotImplemented"],
  ["x-amz-server-side-encryption-aws-kms-key-id", "key", "NotImplemented"],
  ["x-amz-copy-source-server-side-encryption-customer-key", "key", "NotImplemented"],
  ["x-amz-object-lock-mode", "GOVERNANCE", "InvalidRequest"],
  ["x-amz-object-lock-legal-hold", "ON", "InvalidRequest"],
  ["x-amz-acl", "public-read", "NotImplemented"],
  ["x-amz-acl", "no-such-acl", "InvalidArgument"],
  ["x-amz-grant-read", "id=1", "NotImplemented"],
  ["x-amz-write-offset-bytes", "0", "NotImplemented"],
])("a write with %s: %s is refused", (name, value, code) => {
  expect(refuse("write", name, value)).toThrow(expect.objectContaining({ code }));
});

test.each([
  ["x-amz-server-side-encryption", "none"],
  ["x-amz-acl", "private"],
  ["x-amz-acl", "bucket-owner-full-control"],
  ["x-amz-meta-acl", "public-read"],
  ["content-type", "text/plain"],
])("a write with %s: %s is taken", (name, value) => {
  expect(refuse("write", name, value)).not.toThrow();
});

test("a read with a customer's key is refused", () => {
  const key = "x-amz-server-side-encryption-customer-key";
  expect(refuse("read", key, "k")).toThrow(expect.objectContaining({ code: "InvalidRequest" }));
  expect(refuse("read", "if-match", "x")).not.toThrow();
});

test("a delete with a condition is refused", () => {
  for (const name of ["if-match", "x-amz-if-match-size", "x-amz-if-match-last-modified-time"]) {
    expect(refuse("delete", name, "1")).toThrow(
      expect.objectContaining({ code: "NotImplemented" }),
    );
  }
});
