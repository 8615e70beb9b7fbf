// Keys that clients name (SSE-KMS): how they are given and named, that each opens what it has wrapped and nothing else.

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { DEFAULT_KMS_KEY, nameInKeyId } from "../../../src/store/encryption/kms-key-id.ts";
import { masterKeyOf, MasterKeys } from "../../../src/store/encryption/master-keys.ts";
import { parseNamedKeys } from "../../../src/store/encryption/named-keys.ts";

const ONE = randomBytes(32);
const TWO = randomBytes(32);
const NAME = { bucket: "bucket", key: "key" };

test("names, aliases and ARNs are ids of a key; other words are not", () => {
  for (const id of [
    "team/red",
    "alias/team/red",
    "arn:aws:kms:eu-west-1:123456789012:key/team/red",
    "arn:aws-cn:kms::account:alias/team/red",
  ]) {
    expect(nameInKeyId(id), id).toBe("team/red");
  }
  for (const id of ["", "alias/", "a b", "é", "../x", "arn:aws:iam::1:key/x", "x".repeat(129)]) {
    expect(nameInKeyId(id), id).toBeUndefined();
  }
});

test("keys are read from lines, with comments and several of a name", () => {
  const text = `# ours\nred=${ONE.toString("hex")} # the old one\nblue:${TWO.toString("base64")},red=${TWO.toString("base64url")}\n`;
  expect(parseNamedKeys(text)).toEqual([
    { name: "red", key: masterKeyOf(ONE) },
    { name: "blue", key: masterKeyOf(TWO) },
    { name: "red", key: masterKeyOf(TWO) },
  ]);
});

test.each([
  ["", "holds no key"],
  ["red", "entry 1"],
  [`=${"ab".repeat(32)}`, "entry 1"],
  ["red=short", "no good key for red"],
  [`red=${"00".repeat(32)}`, "anybody could guess"],
  [`arn:aws:kms:x:y:key/red=${"ab".repeat(32)}`, "no good key for arn"],
])("'%s' is refused, and no key is shown", (text, words) => {
  expect(() => parseNamedKeys(text)).toThrow(words);
  expect(() => parseNamedKeys(text)).not.toThrow(/short|00000|ababab/);
});

test("the newest of a name wraps, all of them open; a key of another name does not", async () => {
  const keys = new MasterKeys([masterKeyOf(randomBytes(32))]);
  keys.addNamed({ name: "red", key: masterKeyOf(ONE) });
  const dataKey = randomBytes(32);
  const old = await keys.wrap(dataKey, NAME, "alias/red");
  keys.addNamed({ name: "red", key: masterKeyOf(TWO) });
  const wrapped = await keys.wrap(dataKey, NAME, "red");
  expect(old.keyId).toBe(masterKeyOf(ONE).id);
  expect(wrapped.keyId).toBe(masterKeyOf(TWO).id);
  for (const each of [old, wrapped]) {
    expect(Buffer.from(await keys.unwrap(each, NAME))).toEqual(dataKey);
    const swapped = { ...each, keyId: keys.newest?.id ?? "" };
    await expect(keys.unwrap(swapped, NAME)).rejects.toMatchObject({ code: "InternalError" });
  }
  const managed = await keys.wrap(dataKey, NAME);
  expect(managed.keyId).toBe(keys.newest?.id);
});

test("a name that is not given is not found; where none are, there is no such encryption", async () => {
  const keys = new MasterKeys([masterKeyOf(ONE)]);
  await expect(keys.requireReady("red")).rejects.toMatchObject({ code: "NotImplemented" });
  keys.addNamed({ name: "blue", key: masterKeyOf(TWO) });
  for (const id of ["red", "alias/red", "", "blue/", "Blue"]) {
    const missing = { code: "KMS.NotFoundException", status: 400 };
    await expect(keys.requireReady(id), id).rejects.toMatchObject(missing);
    await expect(keys.wrap(ONE, NAME, id), id).rejects.toMatchObject(missing);
  }
  await keys.requireReady("blue");
  // Who named none is not told that the one he named is missing.
  await expect(keys.requireReady(DEFAULT_KMS_KEY)).rejects.toThrow(/No KMS key was named.*aws\/s3/);
  keys.addNamed({ name: DEFAULT_KMS_KEY, key: masterKeyOf(ONE) });
  await keys.requireReady(DEFAULT_KMS_KEY);
});

test("without a master key, keys with names work all the same", async () => {
  const keys = new MasterKeys([], () => "nobody has a copy of the master key");
  keys.addNamed({ name: "red", key: masterKeyOf(ONE) });
  await keys.requireReady("red");
  await expect(keys.requireReady()).rejects.toMatchObject({ code: "InvalidRequest" });
});
