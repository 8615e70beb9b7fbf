// Where master keys come from and when they are used: a kept key only once somebody has a copy of it; sealed where there is
// a secret to seal it with; given ones before kept ones.

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { openMemoryMetadata } from "../../../src/metadata/memory/open-memory-metadata.ts";
import type { MetadataStore } from "../../../src/metadata/metadata-store.ts";
import { masterKeyOf, parseMasterKeys } from "../../../src/store/encryption/master-keys.ts";
import {
  openMasterKeys,
  type MasterKeyring,
  type MasterKeyringOptions,
} from "../../../src/wiring/master-keyring.ts";

const NAME = { bucket: "bucket", key: "key" };
const SILENT = { hide: () => undefined, warn: () => undefined };

function openKeyring(
  metadata: MetadataStore,
  options: Partial<MasterKeyringOptions> = {},
): Promise<MasterKeyring> {
  return openMasterKeys(metadata, { logger: SILENT, secret: undefined, ...options });
}

test("without a key nothing is encrypted, and the refusal says what to run", async () => {
  const keyring = await openKeyring(openMemoryMetadata());
  expect(keyring.status()).toMatchObject({ id: undefined, origin: "none", isReady: false });
  await expect(keyring.keys.wrap(randomBytes(32), NAME)).rejects.toMatchObject({
    code: "InvalidRequest",
    message: expect.stringContaining("kintsugi key export") as string,
  });
});

test.each([undefined, "a secret of the configuration"])(
  "a kept key is used once somebody has a copy, and from then on at every start (secret: %s)",
  async (secret) => {
    const metadata = openMemoryMetadata();
    const first = await openKeyring(metadata, { secret });
    const { id, key } = await first.export();
    expect(await first.export()).toEqual({ id, key });
    await expect(first.keys.requireReady()).rejects.toMatchObject({ code: "InvalidRequest" });
    await expect(first.confirm("0000000000000000")).rejects.toMatchObject({ status: 400 });
    await first.confirm(id);
    const dataKey = randomBytes(32);
    const wrapped = await first.keys.wrap(dataKey, NAME);

    const second = await openKeyring(metadata, { secret });
    const isBare = secret === undefined;
    expect(second.status()).toMatchObject({ id, origin: "kept", isReady: true, isBare });
    expect(second.remarks()).toHaveLength(isBare ? 1 : 0);
    expect(Buffer.from(await second.keys.unwrap(wrapped, NAME))).toEqual(dataKey);
    const stored = (await metadata.findSetting("encryption.masterKey")) ?? "";
    const bare = Buffer.from(key, "hex").toString("base64");
    expect(stored.includes(bare)).toBe(secret === undefined);
    expect(stored).not.toContain(key);
  },
);

test("a kept key that is sealed with another secret is asked for; the exported file brings it back", async () => {
  const metadata = openMemoryMetadata();
  const first = await openKeyring(metadata, { secret: "the former" });
  const { id, key } = await first.export();
  await first.confirm(id);
  const wrapped = await first.keys.wrap(randomBytes(32), NAME);

  const second = await openKeyring(metadata, { secret: "another" });
  expect(second.status()).toMatchObject({ id, origin: "kept", isReady: false });
  expect(second.status().obstacle).toContain("--master-key-file");
  expect(second.remarks()).toEqual([second.status().obstacle]);
  await expect(second.keys.unwrap(wrapped, NAME)).rejects.toMatchObject({
    code: "ServiceUnavailable",
  });
  await expect(second.export()).rejects.toMatchObject({ status: 409 });

  const masterKeys = parseMasterKeys(`# Kintsugi master key ${id}\n${key}\n`);
  const third = await openKeyring(metadata, { secret: "another", masterKeys });
  expect(third.status()).toMatchObject({ id, origin: "given", isReady: true });
  await expect(third.keys.unwrap(wrapped, NAME)).resolves.toBeDefined();
});

test("given keys: the last one wraps, all of them open, and none is exported", async () => {
  const metadata = openMemoryMetadata();
  const [one, two] = [masterKeyOf(randomBytes(32)), masterKeyOf(randomBytes(32))];
  const before = await openKeyring(metadata, { masterKeys: [one] });
  const wrapped = await before.keys.wrap(randomBytes(32), NAME);
  const after = await openKeyring(metadata, { masterKeys: [one, two] });
  expect(wrapped.keyId).toBe(one.id);
  expect((await after.keys.wrap(randomBytes(32), NAME)).keyId).toBe(two.id);
  await expect(after.keys.unwrap(wrapped, NAME)).resolves.toBeDefined();
  await expect(after.export()).rejects.toMatchObject({ status: 409 });
  await expect(after.confirm(two.id)).rejects.toMatchObject({ status: 400 });
});

test("what a kept key has wrapped stays readable when keys are given", async () => {
  const metadata = openMemoryMetadata();
  const first = await openKeyring(metadata);
  await first.confirm((await first.export()).id);
  const wrapped = await first.keys.wrap(randomBytes(32), NAME);
  const second = await openKeyring(metadata, { masterKeys: [masterKeyOf(randomBytes(32))] });
  await expect(second.keys.unwrap(wrapped, NAME)).resolves.toBeDefined();
});

test("a server whose folder is temporary has a key of its own, and keeps none", async () => {
  const metadata = openMemoryMetadata();
  const keyring = await openKeyring(metadata, { isThrowaway: true });
  expect(keyring.status()).toMatchObject({ origin: "throwaway", isReady: true });
  expect(await metadata.findSetting("encryption.masterKey")).toBeUndefined();
});

test("keys are given in hex or Base64, one a line; what is none is refused without showing it", () => {
  const [one, two] = [randomBytes(32), randomBytes(32)];
  const text = `# two keys\n${one.toString("hex")}  # the old one\n\n${two.toString("base64")}\n`;
  expect(parseMasterKeys(text)).toEqual([masterKeyOf(one), masterKeyOf(two)]);
  expect(
    parseMasterKeys(`${two.toString("base64url")}, ${one.toString("hex").toUpperCase()}`),
  ).toEqual([masterKeyOf(two), masterKeyOf(one)]);
  expect(() => parseMasterKeys("# nothing\n")).toThrow("holds no key");
  expect(() => parseMasterKeys("0".repeat(64))).toThrow("anybody could guess");
  const odd = `${one.toString("hex")}ff`;
  expect(() => parseMasterKeys(odd)).toThrow("must be 32 bytes");
  expect(() => parseMasterKeys(odd)).not.toThrow(odd);
});
