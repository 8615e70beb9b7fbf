// The routes of a data node by which a drive of it is a member of the metadata: one small function a route. Whoever
// changes something names itself in the owner header; the journal itself refuses all but the one it is promised to.

import { once } from "node:events";
import { PassThrough } from "node:stream";
import { JournalError, type Authority, type SnapshotInfo } from "../journal/journal-member.ts";
import {
  parseRecordFrames,
  parseRecordsQuery,
  parseSequence,
  parseSnapshotQuery,
  parseTruncation,
  RECORDS_BYTES_MAX,
  renderRecords,
  renderState,
  SNAPSHOT_BYTES_MAX,
} from "./journal-messages.ts";
import { FieldError } from "./json-fields.ts";
import type { NodeJournal } from "./node-journal.ts";
import type { CallRequest, DriveAnswer, DriveRoute, StreamRequest } from "./node-routes.ts";
import { DRIVE_ROUTES, JOURNAL_PATIENCE_MS, RefusedRequestError } from "./protocol.ts";
import type { StreamedBody } from "./streamed-body.ts";

const OK = 200;
/** Looking at a journal means reading all of it; a snapshot is synced as a whole. */
const patienceMs = JOURNAL_PATIENCE_MS;
const NOTHING = Buffer.from("{}");

export const journalRoutes: readonly DriveRoute[] = [
  { method: "GET", pattern: DRIVE_ROUTES.journal, handle: inspect, patienceMs },
  {
    method: "POST",
    pattern: DRIVE_ROUTES.journalPromise,
    handle: promise,
    isJournal: true,
    patienceMs,
  },
  { method: "GET", pattern: DRIVE_ROUTES.journalRecords, handle: read },
  {
    method: "POST",
    pattern: DRIVE_ROUTES.journalRecords,
    handle: append,
    isJournal: true,
    bodyBytesMax: RECORDS_BYTES_MAX,
  },
  {
    method: "POST",
    pattern: DRIVE_ROUTES.journalTruncate,
    handle: truncate,
    isJournal: true,
    patienceMs,
  },
  { method: "POST", pattern: DRIVE_ROUTES.journalCut, handle: cut, isJournal: true },
  { method: "GET", pattern: DRIVE_ROUTES.journalSnapshot, handle: readSnapshot },
  {
    method: "PUT",
    pattern: DRIVE_ROUTES.journalSnapshot,
    handle: writeSnapshot,
    isJournal: true,
    patienceMs,
  },
];

async function inspect(request: CallRequest): Promise<DriveAnswer> {
  return { status: OK, body: renderState(await journalOf(request).inspect()) };
}

async function promise(request: CallRequest): Promise<DriveAnswer> {
  return { status: OK, body: renderState(await journalOf(request).promise(ownerOf(request))) };
}

async function append(request: CallRequest): Promise<DriveAnswer> {
  const journal = journalOf(request);
  const owner = ownerOf(request);
  const records = understood(() => parseRecordFrames(request.body));
  if (records.length === 0) throw new RefusedRequestError("BadRequest", "there are no records");
  await journal.turn(() => journal.member.append(owner, records));
  return { status: OK, body: NOTHING };
}

async function read(request: CallRequest): Promise<DriveAnswer> {
  const range = parseRecordsQuery(request.url);
  if (range === undefined) {
    throw new RefusedRequestError("BadRequest", "a read needs a sequence and bounded bytes");
  }
  const { member } = journalOf(request);
  return { status: OK, body: renderRecords(await member.read(range.sequence, range.bytesMax)) };
}

async function truncate(request: CallRequest): Promise<DriveAnswer> {
  const journal = journalOf(request);
  const owner = ownerOf(request);
  const { position, clusterId } = understood(() => parseTruncation(request.body));
  await journal.turn(() => journal.member.truncate(owner, position, clusterId));
  return { status: OK, body: NOTHING };
}

async function cut(request: CallRequest): Promise<DriveAnswer> {
  const journal = journalOf(request);
  const owner = ownerOf(request);
  const sequence = understood(() => parseSequence(request.body));
  const state = await journal.turn(() => journal.member.cut(owner, sequence));
  return { status: OK, body: renderState(state) };
}

/** Begun before it is answered, so that a snapshot that is not there is an error and no broken answer. */
async function readSnapshot(request: CallRequest): Promise<DriveAnswer> {
  const info = snapshotOf(request.url);
  const chunks = journalOf(request).member.readSnapshot(info)[Symbol.asyncIterator]();
  const first = await chunks.next();
  const stream = { sizeBytes: info.sizeBytes, chunks: goOn(first, chunks) };
  return { status: OK, body: Buffer.alloc(0), stream };
}

async function writeSnapshot(request: StreamRequest): Promise<DriveAnswer> {
  const info = snapshotOf(request.url);
  const { member } = journalOf(request);
  const chunks = chunksOf(request.stream);
  await member.writeSnapshot(ownerOf(request), info, chunks);
  // A member that has it already takes nothing.
  for await (const chunk of chunks) void chunk;
  return { status: OK, body: NOTHING };
}

async function* goOn(
  first: IteratorResult<Uint8Array>,
  chunks: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    let next = first;
    while (next.done !== true) {
      yield next.value;
      next = await chunks.next();
    }
  } finally {
    await chunks.return?.();
  }
}

/** What is in a streamed body, for whoever asks for it. It ends with an error unless its sender says that this was all. */
async function* chunksOf(stream: StreamedBody): AsyncGenerator<Uint8Array> {
  const pipe = new PassThrough();
  const received = stream.receive(SNAPSHOT_BYTES_MAX, (chunks) => {
    const hasRoom = chunks.map((chunk) => pipe.write(chunk)).every(Boolean);
    return hasRoom ? undefined : drained(pipe);
  });
  received.then(
    () => pipe.end(),
    (error: unknown) => pipe.destroy(error instanceof Error ? error : undefined),
  );
  yield* pipe;
  if ((await received) === "abort") {
    throw new JournalError("Unavailable", "the sender has given the snapshot up");
  }
}

async function drained(pipe: PassThrough): Promise<void> {
  await once(pipe, "drain");
}

function journalOf({ journal }: Pick<CallRequest, "journal">): NodeJournal {
  if (journal !== undefined) return journal;
  throw new JournalError("Unavailable", "this drive keeps no journal");
}

function ownerOf({ owner }: Pick<CallRequest, "owner">): Authority {
  if (owner !== undefined) return owner;
  throw new RefusedRequestError("BadRequest", "the owner header is missing or malformed");
}

function snapshotOf(url: string): SnapshotInfo {
  const info = parseSnapshotQuery(url);
  if (info !== undefined) return info;
  throw new RefusedRequestError("BadRequest", "the URL names no snapshot");
}

function understood<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw new RefusedRequestError("BadRequest", `the body makes no sense: ${error.message}`);
  }
}
