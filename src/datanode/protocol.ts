// What gateways and data nodes say to each other in HTTP and on channels, in one place for both sides: routes, header names, bounds,
// and the messages, parsed from bytes that anyone may have sent into typed values (docs/FORMATS.md).
// URLs are compared raw: nothing in them is ever decoded, so one shard has one spelling and a signature one meaning.

import { isSetId, type DriveId } from "../core/ids.ts";
import { isZoneName } from "../core/zone-name.ts";
import type { SpaceInfo } from "../disk/disk.ts";
import { JournalError, type JournalErrorCode } from "../journal/journal-member.ts";
import {
  countField,
  FieldError,
  fieldsOf,
  listField,
  parseFields,
  textField,
  textListField,
} from "./json-fields.ts";
import { SHARD_COUNT_MAX } from "./shard-header.ts";
import {
  ShardError,
  type ShardCreation,
  type ShardErrorCode,
  type ShardName,
} from "./shard-store.ts";

/** Both sides send it with every message and refuse any other. */
export const PROTOCOL_VERSION = "kintsugi-node/4";
export const PROTOCOL_HEADER = "kintsugi-protocol";
/** On answers: proves that the node knows the cluster secret and answers this very request. */
export const PROOF_HEADER = "kintsugi-proof";
/** On the agreement to a channel: the node's random part of its keys, in hex. */
export const SALT_HEADER = "kintsugi-salt";

/** Largest single read, in bytes; longer ones are made of several. */
export const READ_BYTES_MAX = 8 * 1024 * 1024;
/** Largest shard: the largest part on a single drive without parity, with room for checksums. */
export const SHARD_BYTES_MAX = 6 * 1024 ** 3;
/** Largest JSON answer: the names of a folder of some ten million shards' drive. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Largest append to a shard of a pack, in bytes: the node holds it until its end has come. */
export const PACK_APPEND_BYTES_MAX = 16 * 1024 * 1024;
/** Looking at a journal means reading all of it, and a snapshot is synced as a whole: so long may that take. */
export const JOURNAL_PATIENCE_MS = 10 * 60_000;
/** Largest body of a request that has no shard in it. */
export const SMALL_BODY_BYTES_MAX = 64 * 1024;

const ROOT = "/_kintsugi/node";
export const HELLO_PATH = `${ROOT}/hello`;
/** To whom each drive of the node is promised. */
export const OWNERS_PATH = `${ROOT}/owners`;
/** Becomes a channel for writes (write-frames.ts). */
export const WRITES_PATH = `${ROOT}/writes`;
/** The routes of a drive, as patterns; `drivePath` makes the paths that fit them. */
export const DRIVE_ROUTES = {
  bucket: `${ROOT}/drives/:drive/buckets/:bucket`,
  device: `${ROOT}/drives/:drive/device`,
  journal: `${ROOT}/drives/:drive/journal`,
  journalCut: `${ROOT}/drives/:drive/journal/cut`,
  journalPromise: `${ROOT}/drives/:drive/journal/promise`,
  journalRecords: `${ROOT}/drives/:drive/journal/records`,
  journalSnapshot: `${ROOT}/drives/:drive/journal/snapshot`,
  journalTruncate: `${ROOT}/drives/:drive/journal/truncate`,
  nodes: `${ROOT}/drives/:drive/nodes`,
  pack: `${ROOT}/drives/:drive/packs/:shard`,
  /** Becomes a channel for reads (read-frames.ts). */
  reads: `${ROOT}/drives/:drive/reads`,
  shard: `${ROOT}/drives/:drive/shards/:shard`,
  size: `${ROOT}/drives/:drive/shards/:shard/size`,
  space: `${ROOT}/drives/:drive/space`,
} as const;

/** All that a URL of this protocol is made of: no percent sign, no dot segment, no NUL can be in it. */
const URL_TEXT = /^\/[A-Za-z0-9_\-/.?=&]{0,500}$/;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|\?|$)|\/\//;
const DRIVE_ID = /^[A-Za-z0-9-]{1,64}$/;
const NODE_ID = /^[A-Za-z0-9._-]{1,64}$/;
const SESSION = /^[0-9a-f]{32}$/;
const SHARD_NAME = /^([0-9a-f]{32})\.(0|[1-9][0-9]{0,2})$/;
const BUCKET = /^(?:0|[1-9][0-9]{0,2})$/;
const PACK_QUERY = /\?offset=(0|[1-9][0-9]{0,15})&then=(keep|seal)$/;
const CREATION_QUERY = "?as=replacement";
const READS_PATH = /^\/_kintsugi\/node\/drives\/([A-Za-z0-9-]{1,64})\/reads$/;

/** What goes wrong between the two, besides what goes wrong with shards and records. */
export type WireErrorCode = JournalErrorCode | ShardErrorCode | "BadRequest" | "UnknownProtocol";

const STATUS: Readonly<Record<WireErrorCode, number>> = {
  BadRequest: 400,
  Corrupt: 422,
  Denied: 401,
  Exists: 409,
  Fenced: 403,
  Full: 507,
  Gap: 412,
  NotFound: 404,
  Unavailable: 503,
  UnknownProtocol: 400,
};

/** A request that the node refuses before any drive has heard of it. */
export class RefusedRequestError extends Error {
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.name = "RefusedRequestError";
    this.code = code;
  }
}

export function statusOf(code: WireErrorCode): number {
  return STATUS[code];
}

/** What a node says of itself. */
export interface NodeHello {
  readonly nodeId: string;
  /** One life of the node's process: signatures made for an earlier one are refused. 32 hex digits. */
  readonly session: string;
  readonly driveIds: readonly DriveId[];
  /** What fails together with it; undefined: it was told nothing of that. */
  readonly zone?: string | undefined;
}

/** What an append to a shard of a pack says: where it goes, and whether it is the last. */
export interface PackAppend {
  /** The shard's size before it; 0 creates the shard. */
  readonly offset: number;
  readonly isLast: boolean;
}

export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}

function shardFileName(name: ShardName): string {
  return `${name.setId}.${name.index}`;
}

/** The path of one of `DRIVE_ROUTES`, with its parameters. */
export function drivePath(
  route: keyof typeof DRIVE_ROUTES,
  driveId: DriveId,
  parameter: { readonly shard?: ShardName; readonly bucket?: number } = {},
): string {
  const { shard, bucket } = parameter;
  return DRIVE_ROUTES[route]
    .replace(":drive", driveId)
    .replace(":shard", shard === undefined ? "" : shardFileName(shard))
    .replace(":bucket", String(bucket));
}

/** @throws RefusedRequestError BadRequest when a URL has anything in it that no route needs. */
export function checkUrl(url: string): void {
  if (!URL_TEXT.test(url) || DOT_SEGMENT.test(url)) {
    throw new RefusedRequestError("BadRequest", "the URL is not one of this protocol");
  }
}

/** @throws RefusedRequestError BadRequest */
export function parseShardName(text: string): ShardName {
  const name = findShardName(text);
  if (name === undefined) throw new RefusedRequestError("BadRequest", "that names no shard");
  return name;
}

/** @throws RefusedRequestError BadRequest */
export function parseBucket(text: string): number {
  const bucket = Number(text);
  if (!BUCKET.test(text) || bucket > 255) {
    throw new RefusedRequestError("BadRequest", "a bucket is a number from 0 to 255");
  }
  return bucket;
}

/** The drive that a raw URL asks a channel for; undefined where it asks for something else. */
export function driveOfReads(url: string): string | undefined {
  return READS_PATH.exec(url)?.[1];
}

/** What the end of a raw URL says of a shard that is stored. */
export function parseCreation(url: string): ShardCreation {
  return url.endsWith(CREATION_QUERY) ? "replacement" : "new";
}

export function renderCreation(creation: ShardCreation): string {
  return creation === "replacement" ? CREATION_QUERY : "";
}

/** The append that the end of a raw URL describes. @throws RefusedRequestError BadRequest */
export function parsePackAppend(url: string): PackAppend {
  const [, offsetText, then] = PACK_QUERY.exec(url) ?? [];
  const offset = Number(offsetText);
  if (!Number.isSafeInteger(offset)) {
    throw new RefusedRequestError("BadRequest", "an append to a pack needs an offset");
  }
  return { offset, isLast: then === "seal" };
}

export function renderPackQuery({ offset, isLast }: PackAppend): string {
  return `?offset=${offset}&then=${isLast ? "seal" : "keep"}`;
}

export function renderError(code: WireErrorCode, message: string): Buffer {
  return renderJson({ code, message });
}

/** The error that an answer of the node stands for. */
export function parseError(status: number, body: Uint8Array): JournalError | ShardError {
  return parseAnswer("an error", () => {
    const fields = parseFields(body);
    const code = textField(fields, "code");
    const message = textField(fields, "message").slice(0, 1_000);
    const known = Object.keys(STATUS).find((name): name is WireErrorCode => name === code);
    if (known === undefined || STATUS[known] !== status) throw new FieldError("it is unknown");
    // What only a wrong or older gateway sends: the drive behind the node is of no use to this one.
    if (known === "BadRequest" || known === "UnknownProtocol") {
      return new ShardError("Unavailable", `the node refuses the request: ${message}`);
    }
    return known === "Gap" ? new JournalError(known, message) : new ShardError(known, message);
  });
}

export function renderHello(hello: NodeHello): Buffer {
  return renderJson({ protocol: PROTOCOL_VERSION, ...hello });
}

/** @throws ShardError Unavailable for anything that this version does not understand. */
export function parseHello(body: Uint8Array): NodeHello {
  return parseAnswer("its hello", () => {
    const fields = parseFields(body);
    const [nodeId, session] = [textField(fields, "nodeId"), textField(fields, "session")];
    const driveIds = textListField(fields, "driveIds");
    if (!NODE_ID.test(nodeId)) throw new FieldError('"nodeId" is none');
    if (!SESSION.test(session)) throw new FieldError('"session" is none');
    if (!driveIds.every((id) => DRIVE_ID.test(id))) throw new FieldError("a drive id is none");
    const zone = fields.has("zone") ? textField(fields, "zone") : undefined;
    if (zone !== undefined && !isZoneName(zone)) throw new FieldError('"zone" is none');
    return { nodeId, session, driveIds: driveIds.map((id) => id as DriveId), zone };
  });
}

export function renderSize(sizeBytes: number): Buffer {
  return renderJson({ sizeBytes });
}

export function parseSize(body: Uint8Array): number {
  return parseAnswer("a size", () => countField(parseFields(body), "sizeBytes"));
}

export function renderNames(names: readonly ShardName[]): Buffer {
  return renderJson({ shards: names.map(shardFileName) });
}

export function parseNames(body: Uint8Array): readonly ShardName[] {
  return parseAnswer("a list of shards", () =>
    listField(parseFields(body), "shards").map((text) => {
      const name = typeof text === "string" ? findShardName(text) : undefined;
      if (name === undefined) throw new FieldError("an entry names no shard");
      return name;
    }),
  );
}

export function renderSpace(space: SpaceInfo): Buffer {
  return renderJson({ ...space });
}

export function parseSpace(body: Uint8Array): SpaceInfo {
  return parseAnswer("its space", () => {
    const fields = fieldsOf(Object.fromEntries(parseFields(body)), "it");
    return {
      freeBytes: countField(fields, "freeBytes"),
      totalBytes: countField(fields, "totalBytes"),
      freeInodes: fields.has("freeInodes") ? countField(fields, "freeInodes") : undefined,
      totalInodes: fields.has("totalInodes") ? countField(fields, "totalInodes") : undefined,
    };
  });
}

export function renderDevice(device: string): Buffer {
  return renderJson({ device });
}

export function parseDevice(body: Uint8Array): string {
  return parseAnswer("its device", () => textField(parseFields(body), "device").slice(0, 200));
}

function findShardName(text: string): ShardName | undefined {
  const [, setId = "", digits] = SHARD_NAME.exec(text) ?? [];
  const index = Number(digits);
  return isSetId(setId) && index < SHARD_COUNT_MAX ? { setId, index } : undefined;
}

function renderJson(value: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(JSON.stringify(value), "utf8");
}

/** Reads a node's answer; what makes no sense is as good as no answer. @throws ShardError Unavailable */
export function parseAnswer<Value>(what: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw new ShardError(
      "Unavailable",
      `the node sends ${what} that makes no sense: ${error.message}`,
      {
        cause: error,
      },
    );
  }
}
