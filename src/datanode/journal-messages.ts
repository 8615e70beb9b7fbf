// What gateways and data nodes say to each other about members of the metadata, as bytes: states and positions as JSON,
// records as frames, each after its length (32 bits, little-endian). What a node sends is parsed like anything that
// came over a network; what the records themselves hold is for their readers to check.

import type {
  Authority,
  ChainPosition,
  MemberState,
  SnapshotInfo,
} from "../journal/journal-member.ts";
import {
  countField,
  FieldError,
  flagField,
  objectField,
  parseFields,
  textField,
  textListField,
  type Fields,
} from "./json-fields.ts";
import { parseOwner, renderOwner } from "./owner-header.ts";

/** Largest body of records in a request, and in an answer a little more: one record may stand beyond the bound. */
export const RECORDS_BYTES_MAX = 40 * 1024 * 1024;
/** Largest snapshot, in bytes. */
export const SNAPSHOT_BYTES_MAX = 2 ** 44;

const LENGTH_BYTES = 4;
const DIGEST = /^[0-9a-f]{64}$/;
const CLUSTER_ID_LENGTH_MAX = 200;
const REMARK_LENGTH_MAX = 1_000;
const SNAPSHOT_QUERY =
  /\?sequence=([0-9]{1,16})&epoch=([0-9]{1,15})&digest=([0-9a-f]{64})&size=([0-9]{1,16})&file=([0-9a-f]{64})$/;
const READ_QUERY = /\?sequence=(0|[1-9][0-9]{0,15})&bytes=(0|[1-9][0-9]{0,8})$/;

export function renderState(state: MemberState): Buffer {
  const { promised, head, base, snapshot, clusterId, roster } = state;
  const { recordBytes, isBlank, isIncomplete, remarks } = state;
  return renderJson({
    promised: promised === undefined ? undefined : renderOwner(promised),
    head: fieldsOfPosition(head),
    base: fieldsOfPosition(base),
    snapshot: snapshot === undefined ? undefined : fieldsOfSnapshot(snapshot),
    recordBytes,
    isBlank,
    isIncomplete,
    clusterId,
    roster: roster === undefined ? undefined : Buffer.from(roster).toString("base64"),
    remarks,
  });
}

/** @throws FieldError */
export function parseState(body: Uint8Array): MemberState {
  const fields = parseFields(body);
  const [head, base] = [objectField(fields, "head"), objectField(fields, "base")];
  const snapshot = objectField(fields, "snapshot");
  if (head === undefined || base === undefined) throw new FieldError("a position is missing");
  return {
    promised: optionalOwner(fields, "promised"),
    head: positionOf(head),
    base: positionOf(base),
    snapshot: snapshot === undefined ? undefined : snapshotOf(snapshot),
    recordBytes: countField(fields, "recordBytes"),
    isBlank: flagField(fields, "isBlank"),
    isIncomplete: flagField(fields, "isIncomplete"),
    clusterId: fields.has("clusterId") ? textField(fields, "clusterId") : undefined,
    roster: fields.has("roster") ? Buffer.from(textField(fields, "roster"), "base64") : undefined,
    remarks: textListField(fields, "remarks").map((text) => text.slice(0, REMARK_LENGTH_MAX)),
  };
}

/** To whom each drive of a node is promised; null: to nobody yet. */
export function renderOwners(owners: ReadonlyMap<string, Authority | undefined>): Buffer {
  const entries = [...owners].map(([driveId, owner]) => {
    return [driveId, owner === undefined ? null : renderOwner(owner)] as const;
  });
  return renderJson({ owners: Object.fromEntries(entries) });
}

/** @throws FieldError */
export function parseOwners(body: Uint8Array): ReadonlyMap<string, Authority | undefined> {
  const owners = objectField(parseFields(body), "owners");
  if (owners === undefined) throw new FieldError('"owners" is missing');
  return new Map(
    [...owners].map(([driveId, text]) => {
      return [driveId, text === null ? undefined : optionalOwner(owners, driveId)] as const;
    }),
  );
}

/** What is left, and of which cluster. */
export interface Truncation {
  readonly position: ChainPosition;
  readonly clusterId: string;
}

export function renderTruncation({ position, clusterId }: Truncation): Buffer {
  return renderJson({ position: fieldsOfPosition(position), clusterId });
}

/** @throws FieldError */
export function parseTruncation(body: Uint8Array): Truncation {
  const fields = parseFields(body);
  const position = objectField(fields, "position");
  const clusterId = textField(fields, "clusterId");
  if (position === undefined) throw new FieldError('"position" is missing');
  if (clusterId === "" || clusterId.length > CLUSTER_ID_LENGTH_MAX) {
    throw new FieldError('"clusterId" is none');
  }
  return { position: positionOf(position), clusterId };
}

export function renderSequence(sequence: number): Buffer {
  return renderJson({ sequence });
}

/** @throws FieldError */
export function parseSequence(body: Uint8Array): number {
  return countField(parseFields(body), "sequence");
}

/** One buffer for all records: each is copied once. */
export function renderRecords(records: readonly Uint8Array[]): Buffer {
  const sizeBytes = records.reduce((sum, record) => sum + LENGTH_BYTES + record.length, 0);
  const body = Buffer.allocUnsafeSlow(sizeBytes);
  let at = 0;
  for (const record of records) {
    body.writeUInt32LE(record.length, at);
    body.set(record, at + LENGTH_BYTES);
    at += LENGTH_BYTES + record.length;
  }
  return body;
}

/** Views of the body. @throws FieldError when it is not made of whole records. */
export function parseRecordFrames(body: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const records: Uint8Array[] = [];
  let at = 0;
  while (at < body.length) {
    const from = at + LENGTH_BYTES;
    const end = from <= body.length ? from + view.getUint32(at, true) : from;
    if (end > body.length || end === from) throw new FieldError("a record is not whole");
    records.push(body.subarray(from, end));
    at = end;
  }
  return records;
}

export interface RecordsRange {
  readonly sequence: number;
  readonly bytesMax: number;
}

export function renderRecordsQuery({ sequence, bytesMax }: RecordsRange): string {
  return `?sequence=${sequence}&bytes=${bytesMax}`;
}

/** Undefined when the raw URL does not end in such a query. */
export function parseRecordsQuery(url: string): RecordsRange | undefined {
  const match = READ_QUERY.exec(url);
  const [sequence, bytesMax] = [Number(match?.[1]), Number(match?.[2])];
  const isGood = Number.isSafeInteger(sequence) && bytesMax <= RECORDS_BYTES_MAX;
  return isGood ? { sequence, bytesMax } : undefined;
}

export function renderSnapshotQuery(info: SnapshotInfo): string {
  const { sequence, epoch, digest, sizeBytes, fileDigest } = info;
  return `?sequence=${sequence}&epoch=${epoch}&digest=${digest}&size=${sizeBytes}&file=${fileDigest}`;
}

/** Undefined when the raw URL does not end in such a query. */
export function parseSnapshotQuery(url: string): SnapshotInfo | undefined {
  const [, sequence, epoch, digest = "", size, fileDigest = ""] = SNAPSHOT_QUERY.exec(url) ?? [];
  const info = {
    sequence: Number(sequence),
    epoch: Number(epoch),
    digest,
    sizeBytes: Number(size),
    fileDigest,
  };
  const isGood = Number.isSafeInteger(info.sequence) && info.sizeBytes <= SNAPSHOT_BYTES_MAX;
  return isGood ? info : undefined;
}

function optionalOwner(fields: Fields, name: string): Authority | undefined {
  if (!fields.has(name)) return undefined;
  const owner = parseOwner(textField(fields, name));
  if (owner === undefined) throw new FieldError(`"${name}" is no owner`);
  return owner;
}

// Field by field: an object that has more must not smuggle it along.
function fieldsOfPosition({ sequence, epoch, digest }: ChainPosition) {
  return { sequence, epoch, digest };
}

function fieldsOfSnapshot(info: SnapshotInfo) {
  const { sizeBytes, fileDigest } = info;
  return { ...fieldsOfPosition(info), sizeBytes, fileDigest };
}

function positionOf(fields: Fields): ChainPosition {
  const sequence = countField(fields, "sequence");
  const epoch = countField(fields, "epoch");
  return { sequence, epoch, digest: digestField(fields, "digest") };
}

function snapshotOf(fields: Fields): SnapshotInfo {
  const sizeBytes = countField(fields, "sizeBytes", SNAPSHOT_BYTES_MAX);
  return { ...positionOf(fields), sizeBytes, fileDigest: digestField(fields, "fileDigest") };
}

function digestField(fields: Fields, name: string): string {
  const digest = textField(fields, name);
  if (!DIGEST.test(digest)) throw new FieldError(`"${name}" is no digest`);
  return digest;
}

function renderJson(value: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(JSON.stringify(value), "utf8");
}
