// What a data node can be asked about its drives: one small function a route. Each is called with a request whose
// signature, URL and body digest were found good, and returns the answer or throws.

import type { IncomingMessage } from "node:http";
import type { Answer } from "./node-answer.ts";
import {
  DRIVE_ROUTES,
  parseBucket,
  parseReadRange,
  parseShardName,
  renderDevice,
  renderNames,
  renderSize,
  renderSpace,
} from "./protocol.ts";
import type { ReadMemory } from "./read-memory.ts";
import { receiveShard } from "./receive-shard.ts";
import type { BodyKey } from "./shard-body.ts";
import type { ShardStore } from "./shard-store.ts";

interface DriveRequest {
  readonly drive: ShardStore;
  /** The last parameter of the route, as sent. */
  readonly parameter: string;
  readonly raw: IncomingMessage;
  readonly url: string;
  readonly key: BodyKey;
  readonly memory: ReadMemory;
}

/** An answer, and what to do when its last byte has left or never will. */
export interface DriveAnswer extends Answer {
  readonly release?: (wasSent: boolean) => void;
  /** Undoes what was done when the asker cannot be told: it counts as not done. */
  readonly undo?: () => Promise<void>;
}

export interface DriveRoute {
  readonly method: "DELETE" | "GET" | "PUT";
  readonly pattern: string;
  readonly handle: (request: DriveRequest) => Promise<DriveAnswer>;
}

const OK = 200;
const NOTHING = Buffer.from("{}");

export const driveRoutes: readonly DriveRoute[] = [
  { method: "PUT", pattern: DRIVE_ROUTES.shard, handle: putShard },
  { method: "GET", pattern: DRIVE_ROUTES.shard, handle: readShard },
  { method: "DELETE", pattern: DRIVE_ROUTES.shard, handle: deleteShard },
  { method: "GET", pattern: DRIVE_ROUTES.size, handle: sizeOfShard },
  { method: "GET", pattern: DRIVE_ROUTES.bucket, handle: listBucket },
  { method: "GET", pattern: DRIVE_ROUTES.space, handle: spaceOfDrive },
  { method: "GET", pattern: DRIVE_ROUTES.device, handle: deviceOfDrive },
];

async function putShard({ drive, parameter, raw, key }: DriveRequest): Promise<DriveAnswer> {
  const name = parseShardName(parameter);
  const kind = await receiveShard(raw, { drive, name, key });
  const answer = { status: OK, body: NOTHING };
  // A sender that went away before it heard of success counts the shard as missing: nobody else knows of it.
  return kind === "finish" ? { ...answer, undo: () => drive.delete(name) } : answer;
}

async function readShard({ drive, parameter, url, memory }: DriveRequest): Promise<DriveAnswer> {
  const name = parseShardName(parameter);
  const { offset, length } = parseReadRange(url);
  const buffer = memory.acquire(length);
  try {
    await drive.read(name, offset, buffer.bytes);
  } catch (error) {
    // A read that missed its deadline may still be written into the buffer.
    buffer.release(false);
    throw error;
  }
  // After a broken connection the kernel may still be reading from it: then it is left to the collector.
  const release = (wasSent: boolean): void => buffer.release(wasSent);
  return { status: OK, body: buffer.bytes, isShard: true, release };
}

async function deleteShard({ drive, parameter }: DriveRequest): Promise<DriveAnswer> {
  await drive.delete(parseShardName(parameter));
  return { status: OK, body: NOTHING };
}

async function sizeOfShard({ drive, parameter }: DriveRequest): Promise<DriveAnswer> {
  return { status: OK, body: renderSize(await drive.size(parseShardName(parameter))) };
}

async function listBucket({ drive, parameter }: DriveRequest): Promise<DriveAnswer> {
  return { status: OK, body: renderNames(await drive.list(parseBucket(parameter))) };
}

async function spaceOfDrive({ drive }: DriveRequest): Promise<DriveAnswer> {
  return { status: OK, body: renderSpace(await drive.space()) };
}

async function deviceOfDrive({ drive }: DriveRequest): Promise<DriveAnswer> {
  return { status: OK, body: renderDevice(await drive.device()) };
}
