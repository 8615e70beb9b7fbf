// What a server says of itself when it starts: in plain words, or as one JSON object for scripts.

import type { Geometry } from "../erasure/geometry.ts";
import type { RootKeys } from "./root-keys.ts";

export interface DriveSummary {
  /** All drives of the layout. */
  readonly count: number;
  /** Those that are there. */
  readonly presentCount: number;
  readonly geometry: Geometry;
  /** How many disks more may fail without loss; drives that share a device count once. */
  readonly disksMayFail: number;
}

export interface Banner {
  readonly endpoint: string;
  readonly adminEndpoint: string | undefined;
  readonly region: string;
  readonly keys: RootKeys;
  readonly clusterId: string;
  readonly drives: DriveSummary;
  /** Where the metadata lies. */
  readonly metadataFolder: string;
  /** Drives that hold each change of it. */
  readonly metadataCopies: number;
  readonly remarks: readonly string[];
  /** The process to end; default: this one. */
  readonly pid?: number | undefined;
}

export function renderBannerJson(banner: Banner): string {
  const { endpoint, adminEndpoint, keys, drives } = banner;
  const { accessKey, secretKey, origin } = keys;
  return JSON.stringify({
    endpoint,
    ...(adminEndpoint === undefined ? {} : { adminEndpoint }),
    accessKey,
    // Once only: logs of container engines keep what is printed at every start.
    ...(origin === "generated" ? { secretKey } : {}),
    clusterId: banner.clusterId,
    drives: drives.count,
    parity: drives.geometry.parityShards,
    disksMayFail: drives.disksMayFail,
    pid: banner.pid ?? process.pid,
    ...(banner.remarks.length > 0 ? { remarks: banner.remarks } : {}),
  });
}

function copiesWords(count: number): string {
  if (count < 2) return "the one copy there is: back it up";
  return `each change on ${count} drives`;
}

export function renderBannerText(banner: Banner): string {
  const { endpoint, region, drives } = banner;
  const { dataShards, parityShards } = drives.geometry;
  const away = drives.count - drives.presentCount;
  return [
    `Kintsugi serves S3 at ${endpoint} (region ${region})`,
    ...keyLines(banner.keys),
    `  drives      ${drives.count}${away > 0 ? `, ${away} of them away` : ""}: ${dataShards} data + ${parityShards} parity`,
    `  safety      ${safetyWords(drives)}`,
    `  metadata    in ${banner.metadataFolder}, ${copiesWords(banner.metadataCopies)}`,
    `  cluster     ${banner.clusterId}`,
    ...adminLines(banner),
    ...banner.remarks.map((remark) => `  note        ${remark}`),
    ...tryLines(banner),
  ].join("\n");
}

function adminLines({ adminEndpoint }: Banner): readonly string[] {
  if (adminEndpoint === undefined) return [];
  return [`  admin       ${adminEndpoint}: kintsugi status, kintsugi verify, metrics`];
}

function keyLines({ accessKey, secretKey, origin }: RootKeys): readonly string[] {
  if (origin === "generated") {
    return [
      `  access key  ${accessKey}`,
      `  secret key  ${secretKey}  (made just now and shown this once: keep it)`,
    ];
  }
  const source =
    origin === "given"
      ? "secret key as given by the configuration"
      : "secret key as shown at the first start";
  return [`  access key  ${accessKey}  (${source})`];
}

/** Counts disks, not folders: six folders on one disk are lost with it. */
function safetyWords({ count, presentCount, disksMayFail, geometry }: DriveSummary): string {
  const { parityShards } = geometry;
  const spareCount = Math.max(0, parityShards - (count - presentCount));
  const more = spareCount < parityShards ? "more " : "";
  const disks = `${disksMayFail} ${more}${disksMayFail === 1 ? "disk" : "disks"} may fail`;
  if (parityShards === 0) return `${disks}; nothing is kept twice`;
  if (disksMayFail >= spareCount) return disks;
  const folders =
    spareCount === 1
      ? "1 lost or rotten drive folder"
      : `up to ${spareCount} lost or rotten drive folders`;
  const verb = spareCount === 1 ? "heals" : "heal";
  return `${disks}, for drives share one; ${folders} ${verb}`;
}

function tryLines({ endpoint, region, keys }: Banner): readonly string[] {
  const secret = keys.origin === "generated" ? keys.secretKey : "...";
  return [
    "  try         " +
      `AWS_ACCESS_KEY_ID=${keys.accessKey} AWS_SECRET_ACCESS_KEY=${secret} AWS_DEFAULT_REGION=${region} \\`,
    `              aws --endpoint-url ${endpoint} s3 mb s3://first-bucket`,
  ];
}
