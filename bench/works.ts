// The kinds of work the benchmark loads a server with: how each is prepared, and one request of it.

import { randomBytes } from "node:crypto";
import type { Presigner } from "./presign.ts";
import type { RawClient, RawRequest, RawResponse } from "./raw-client.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

export const WORKS = [
  "put-4k",
  "get-4k",
  "put-32k",
  "get-32k",
  "put-64k",
  "get-64k",
  "put-1m",
  "get-1m",
  "put-16m",
  "get-16m",
  "list",
  "multipart",
  "mixed",
] as const;
export type WorkName = (typeof WORKS)[number];

/** What a work needs of the generator: one connection, and names that nobody else uses. */
export interface Lane {
  readonly client: RawClient;
  readonly presigner: Presigner;
  readonly bucket: string;
  readonly index: number;
}

export interface Work {
  /** Bytes moved by one operation. */
  readonly bytes: number;
  /** Requests to send before the clock starts, spread over the connections. */
  readonly prepare: (bucket: string) => readonly PreparedRequest[];
  /** One operation. Rejects when the answer is not what it must be. */
  readonly run: (lane: Lane, turn: number) => Promise<void>;
}

export interface PreparedRequest {
  readonly method: string;
  readonly path: string;
  readonly body: Buffer;
}

const SIZES: Readonly<Record<string, number>> = {
  "4k": 4 * KIB,
  "32k": 32 * KIB,
  "64k": 64 * KIB,
  "1m": MIB,
  "16m": 16 * MIB,
};
/** Distinct objects that a GET work reads: enough small ones not to sit in one page of anything. */
const GET_KEYS: Readonly<Record<string, number>> = {
  "4k": 5_000,
  "32k": 2_000,
  "64k": 1_000,
  "1m": 100,
  "16m": 8,
};
const LIST_KEYS = 10_000;
const PAGE_KEYS = 1_000;
const PART_BYTES = 5 * MIB;
const PARTS = 3;

const bodies = new Map<number, Buffer>();
function bodyOf(bytes: number): Buffer {
  const body = bodies.get(bytes) ?? randomBytes(bytes);
  bodies.set(bytes, body);
  return body;
}

async function request(
  lane: Lane,
  raw: Omit<RawRequest, "target"> & {
    readonly path: string;
    readonly query?: Record<string, string>;
    readonly expect?: number;
  },
): Promise<RawResponse> {
  const { path, query, expect = 200, ...rest } = raw;
  const target = lane.presigner.sign({ method: raw.method, path, ...(query && { query }) });
  const response = await lane.client.send({ ...rest, target });
  if (response.status !== expect) {
    const text = response.body.toString("latin1", 0, 300);
    throw new Error(`${raw.method} ${path}: ${response.status} instead of ${expect} ${text}`);
  }
  return response;
}

function putWork(size: string): Work {
  const bytes = SIZES[size] ?? 0;
  return {
    bytes,
    prepare: () => [],
    async run(lane, turn) {
      // Large objects overwrite a few keys, so that a long run does not fill the disk.
      const slot = bytes >= MIB ? turn % 4 : turn;
      const path = `/${lane.bucket}/put-${size}/${lane.index}/${slot}`;
      await request(lane, { method: "PUT", path, body: bodyOf(bytes) });
    },
  };
}

function getWork(size: string): Work {
  const bytes = SIZES[size] ?? 0;
  const keys = GET_KEYS[size] ?? 1;
  return {
    bytes,
    prepare: (bucket) =>
      Array.from({ length: keys }, (_, index) => ({
        method: "PUT",
        path: `/${bucket}/get-${size}/${index}`,
        body: bodyOf(bytes),
      })),
    async run(lane, turn) {
      const path = `/${lane.bucket}/get-${size}/${(turn * 31 + lane.index * 7919) % keys}`;
      // Every so often the bytes themselves are compared, not only their number.
      const keepBody = turn % 256 === 0;
      const response = await request(lane, { method: "GET", path, keepBody });
      const wrong = keepBody && !response.body.equals(bodyOf(bytes));
      if (response.bodyBytes !== bytes || wrong) throw new Error(`${path}: wrong bytes`);
    },
  };
}

const listWork: Work = {
  bytes: 0,
  prepare: (bucket) =>
    Array.from({ length: LIST_KEYS }, (_, index) => ({
      method: "PUT",
      path: `/${bucket}/list/${String(index).padStart(8, "0")}`,
      body: Buffer.from("x"),
    })),
  async run(lane, turn) {
    const start = ((turn * 7 + lane.index * 13) % (LIST_KEYS / PAGE_KEYS)) * PAGE_KEYS;
    const query: Record<string, string> = { "list-type": "2", prefix: "list/" };
    if (start > 0) query["start-after"] = `list/${String(start - 1).padStart(8, "0")}`;
    const path = `/${lane.bucket}`;
    const response = await request(lane, { method: "GET", path, query, keepBody: true });
    const found = response.body.toString("latin1").split("<Key>").length - 1;
    if (found !== PAGE_KEYS) throw new Error(`a page of ${found} keys`);
  },
};

const multipartWork: Work = {
  bytes: PARTS * PART_BYTES,
  prepare: () => [],
  async run(lane, turn) {
    const path = `/${lane.bucket}/multipart/${lane.index}/${turn % 4}`;
    const created = await request(lane, {
      method: "POST",
      path,
      query: { uploads: "" },
      keepBody: true,
    });
    const uploadId = /<UploadId>([^<]+)</.exec(created.body.toString())?.[1] ?? "";
    const parts: string[] = [];
    for (let number = 1; number <= PARTS; number += 1) {
      const query = { partNumber: String(number), uploadId };
      const body = bodyOf(PART_BYTES);
      const { headers } = await request(lane, { method: "PUT", path, query, body });
      const etag = /\r\netag: *"?([0-9a-f]+)/i.exec(headers)?.[1] ?? "";
      parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>"${etag}"</ETag></Part>`);
    }
    const xml = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
    await request(lane, { method: "POST", path, query: { uploadId }, body: Buffer.from(xml) });
  },
};

/** 70% GET, 20% PUT, 5% LIST, 5% DELETE of 4 KiB objects. */
function mixedWork(): Work {
  const [put, get] = [putWork("4k"), getWork("4k")];
  return {
    bytes: 0,
    prepare: (bucket) => [...get.prepare(bucket), ...listWork.prepare(bucket)],
    async run(lane, turn) {
      const dice = (turn * 37 + lane.index * 11) % 20;
      if (dice < 14) return get.run(lane, turn);
      if (dice < 18) return put.run(lane, turn);
      if (dice === 18) return listWork.run(lane, turn);
      const path = `/${lane.bucket}/put-4k/${lane.index}/${turn - 1}`;
      await request(lane, { method: "DELETE", path, expect: 204 });
    },
  };
}

export function workOf(name: WorkName): Work {
  if (name === "list") return listWork;
  if (name === "multipart") return multipartWork;
  if (name === "mixed") return mixedWork();
  const [verb = "", size = ""] = name.split("-");
  return verb === "put" ? putWork(size) : getWork(size);
}
