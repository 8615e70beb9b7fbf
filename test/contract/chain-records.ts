// Chains of records and snapshots for tests of journal members, and short ways to write and read them.

import { createHash, randomBytes } from "node:crypto";
import {
  CHAIN_START,
  JournalError,
  type Authority,
  type ChainPosition,
  type JournalErrorCode,
  type JournalMember,
  type SnapshotInfo,
} from "../../src/journal/journal-member.ts";
import { encodeRecord, RECORD_KIND } from "../../src/journal/journal-record.ts";

/** What `segmentBytesMax` should be where the contract runs. */
export const LAB_SEGMENT_BYTES = 2_000;
export const LAB_CLUSTER = "6d1f6e1a-3a0c-4b58-9a44-000000000001";

export interface ChainRecord {
  readonly bytes: Uint8Array;
  readonly position: ChainPosition;
}

export function authority(epoch: number): Authority {
  return { epoch, owner: "a".repeat(16) };
}

export interface RecordsOptions {
  /** The records follow this one; by default the chain's start. */
  readonly from?: ChainPosition;
  /** Sequence of a made-up position that they follow. */
  readonly after?: number;
  readonly epoch?: number;
  readonly payloadBytes?: number;
  readonly kinds?: (sequence: number) => keyof typeof RECORD_KIND;
}

/** So many records of one chain, each with other bytes. */
export function records(
  count: number,
  options: RecordsOptions = {},
): [ChainRecord, ...ChainRecord[]] {
  const { after, epoch = 1, payloadBytes = 150, kinds = () => "changes" as const } = options;
  const digest = randomBytes(32).toString("hex");
  const start = after === undefined ? CHAIN_START : { sequence: after, epoch, digest };
  let position = options.from ?? start;
  const found = Array.from({ length: count }, (): ChainRecord => {
    const sequence = position.sequence + 1;
    const { bytes, digest: next } = encodeRecord({
      sequence,
      epoch,
      kind: RECORD_KIND[kinds(sequence)],
      previousDigest: position.digest,
      payload: [randomBytes(payloadBytes)],
    });
    position = { sequence, epoch, digest: next };
    return { bytes, position };
  });
  const [first, ...rest] = found;
  if (first === undefined) throw new Error("no records");
  return [first, ...rest];
}

/** The same payloads as one chain from its start. */
export function relinked(chain: readonly ChainRecord[]): ChainRecord[] {
  let position = CHAIN_START;
  return chain.map(({ bytes }) => {
    const sequence = position.sequence + 1;
    const input = {
      sequence,
      epoch: 1,
      kind: RECORD_KIND.changes,
      previousDigest: position.digest,
    };
    const encoded = encodeRecord({ ...input, payload: [bytes.subarray(56)] });
    position = { sequence, epoch: 1, digest: encoded.digest };
    return { bytes: encoded.bytes, position };
  });
}

/** Promises the member to epoch 1 where it is blank, begins its chain, and appends, so many records at a time. */
export async function givenRecords(
  member: JournalMember,
  chain: readonly ChainRecord[],
  atATime = chain.length,
): Promise<void> {
  await member.promise(authority(1));
  await member.truncate(authority(1), CHAIN_START, LAB_CLUSTER);
  // Once more at its head: now it is whole.
  await member.truncate(authority(1), CHAIN_START, LAB_CLUSTER);
  for (let index = 0; index < chain.length; index += atATime) {
    await member.append(authority(1), bytesOf(chain.slice(index, index + atATime)));
  }
}

/** All records from that one on, in small reads. */
export async function readAll(member: JournalMember, from: number): Promise<Buffer[]> {
  const found: Buffer[] = [];
  for (;;) {
    const read = await member.read(from + found.length, 500);
    if (read.length === 0) return found;
    found.push(...read.map(plain));
  }
}

export function bytesOf(chain: readonly (ChainRecord | undefined)[]): Uint8Array[] {
  return chain.flatMap((record) => (record === undefined ? [] : [record.bytes]));
}

/** The same bytes, in a form that compares. */
export function plain(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}

export function last(chain: readonly ChainRecord[]): ChainRecord {
  const record = chain.at(-1);
  if (record === undefined) throw new Error("no records");
  return record;
}

export function at(chain: readonly ChainRecord[], sequence: number): ChainPosition {
  return chain[sequence - 1]?.position ?? CHAIN_START;
}

export function snapshot(
  position: ChainPosition,
  sizeBytes = 10_000,
): { info: SnapshotInfo; bytes: Buffer } {
  const bytes = randomBytes(sizeBytes);
  const fileDigest = createHash("sha256").update(bytes).digest("hex");
  return { info: { ...position, sizeBytes, fileDigest }, bytes };
}

export async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += 60_000) {
    yield bytes.subarray(offset, offset + 60_000);
  }
}

export async function readSnapshot(member: JournalMember, info: SnapshotInfo): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const piece of member.readSnapshot(info)) found.push(plain(piece));
  return Buffer.concat(found);
}

/** The code with which it rejects; what is no JournalError is thrown on. */
export async function codeOf(work: Promise<unknown>): Promise<JournalErrorCode | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof JournalError) return error.code;
    throw error;
  }
}
