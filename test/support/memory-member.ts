// A member of the metadata that lives in memory, and can be away, fail, forget and be cut off in the middle: the
// reference that the others are compared with, and what recovery is tried on by the thousand.

import { createHash } from "node:crypto";
import type { DriveId } from "../../src/core/ids.ts";
import {
  CHAIN_START,
  JournalError,
  type Authority,
  type ChainPosition,
  type JournalMember,
  type MemberState,
  type SnapshotInfo,
} from "../../src/journal/journal-member.ts";
import { parseRecord, RECORD_KIND } from "../../src/journal/journal-record.ts";

/** What survives whatever happens to the process. */
export class MemberDisk {
  promised: Authority | undefined;
  base: ChainPosition = CHAIN_START;
  records: Uint8Array[] = [];
  aside: Uint8Array[] = [];
  snapshots: { readonly info: SnapshotInfo; readonly bytes: Buffer }[] = [];
  clusterId: string | undefined;
  /** No call gets through. */
  isAway = false;

  /** As a new drive. */
  wipe(): void {
    this.promised = undefined;
    this.base = CHAIN_START;
    this.records = [];
    this.snapshots = [];
    this.clusterId = undefined;
  }
}

export class MemoryMember implements JournalMember {
  readonly driveId: DriveId;
  readonly label: string;
  readonly #disk: MemberDisk;
  readonly #beforeCall: (name: string) => Promise<void>;

  /** `beforeCall` may wait, or throw to let the call fail before it has done anything. */
  constructor(driveId: DriveId, disk: MemberDisk, beforeCall = async (_name: string) => {}) {
    this.driveId = driveId;
    this.label = `member ${driveId}`;
    this.#disk = disk;
    this.#beforeCall = beforeCall;
  }

  async inspect(): Promise<MemberState> {
    await this.#call("inspect");
    return this.#state();
  }

  async promise(authority: Authority): Promise<MemberState> {
    await this.#call("promise");
    const { promised } = this.#disk;
    if (promised !== undefined && promised.epoch >= authority.epoch) throw this.#fenced();
    this.#disk.promised = authority;
    return this.#state();
  }

  async append(authority: Authority, records: readonly Uint8Array[]): Promise<void> {
    await this.#call("append");
    this.#authorise(authority);
    for (const bytes of records) {
      const { sequence, previousDigest } = parseRecord(bytes);
      const { head } = this.#state();
      if (sequence !== head.sequence + 1 || previousDigest !== head.digest) {
        throw new JournalError("Gap", `${sequence} does not follow ${head.sequence}`);
      }
      this.#disk.records.push(Uint8Array.from(bytes));
    }
    await this.#call("appended");
  }

  async read(sequence: number, bytesMax: number): Promise<readonly Uint8Array[]> {
    await this.#call("read");
    const { base, records } = this.#disk;
    if (sequence <= base.sequence) throw new JournalError("Gap", `${sequence} is before the base`);
    const found = records.slice(sequence - base.sequence - 1);
    let sizeBytes = 0;
    return found.filter((record, index) => {
      sizeBytes += record.length;
      return index === 0 || sizeBytes <= bytesMax;
    });
  }

  async truncate(authority: Authority, position: ChainPosition, clusterId: string): Promise<void> {
    await this.#call("truncate");
    this.#authorise(authority);
    const disk = this.#disk;
    const kept = position.sequence - disk.base.sequence;
    const at =
      kept === 0
        ? disk.base
        : disk.records[kept - 1] && parseRecord(disk.records[kept - 1] ?? new Uint8Array(0));
    if (disk.clusterId !== undefined && kept >= 0 && at?.digest === position.digest) {
      disk.aside.push(...disk.records.splice(kept));
      return;
    }
    disk.aside.push(...disk.records);
    disk.records = [];
    disk.base = position;
    disk.clusterId = clusterId;
  }

  async cut(authority: Authority, sequence: number): Promise<void> {
    await this.#call("cut");
    this.#authorise(authority);
    const disk = this.#disk;
    const count = sequence - disk.base.sequence;
    const last = disk.records[count - 1];
    if (last === undefined) return;
    const { epoch, digest } = parseRecord(last);
    disk.base = { sequence, epoch, digest };
    disk.records.splice(0, count);
  }

  async writeSnapshot(
    authority: Authority,
    info: SnapshotInfo,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    await this.#call("writeSnapshot");
    this.#authorise(authority);
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(Uint8Array.from(chunk));
    const whole = Buffer.concat(chunks);
    if (createHash("sha256").update(whole).digest("hex") !== info.fileDigest) {
      throw new JournalError("Corrupt", "other bytes");
    }
    this.#disk.snapshots.push({ info, bytes: whole });
  }

  async *readSnapshot(info: SnapshotInfo): AsyncIterable<Uint8Array> {
    await this.#call("readSnapshot");
    const found = this.#disk.snapshots.find((each) => each.info.fileDigest === info.fileDigest);
    if (found === undefined) throw new JournalError("Corrupt", "there is no such snapshot");
    yield found.bytes;
  }

  async close(): Promise<void> {}

  async #call(name: string): Promise<void> {
    await this.#beforeCall(name);
    if (this.#disk.isAway) throw new JournalError("Unavailable", `${this.label} is away`);
  }

  #authorise({ epoch, owner }: Authority): void {
    const { promised } = this.#disk;
    if (promised?.epoch !== epoch || promised.owner !== owner) throw this.#fenced();
  }

  #fenced(): JournalError {
    return new JournalError("Fenced", `${this.label} has promised ${this.#disk.promised?.epoch}`);
  }

  #state(): MemberState {
    const { promised, base, records, snapshots, clusterId } = this.#disk;
    const parsed = records.map((bytes) => parseRecord(bytes));
    const last = parsed.at(-1);
    const roster = parsed.findLast(({ kind }) => kind !== RECORD_KIND.changes)?.payload;
    return {
      promised,
      head: last ? { sequence: last.sequence, epoch: last.epoch, digest: last.digest } : base,
      base,
      snapshot: snapshots.map(({ info }) => info).toSorted((a, b) => b.sequence - a.sequence)[0],
      recordBytes: records.reduce((sum, { length }) => sum + length, 0),
      isBlank: clusterId === undefined,
      clusterId,
      roster,
      remarks: [],
    };
  }
}
