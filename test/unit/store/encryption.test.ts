// Encrypted objects in the store: what lies on the drives and in the metadata is not what came; what comes back is; the
// wrong key gets nothing; and everything that moves or checks bytes does so without a key.

import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { ObjectRecord } from "../../../src/metadata/records.ts";
import type {
  CustomerKey,
  EncryptionRequest,
} from "../../../src/store/encryption/encryption-request.ts";
import { sealModeOf } from "../../../src/store/encryption/encryption-text.ts";
import { masterKeyOf, MasterKeys } from "../../../src/store/encryption/master-keys.ts";
import { CHUNK_BYTES } from "../../../src/store/encryption/sealed-layout.ts";
import { storedBytesOf } from "../../../src/store/encryption/stored-bytes.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { deleteKeys } from "../../support/delete-keys.ts";
import {
  bodyOf,
  bytesOf,
  collect,
  givenStore,
  OWNER,
  type LabOptions,
  type StoreLab,
} from "../../support/store-lab.ts";

const MANAGED: EncryptionRequest = { kind: "managed" };
/** Inline, in a pack, in a set of its own; at the edges of chunks; none at all. */
const SIZES = [
  0,
  1,
  5_000,
  20_000,
  CHUNK_BYTES - 1,
  CHUNK_BYTES,
  CHUNK_BYTES + 1,
  300_000,
  3_000_001,
];

function customerKey(seed = 1): CustomerKey {
  const bytes = Buffer.alloc(32, `key ${seed} `);
  return { bytes, md5: createHash("md5").update(bytes).digest("base64") };
}

function withCustomer(key: CustomerKey): EncryptionRequest {
  return { kind: "customer", key };
}

function givenLab(options: LabOptions = {}): Promise<StoreLab> {
  const keys = new MasterKeys([masterKeyOf(randomBytes(32))]);
  for (const name of ["red", "blue"]) keys.addNamed({ name, key: masterKeyOf(randomBytes(32)) });
  return givenStore({ keys, limits: { packBytesMax: 1024 * 1024 }, ...options });
}

function putSealed(
  { store, target }: StoreLab,
  key: string,
  { bytes, encryption }: { readonly bytes: Uint8Array; readonly encryption: EncryptionRequest },
): Promise<ObjectRecord> {
  return store.putObject(target(key, { encryption }), bodyOf(bytes));
}

async function getSealed(
  { store, bucket }: StoreLab,
  key: string,
  { start = 0, end, customer }: { start?: number; end?: number; customer?: CustomerKey } = {},
): Promise<Buffer> {
  const reading = await store.openObject(bucket, key);
  if (reading === undefined) throw new Error(`no object ${key}`);
  try {
    await reading.unlock(customer);
    return await collect(reading.read(start, end ?? reading.object.sizeBytes));
  } finally {
    reading.close();
  }
}

async function findingCount({ store }: StoreLab): Promise<number> {
  const { findings } = await store.verifyObjects({ bucket: undefined, prefix: undefined });
  return Object.values(findings).reduce((sum, count) => sum + count, 0);
}

test.each(SIZES)("%i bytes come back as they were, with each kind of key", async (size) => {
  const lab = await givenLab();
  const bytes = bytesOf(size, size);
  const customer = customerKey();

  const managed = await putSealed(lab, "managed", { bytes, encryption: MANAGED });
  const own = await putSealed(lab, "own", { bytes, encryption: withCustomer(customer) });
  const named = await putSealed(lab, "named", { bytes, encryption: { kind: "kms", keyId: "red" } });

  expect((await getSealed(lab, "managed")).equals(bytes)).toBe(true);
  expect((await getSealed(lab, "own", { customer })).equals(bytes)).toBe(true);
  expect((await getSealed(lab, "named")).equals(bytes)).toBe(true);
  expect([managed.sizeBytes, own.sizeBytes]).toEqual([size, size]);
  const md5 = createHash("md5").update(bytes).digest("hex");
  expect(managed.etag).toBe(md5);
  expect([own.etag, named.etag]).not.toContain(md5);
  expect([managed, own, named].map(({ encryption }) => sealModeOf(encryption))).toEqual([
    "SSE-S3",
    "SSE-C",
    "SSE-KMS",
  ]);
});

test("ranges are those of the object, wherever chunks begin and end", async () => {
  const lab = await givenLab();
  const random = seededRandom(11);
  for (const size of [10_000, 200_000, 2_500_000]) {
    const bytes = bytesOf(size, size);
    await putSealed(lab, `of ${size}`, { bytes, encryption: MANAGED });
    for (let turn = 0; turn < 40; turn += 1) {
      const start = random.below(size);
      const end =
        start + 1 + random.below(turn % 2 === 0 ? size - start : Math.min(size - start, 10));
      const part = await getSealed(lab, `of ${size}`, { start, end });
      expect(part.equals(bytes.subarray(start, end)), `${start} to ${end} of ${size}`).toBe(true);
    }
  }
});

test("neither the drives nor the metadata hold what came", async () => {
  const lab = await givenLab();
  const mark = Buffer.from("the words that nobody else may read ".repeat(200));
  const placed = new Set<string>();
  for (const size of [7_000, 100_000, 2_000_000]) {
    const bytes = Buffer.alloc(size, mark);
    const { content } = await putSealed(lab, `of ${size}`, { bytes, encryption: MANAGED });
    placed.add(content.kind);
    if (content.kind !== "inline") continue;
    const stored = Buffer.from((await lab.metadata.readInline(content.dataId)) ?? []);
    expect(stored.includes("nobody")).toBe(false);
  }
  expect([...placed].toSorted()).toEqual(["inline", "packed", "set"]);
  let filesRead = 0;
  for (const disk of lab.disks) {
    for (const { name } of await disk.list("shards")) {
      for (const { name: file } of await disk.list(`shards/${name}`)) {
        const path = `shards/${name}/${file}`;
        expect(Buffer.from(await disk.readFile(path)).includes("nobody"), path).toBe(false);
        filesRead += 1;
      }
    }
  }
  expect(filesRead).toBeGreaterThan(10);
});

test("the same bytes twice are stored as different bytes", async () => {
  const lab = await givenLab();
  const bytes = bytesOf(50_000, 1);
  const one = await putSealed(lab, "one", { bytes, encryption: MANAGED });
  const two = await putSealed(lab, "two", { bytes, encryption: MANAGED });
  expect(storedBytesOf(one).etag).not.toBe(storedBytesOf(two).etag);
});

test("a missing, another or a needless key is refused before a byte is read", async () => {
  const lab = await givenLab();
  const bytes = bytesOf(1_000, 1);
  await putSealed(lab, "own", { bytes, encryption: withCustomer(customerKey(1)) });
  await putSealed(lab, "managed", { bytes, encryption: MANAGED });
  await lab.put("plain", bytes);

  await expect(getSealed(lab, "own")).rejects.toMatchObject({ code: "InvalidRequest" });
  await expect(getSealed(lab, "own", { customer: customerKey(2) })).rejects.toMatchObject({
    code: "AccessDenied",
  });
  for (const key of ["managed", "plain"]) {
    await expect(getSealed(lab, key, { customer: customerKey(1) })).rejects.toMatchObject({
      code: "InvalidRequest",
    });
  }
});

test("a reading that nobody has unlocked gives no bytes", async () => {
  const lab = await givenLab();
  for (const size of [1_000, 100_000]) {
    await putSealed(lab, "managed", { bytes: bytesOf(size, 1), encryption: MANAGED });
    const reading = await lab.store.openObject(lab.bucket, "managed");
    if (reading === undefined) throw new Error("no object");
    expect(() => reading.read(0, size)).toThrow(expect.objectContaining({ code: "InternalError" }));
    reading.close();
  }
});

test("a key that wraps no more opens what it has wrapped; one that is not there is asked for by name", async () => {
  const [first, second] = [masterKeyOf(randomBytes(32)), masterKeyOf(randomBytes(32))];
  const keys = new MasterKeys([first]);
  const lab = await givenLab({ keys });
  const bytes = bytesOf(1_000, 1);
  const old = await putSealed(lab, "old", { bytes, encryption: MANAGED });
  keys.add(second);
  const young = await putSealed(lab, "young", { bytes, encryption: MANAGED });

  expect(old.encryption).toContain(first.id);
  expect(young.encryption).toContain(second.id);
  expect(await getSealed(lab, "old")).toEqual(bytes);
  const wrapped = { keyId: "0123456789abcdef", wrapped: randomBytes(64) };
  await expect(keys.unwrap(wrapped, { bucket: "b", key: "k" })).rejects.toMatchObject({
    code: "ServiceUnavailable",
    message: expect.stringContaining("0123456789abcdef") as string,
  });
});

test("a row under another name opens nothing", async () => {
  const lab = await givenLab();
  const { encryption } = await putSealed(lab, "one", {
    bytes: bytesOf(100, 1),
    encryption: withCustomer(customerKey()),
  });
  const other = {
    ...(await putSealed(lab, "two", { bytes: bytesOf(100, 2), encryption: MANAGED })),
    encryption,
  };
  expect(() => lab.store.checkCustomerKey(lab.bucket, other, customerKey())).toThrow(
    expect.objectContaining({ code: "AccessDenied" }) as Error,
  );
});

test("verification and compaction need no key", async () => {
  const lab = await givenLab();
  const customer = customerKey();
  const kept = new Map<string, Buffer>();
  for (let index = 0; index < 30; index += 1) {
    const bytes = bytesOf(20_000 + index * 1_000, index);
    const encryption = index % 2 === 0 ? MANAGED : withCustomer(customer);
    await putSealed(lab, `key-${index}`, { bytes, encryption });
    if (index < 20) kept.set(`key-${index}`, bytes);
  }
  await putSealed(lab, "inline", { bytes: bytesOf(100, 1), encryption: MANAGED });
  await putSealed(lab, "large", { bytes: bytesOf(2_000_000, 1), encryption: MANAGED });
  const gone = Array.from({ length: 10 }, (_, index) => `key-${index + 20}`);
  await deleteKeys(lab.store, lab.bucket, gone);

  expect(await findingCount(lab)).toBe(0);
  const done = await lab.store.compactPacks({ deadShareMin: 0.01, sealsOpen: true });
  expect(done).toMatchObject({ packCount: 1, movedCount: 20, unreadableCount: 0, keptCount: 0 });
  for (const [key, bytes] of kept) {
    const index = Number(key.slice("key-".length));
    const found = await getSealed(lab, key, index % 2 === 0 ? {} : { customer });
    expect(found.equals(bytes), key).toBe(true);
  }
  // Packs in which nothing is dead are left alone.
  const again = await lab.store.compactPacks({ deadShareMin: Number.EPSILON, sealsOpen: true });
  expect(again).toMatchObject({ movedCount: 0 });
});

test("copies: alike sealed ones share their bytes, others are written anew", async () => {
  const lab = await givenLab();
  const { store, bucket, target } = lab;
  const bytes = bytesOf(2_000_000, 5);
  const [one, two] = [customerKey(1), customerKey(2)];
  const modes: readonly (EncryptionRequest | undefined)[] = [
    undefined,
    MANAGED,
    { kind: "kms", keyId: "red" },
    { kind: "kms", keyId: "alias/blue" },
    withCustomer(one),
    withCustomer(two),
  ];
  for (const [from, source] of modes.entries()) {
    await store.putObject(target("source", { encryption: source }), bodyOf(bytes));
    for (const [to, encryption] of modes.entries()) {
      const reading = await store.openObject(bucket, "source");
      if (reading === undefined) throw new Error("no source");
      const key = source?.kind === "customer" ? source.key : undefined;
      await reading.unlock(key);
      const copy = await store.copyObject(
        { bucket, reading, customerKey: key },
        target("copy", { encryption }),
        undefined,
      );
      const customer = encryption?.kind === "customer" ? { customer: encryption.key } : {};
      expect((await getSealed(lab, "copy", customer)).equals(bytes), `${from} to ${to}`).toBe(true);
      const { content } = reading.object;
      const isShared =
        content.kind === "set" &&
        copy.content.kind === "set" &&
        copy.content.set.id === content.set.id;
      expect(isShared, `${from} to ${to}`).toBe(from === to);
    }
  }
  expect(await findingCount(lab)).toBe(0);
});

test("an upload has one data key, each part of it is sealed on its own, and ranges cross them", async () => {
  const lab = await givenLab({ limits: { packBytesMax: 1024 * 1024, partBytesMin: 1 } });
  const { store, bucket, target } = lab;
  const customer = customerKey();
  const upload = await store.createUpload(
    target("large", { encryption: withCustomer(customer) }),
    OWNER,
    undefined,
  );
  const handle = { bucket, upload, customerKey: customer };
  const sizes = [1_200_000, 70_000, 3_000, 1_000_001];
  const parts = sizes.map((size, index) => bytesOf(size, index));
  const named = [];
  for (const [index, bytes] of parts.entries()) {
    const { etag } = await store.putPart(handle, index + 1, bodyOf(bytes));
    named.push({ number: index + 1, etag, checksum: undefined });
  }
  const { customerKey: _customer, ...keyless } = handle;
  await expect(store.putPart(keyless, 1, bodyOf(bytesOf(5, 5)))).rejects.toMatchObject({
    code: "InvalidRequest",
  });
  await expect(
    store.putPart({ ...handle, customerKey: customerKey(2) }, 1, bodyOf(bytesOf(5, 5))),
  ).rejects.toMatchObject({ code: "InvalidRequest" });
  await store.completeUpload({
    bucket,
    key: "large",
    uploadId: upload.uploadId,
    parts: named,
    checksum: undefined,
    checksumType: undefined,
    expectedBytes: undefined,
    condition: undefined,
  });

  const whole = Buffer.concat(parts);
  expect((await getSealed(lab, "large", { customer })).equals(whole)).toBe(true);
  for (const [start, end] of [
    [1_199_990, 1_200_010],
    [1_199_999, 1_275_000],
    [whole.length - 1, whole.length],
  ] as const) {
    const found = await getSealed(lab, "large", { start, end, customer });
    expect(found.equals(whole.subarray(start, end)), `${start} to ${end}`).toBe(true);
  }
  await expect(getSealed(lab, "large", { customer: customerKey(2) })).rejects.toMatchObject({
    code: "AccessDenied",
  });
  expect(await findingCount(lab)).toBe(0);
});

test("an upload of more parts than are looked up ahead", async () => {
  const lab = await givenLab({ limits: { packBytesMax: 1024 * 1024, partBytesMin: 1 } });
  const { store, bucket, target } = lab;
  const upload = await store.createUpload(
    target("many", { encryption: MANAGED }),
    OWNER,
    undefined,
  );
  const parts = Array.from({ length: 40 }, (_, index) => bytesOf(10_000 + 700 * index, index));
  const named = [];
  for (const [index, bytes] of parts.entries()) {
    const { etag } = await store.putPart({ bucket, upload }, index + 1, bodyOf(bytes));
    expect(etag).toBe(createHash("md5").update(bytes).digest("hex"));
    named.push({ number: index + 1, etag, checksum: undefined });
  }
  await store.completeUpload({
    bucket,
    key: "many",
    uploadId: upload.uploadId,
    parts: named,
    checksum: undefined,
    checksumType: undefined,
    expectedBytes: undefined,
    condition: undefined,
  });
  const whole = Buffer.concat(parts);
  expect((await getSealed(lab, "many")).equals(whole)).toBe(true);
  const found = await getSealed(lab, "many", { start: 9_999, end: 500_001 });
  expect(found.equals(whole.subarray(9_999, 500_001))).toBe(true);
});

test("a reading that ends early gives back what it held", async () => {
  const lab = await givenLab();
  await putSealed(lab, "large", { bytes: bytesOf(9_000_000, 1), encryption: MANAGED });
  const reading = await lab.store.openObject(lab.bucket, "large");
  if (reading === undefined) throw new Error("no object");
  await reading.unlock(undefined);
  for await (const window of reading.read(0, 9_000_000)) {
    window.release();
    break;
  }
  expect(lab.store.openReadings()).toBe(0);
});
