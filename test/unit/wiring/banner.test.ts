// What a server says of itself: how many disks may fail, and the secret key only when it was made just now.

import { expect, test } from "vitest";
import { UNIT_BYTES } from "../../../src/core/limits.ts";
import { geometryFor } from "../../../src/erasure/geometry.ts";
import { renderBannerJson, renderBannerText, type Banner } from "../../../src/wiring/banner.ts";
import { disksThatMayFail } from "../../../src/store/disk-tolerance.ts";
import type { KeyOrigin } from "../../../src/wiring/root-keys.ts";

function bannerOf(
  devices: readonly string[],
  origin: KeyOrigin = "generated",
  awayCount = 0,
): Banner {
  const count = devices.length + awayCount;
  const geometry = geometryFor(count, UNIT_BYTES);
  const spareCount = Math.max(0, geometry.parityShards - awayCount);
  return {
    endpoint: "http://127.0.0.1:9000",
    adminEndpoint: "http://127.0.0.1:9001",
    region: "us-east-1",
    keys: { accessKey: "KTGKEY", secretKey: "the-secret", origin },
    clusterId: "5f0c0a55-7c4b-4b1e-9d3c-6a1f0e2b7d88",
    drives: {
      count,
      presentCount: devices.length,
      geometry,
      disksMayFail: disksThatMayFail({ devices, spareCount }),
    },
    metadataFolder: "/data/drive-1/metadata",
    metadataCopies: 5,
    remarks: [],
  };
}

test.each([
  [["a"], "0 disks may fail; nothing is kept twice"],
  [["a", "a"], "0 disks may fail, for drives share one; 1 lost or rotten drive folder heals"],
  [["a", "b"], "1 disk may fail"],
  [["a", "b", "c"], "1 disk may fail"],
  [["a", "b", "c", "d"], "2 disks may fail"],
  [
    ["a", "a", "a", "a", "a", "a"],
    "0 disks may fail, for drives share one; up to 2 lost or rotten drive folders heal",
  ],
  [
    ["a", "a", "b", "b", "c", "c"],
    "1 disk may fail, for drives share one; up to 2 lost or rotten drive folders heal",
  ],
  [
    ["a", "a", "a", "b", "c", "d"],
    "0 disks may fail, for drives share one; up to 2 lost or rotten drive folders heal",
  ],
  [["a", "b", "c", "d", "e", "f"], "2 disks may fail"],
])("with drives on the devices %j: %s", (devices, words) => {
  expect(renderBannerText(bannerOf(devices))).toContain(`  safety      ${words}\n`);
});

test.each([
  [["a", "b", "c", "d", "e"], 1, "1 more disk may fail"],
  [["a", "b", "c", "d"], 2, "0 more disks may fail"],
  [
    ["a", "a", "a", "a", "a"],
    1,
    "0 more disks may fail, for drives share one; 1 lost or rotten drive folder heals",
  ],
])("what is away counts as lost: on the devices %j, %d away: %s", (devices, awayCount, words) => {
  const text = renderBannerText(bannerOf(devices, "given", awayCount));
  expect(text).toContain(`  safety      ${words}\n`);
});

test.each([
  ["generated", true],
  ["given", false],
  ["kept", false],
] as const)("keys that were %s: the secret is shown: %s", (origin, isShown) => {
  const banner = bannerOf(["a"], origin);
  expect(renderBannerText(banner).includes("the-secret")).toBe(isShown);
  expect(renderBannerJson(banner).includes("the-secret")).toBe(isShown);
});

test("it says where the metadata is, and how many drives hold each change", () => {
  const text = renderBannerText(bannerOf(["a", "b"]));
  expect(text).toContain("metadata    in /data/drive-1/metadata, each change on 5 drives");
});

test("as JSON it is one line with the documented fields", () => {
  const text = renderBannerJson(bannerOf(["a", "b", "c", "d"]));
  expect(text).not.toContain("\n");
  expect(JSON.parse(text)).toMatchObject({
    endpoint: "http://127.0.0.1:9000",
    accessKey: "KTGKEY",
    secretKey: "the-secret",
    drives: 4,
    parity: 2,
    pid: process.pid,
  });
});
