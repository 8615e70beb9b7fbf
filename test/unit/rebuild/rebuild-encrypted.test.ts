// Encrypted objects through a rebuild from the drives alone: with the keys they are what they were, each kind of them, in
// packs, in sets of their own and of several parts; without, their rows are there all the same.

import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type {
  CustomerKey,
  EncryptionRequest,
} from "../../../src/store/encryption/encryption-request.ts";
import { sealModeOf } from "../../../src/store/encryption/encryption-text.ts";
import { masterKeyOf, MasterKeys } from "../../../src/store/encryption/master-keys.ts";
import { givenRebuildLab, type Rebuilt } from "../../support/rebuild-lab.ts";
import { bodyOf, bytesOf, collect, md5, OWNER } from "../../support/store-lab.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const PACKED = 40 * KIB;
const LARGE = 3 * MIB;
const keyBytes = Buffer.alloc(32, "a client's key ");
const customer: CustomerKey = {
  bytes: keyBytes,
  md5: createHash("md5").update(keyBytes).digest("base64"),
};
const KINDS: readonly (readonly [string, EncryptionRequest])[] = [
  ["managed", { kind: "managed" }],
  ["customer", { kind: "customer", key: customer }],
  ["named", { kind: "kms", keyId: "red" }],
];

async function digestOf({ store, bucket }: Rebuilt, key: string): Promise<string> {
  const reading = await store.openObject(bucket, key);
  if (reading === undefined) return "absent";
  try {
    const isCustomer = sealModeOf(reading.object.encryption) === "SSE-C";
    await reading.unlock(isCustomer ? customer : undefined);
    return md5(await collect(reading.read(0, reading.object.sizeBytes)));
  } finally {
    reading.close();
  }
}

test.each(KINDS)("objects that are %s come back with their bytes", async (kind, encryption) => {
  const keys = new MasterKeys([masterKeyOf(randomBytes(32))]);
  keys.addNamed({ name: "red", key: masterKeyOf(randomBytes(32)) });
  const lab = await givenRebuildLab({ keys });
  const { store, bucket } = lab;
  const target = (key: string) => lab.target(key, { encryption });
  for (const [seed, size] of [PACKED, LARGE].entries()) {
    await store.putObject(target(`${kind}-${size}`), bodyOf(bytesOf(size, seed)));
  }
  const upload = await store.createUpload(target("parts"), OWNER, undefined);
  const bodies = [bytesOf(5 * MIB, 3), bytesOf(100, 4)];
  const customerKey = kind === "customer" ? { customerKey: customer } : {};
  const parts = [];
  for (const [index, bytes] of bodies.entries()) {
    const part = { bucket, upload, ...customerKey };
    const { etag } = await store.putPart(part, index + 1, bodyOf(bytes));
    parts.push({ number: index + 1, etag, checksum: undefined });
  }
  const none = { checksum: undefined, checksumType: undefined, expectedBytes: undefined };
  const { uploadId } = upload;
  const request = { bucket, key: "parts", uploadId, parts, condition: undefined, ...customerKey };
  await store.completeUpload({ ...request, ...none });
  const before = await Promise.all(
    [`${kind}-${PACKED}`, `${kind}-${LARGE}`, "parts"].map((key) =>
      lab.metadata.findObject(bucket.id, key),
    ),
  );

  const rebuilt = await lab.rebuild();
  expect(rebuilt.tally).toMatchObject({ objects: 3, multipart: 1 });
  for (const object of before) {
    const { key = "", etag, sizeBytes, encryption: said } = object ?? {};
    const found = await rebuilt.metadata.findObject(rebuilt.bucket.id, key);
    expect(found, key).toMatchObject({ etag, sizeBytes, encryption: said });
  }
  expect(await digestOf(rebuilt, `${kind}-${PACKED}`)).toBe(md5(bytesOf(PACKED, 0)));
  expect(await digestOf(rebuilt, `${kind}-${LARGE}`)).toBe(md5(bytesOf(LARGE, 1)));
  expect(await digestOf(rebuilt, "parts")).toBe(md5(Buffer.concat(bodies)));
  const { findings } = await rebuilt.store.verifyObjects({});
  expect(Object.values(findings).reduce((sum, count) => sum + count, 0)).toBe(0);
});
