// What a data node can be asked about its drives: one small function a route. Each is called with a request whose
// signature, URL and body digest were found good, and returns the answer or throws.

import type { Authority } from "../journal/journal-member.ts";
import { giveBack } from "../util/give-back.ts";
import type { Answer, AnswerStream } from "./node-answer.ts";
import type { OpenPacks } from "./open-packs.ts";
import type { NodeJournal } from "./node-journal.ts";
import {
  DRIVE_ROUTES,
  PACK_APPEND_BYTES_MAX,
  parseBucket,
  parseCreation,
  parsePackAppend,
  parseShardName,
  RefusedRequestError,
  renderDevice,
  renderNames,
  renderSize,
  renderSpace,
} from "./protocol.ts";
import { ContentError } from "../journal/checked-json.ts";
import { NODE_LIST_BYTES_MAX, parseNodeList } from "./node-list.ts";
import { receiveShard } from "./receive-shard.ts";
import type { RequestBodies } from "./request-bodies.ts";
import { ShardError, type ShardStore } from "./shard-store.ts";
import type { StreamedBody } from "./streamed-body.ts";

interface DriveRequest {
  readonly drive: ShardStore;
  /** Undefined where the drive keeps none. */
  readonly journal: NodeJournal | undefined;
  /** Who asks, where the request says so. */
  readonly owner: Authority | undefined;
  /** The last parameter of the route, as sent. */
  readonly parameter: string;
  readonly url: string;
  readonly packs: OpenPacks;
  /** Takes appends to packs in. */
  readonly appends: RequestBodies;
}

export interface CallRequest extends DriveRequest {
  /** Of a POST: whole, and the one that was signed. */
  readonly body: Uint8Array;
}

export interface StreamRequest extends DriveRequest {
  readonly stream: StreamedBody;
}

/** An answer, and what to do where nobody takes it. */
export interface DriveAnswer extends Answer {
  /** Bytes that follow as they come, instead of a body. */
  readonly stream?: AnswerStream;
  /** Undoes what was done when the asker cannot be told: it counts as not done. */
  readonly undo?: () => Promise<void>;
}

interface RouteBase {
  readonly pattern: string;
  /** The journal checks itself who may change it; before all other changes the fence does. */
  readonly isJournal?: true;
  /** How long it may take, in milliseconds, while nothing moves on the connection. */
  readonly patienceMs?: number;
}

export interface CallRoute extends RouteBase {
  readonly method: "DELETE" | "GET" | "POST";
  /** Of a POST's body; SMALL_BODY_BYTES_MAX where it is absent. */
  readonly bodyBytesMax?: number;
  readonly handle: (request: CallRequest) => Promise<DriveAnswer>;
}

/** What is asked on channels for writes only. */
export interface StreamRoute extends RouteBase {
  readonly method: "PUT";
  readonly handle: (request: StreamRequest) => Promise<DriveAnswer>;
}

export type DriveRoute = CallRoute | StreamRoute;

const OK = 200;
const NOTHING = Buffer.from("{}");

export const driveRoutes: readonly DriveRoute[] = [
  { method: "PUT", pattern: DRIVE_ROUTES.shard, handle: putShard },
  { method: "DELETE", pattern: DRIVE_ROUTES.shard, handle: deleteShard },
  { method: "PUT", pattern: DRIVE_ROUTES.pack, handle: appendToPack },
  { method: "DELETE", pattern: DRIVE_ROUTES.pack, handle: closePack },
  { method: "GET", pattern: DRIVE_ROUTES.size, handle: sizeOfShard },
  { method: "GET", pattern: DRIVE_ROUTES.bucket, handle: listBucket },
  { method: "GET", pattern: DRIVE_ROUTES.space, handle: spaceOfDrive },
  { method: "GET", pattern: DRIVE_ROUTES.device, handle: deviceOfDrive },
  { method: "GET", pattern: DRIVE_ROUTES.nodes, handle: readNodes },
  {
    method: "POST",
    pattern: DRIVE_ROUTES.nodes,
    handle: writeNodes,
    bodyBytesMax: NODE_LIST_BYTES_MAX,
  },
];

async function putShard(request: StreamRequest): Promise<DriveAnswer> {
  const { drive, parameter, stream, url, packs } = request;
  const name = parseShardName(parameter);
  const creation = parseCreation(url);
  if (creation === "replacement") await packs.close(drive, name);
  const { undo } = await receiveShard(stream, { drive, name, creation });
  const answer = { status: OK, body: NOTHING };
  // A sender that went away before it heard of success counts the shard as missing: nobody else knows of it, but repair,
  // which may have made it anew by now.
  return undo === undefined ? answer : { ...answer, undo };
}

async function deleteShard({ drive, parameter, packs }: CallRequest): Promise<DriveAnswer> {
  const name = parseShardName(parameter);
  await packs.close(drive, name);
  await drive.delete(name);
  return { status: OK, body: NOTHING };
}

async function appendToPack(request: StreamRequest): Promise<DriveAnswer> {
  const { appends, drive, parameter, stream, url, packs } = request;
  const name = parseShardName(parameter);
  const append = parsePackAppend(url);
  await appends.useStreamed(stream, PACK_APPEND_BYTES_MAX, async (body) => {
    if (body === undefined) return packs.close(drive, name);
    await packs.append(drive, name, append, body.chunks);
    body.memory.forEach(giveBack);
  });
  return { status: OK, body: NOTHING };
}

async function closePack({ drive, parameter, packs }: CallRequest): Promise<DriveAnswer> {
  await packs.close(drive, parseShardName(parameter));
  return { status: OK, body: NOTHING };
}

async function sizeOfShard({ drive, parameter }: CallRequest): Promise<DriveAnswer> {
  return { status: OK, body: renderSize(await drive.size(parseShardName(parameter))) };
}

async function listBucket({ drive, parameter }: CallRequest): Promise<DriveAnswer> {
  return { status: OK, body: renderNames(await drive.list(parseBucket(parameter))) };
}

async function spaceOfDrive({ drive }: CallRequest): Promise<DriveAnswer> {
  return { status: OK, body: renderSpace(await drive.space()) };
}

async function deviceOfDrive({ drive }: CallRequest): Promise<DriveAnswer> {
  return { status: OK, body: renderDevice(await drive.device()) };
}

/** Which nodes the cluster has, as a gateway has left it here. */
async function readNodes({ journal }: CallRequest): Promise<DriveAnswer> {
  const body = await journal?.nodeList?.read();
  if (body === undefined) throw new ShardError("NotFound", "the drive names no nodes");
  return { status: OK, body };
}

async function writeNodes({ body, journal }: CallRequest): Promise<DriveAnswer> {
  try {
    parseNodeList(body, "the list of nodes");
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw new RefusedRequestError("BadRequest", `that is no list of nodes: ${error.message}`);
  }
  const file = journal?.nodeList;
  if (file === undefined) throw new ShardError("Unavailable", "the drive keeps no list of nodes");
  await file.write(body);
  return { status: OK, body: NOTHING };
}
