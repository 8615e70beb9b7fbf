// Headers that ask for what is not there are refused by name; those that ask for nothing more are not.

import { expect, test } from "vitest";
import { refuseHeaders } from "../../../src/api/refused-headers.ts";

type Kind = Parameters<typeof refuseHeaders>[1];

const refuse = (kind: Kind, name: string, value: string) => () =>
  refuseHeaders(new Map([[name, value]]), kind);

test.each([
  ["x-amz-server-side-encryption-bucket-key-enabled", "true", "NotImplemented"],
  ["x-amz-write-offset-bytes", "0", "NotImplemented"],
  ["x-amz-object-lock-event-hold", "ON", "NotImplemented"],
  ["x-amz-object-lock-event-hold-duration-days", "1", "NotImplemented"],
])("a write with %s: %s is refused", (name, value, code) => {
  expect(refuse("write", name, value)).toThrow(expect.objectContaining({ code }));
});

test.each([
  ["x-amz-server-side-encryption", "AES256"],
  ["x-amz-meta-acl", "public-read"],
  ["content-type", "text/plain"],
])("a write with %s: %s is taken", (name, value) => {
  expect(refuse("write", name, value)).not.toThrow();
});

test.each(["part", "read"] as const)("a %s with the encryption of an object is refused", (kind) => {
  const name = "x-amz-server-side-encryption";
  expect(refuse(kind, name, "AES256")).toThrow(
    expect.objectContaining({ code: "InvalidArgument" }),
  );
  expect(refuse(kind, "if-match", "x")).not.toThrow();
});

test("a delete of an object takes the conditions that S3 has for it, and no other", () => {
  const none = refuse("delete-object", "if-none-match", "*");
  expect(none).toThrow(expect.objectContaining({ code: "NotImplemented" }));
  for (const name of ["if-match", "x-amz-if-match-size", "x-amz-if-match-last-modified-time"]) {
    expect(refuse("delete-object", name, "1")).not.toThrow();
  }
});

test("any other delete with a condition is refused", () => {
  for (const name of ["if-match", "x-amz-if-match-size", "x-amz-if-match-last-modified-time"]) {
    expect(refuse("delete", name, "1")).toThrow(
      expect.objectContaining({ code: "NotImplemented" }),
    );
  }
});
