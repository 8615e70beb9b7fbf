// KINTSUGI_USERS: what is taken, what is refused, and that no secret is repeated in a refusal.

import { expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { accountIdOf } from "../../../src/config/account-id.ts";
import { parseUsers } from "../../../src/config/user-settings.ts";

const ANN = { name: "ann", accessKey: "ann-key", secretKey: "ann-secret-1" };
const BOB = { name: "bob", accessKey: "bob-key", secretKey: "bob-secret-1" };

test("users keep what was given, and nothing else", () => {
  const full = { ...BOB, id: "bob-id", displayName: "Bob B.", email: "bob@example.com" };
  expect(parseUsers(JSON.stringify([ANN, full]))).toEqual([ANN, full]);
});

test("an account's default id is the SHA-256 of its name in hex", () => {
  expect(accountIdOf("ann")).toBe(
    "49915e0d7d4b402e3017d010bc1c0e83cac6c797d6c16e66340fe3268693a6a1",
  );
});

test.each([
  ["no JSON", "{secret", /must be a JSON list of users$/],
  ["no list", "{}", /must be a list/],
  ["no object", "[1]", /user 1 must be an object/],
  ["no name", JSON.stringify([{ accessKey: "abc", secretKey: "x" }]), /user 1 has no name/],
  [
    "a typo",
    JSON.stringify([ANN, { ...BOB, secretkey: "x" }]),
    /user 2 .*secretkey \(did you mean secretKey\?\)/,
  ],
  ["an empty name", JSON.stringify([{ ...ANN, name: "" }]), /name must be a text/],
  ["a control character", JSON.stringify([{ ...ANN, email: "a\nb" }]), /email must be a text/],
  ["a number", JSON.stringify([{ ...ANN, id: 7 }]), /id must be a text/],
  [
    "a slash in the key",
    JSON.stringify([{ ...ANN, accessKey: "a/b/c" }]),
    /accessKey must have 3 to 128/,
  ],
  [
    "a space in the secret",
    JSON.stringify([{ ...ANN, secretKey: "a b" }]),
    /secretKey must have 1 to/,
  ],
  ["a name twice", JSON.stringify([ANN, { ...BOB, name: "ann" }]), /two users have the name ann/],
  [
    "a key twice",
    JSON.stringify([ANN, { ...BOB, accessKey: "ann-key" }]),
    /two users have the accessKey/,
  ],
  [
    "an id twice",
    JSON.stringify([ANN, { ...BOB, id: accountIdOf("ann") }]),
    /bob has the id of the user ann/,
  ],
  [
    "nobody's id",
    JSON.stringify([{ ...ANN, id: "65a011a29cdf8ec533ec3d1ccaae921c" }]),
    /ann has the id of those who do not sign/,
  ],
  ["root's id", JSON.stringify([{ ...ANN, name: "root" }]), /root has the id of the root account/],
])("%s is refused in words without a secret", (_what, text, words) => {
  expect(() => parseUsers(text)).toThrow(words);
  expect(() => parseUsers(text)).not.toThrow(/secret-1/);
});

test("a user may not have the root account's access key", async () => {
  const env = {
    KINTSUGI_ACCESS_KEY: "ann-key",
    KINTSUGI_SECRET_KEY: "something",
    KINTSUGI_USERS: JSON.stringify([ANN]),
  };
  const reading = readConfig({ role: "server", args: [], env, mayCreate: false });
  await expect(reading).rejects.toThrow(/ann has the root account's access key/);
});
