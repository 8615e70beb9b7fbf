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
import {
  isRosterKind,
  parseRecord,
  recordHead,
  type RecordHead,
} from "../../src/journal/journal-record.ts";

interface Stored {
  readonly bytes: Uint8Array;
  readonly head: RecordHead;
  /** Its bytes are not what was written any more. */
  isRotten: boolean;
}

/** What survives whatever happens to the process. */
export class MemberDisk {
  promised: Authority | undefined;
  base: ChainPosition = CHAIN_START;
  records: Stored[] = [];
  aside: Uint8Array[] = [];
  snapshots: { readonly info: SnapshotInfo; readonly bytes: Buffer }[] = [];
  clusterId: string | undefined;
  isIncomplete = false;
  /** No call gets through. */
  isAway = false;
  /** Rot is seen on reading only, as in old parts of a large journal. */
  hidesRot = false;

  /** As a new drive. */
  wipe(): void {
    this.promised = undefined;
    this.base = CHAIN_START;
    this.records = [];
    this.snapshots = [];
    this.clusterId = undefined;
    this.isIncomplete = false;
  }

  /** Records up to the first one that is seen to be rotten. */
  get intact(): readonly Stored[] {
    const count = this.hidesRot ? -1 : this.records.findIndex(({ isRotten }) => isRotten);
    return count < 0 ? this.records : this.records.slice(0, count);
  }

  get roster(): Uint8Array | undefined {
    const record = this.intact.findLast(({ head }) => isRosterKind(head.kind));
    return record && parseRecord(record.bytes).payload;
  }

  /** The last record, when rotten, is taken for one that was never whole. */
  get isDamaged(): boolean {
    return this.intact.length < this.records.length - 1;
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
    const disk = this.#disk;
    disk.promised = authority;
    // Whoever begins to write keeps what is intact, and knows that it is not all.
    disk.isIncomplete ||= disk.isDamaged;
    disk.records = [...disk.intact];
    return this.#state();
  }

  async append(authority: Authority, records: readonly Uint8Array[]): Promise<void> {
    await this.#call("append");
    this.#authorise(authority);
    for (const bytes of records) {
      const head = recordHead(bytes);
      const last = this.#disk.records.at(-1)?.head ?? this.#disk.base;
      if (head?.sequence !== last.sequence + 1 || head.previousDigest !== last.digest) {
        throw new JournalError("Gap", `${head?.sequence} does not follow ${last.sequence}`);
      }
      // As a disk has them: the caller may give their memory back.
      this.#disk.records.push({ bytes: Buffer.from(bytes), head, isRotten: false });
    }
    await this.#call("appended");
  }

  async read(sequence: number, bytesMax: number): Promise<readonly Uint8Array[]> {
    await this.#call("read");
    const { base, intact } = this.#disk;
    if (sequence <= base.sequence) throw new JournalError("Gap", `${sequence} is before the base`);
    const found: Uint8Array[] = [];
    let sizeBytes = 0;
    for (const { bytes, isRotten } of intact.slice(sequence - base.sequence - 1)) {
      sizeBytes += bytes.length;
      if (found.length > 0 && sizeBytes > bytesMax) break;
      if (isRotten) throw new JournalError("Corrupt", `${this.label}: a record is rotten`);
      found.push(bytes);
    }
    return found;
  }

  async truncate(authority: Authority, position: ChainPosition, clusterId: string): Promise<void> {
    await this.#call("truncate");
    this.#authorise(authority);
    const disk = this.#disk;
    const kept = position.sequence - disk.base.sequence;
    const at = kept === 0 ? disk.base : disk.records[kept - 1]?.head;
    if (disk.clusterId !== undefined && kept >= 0 && at?.digest === position.digest) {
      const gone = disk.records.splice(kept);
      if (gone.length === 0) disk.isIncomplete = false;
      disk.aside.push(...gone.map(({ bytes }) => bytes));
      this.#dropSnapshots(({ sequence }) => sequence > position.sequence);
      return;
    }
    disk.aside.push(...disk.records.map(({ bytes }) => bytes));
    this.#dropSnapshots(({ digest }) => digest !== position.digest);
    disk.isIncomplete = true;
    disk.records = [];
    disk.base = position;
    disk.clusterId = clusterId;
  }

  async cut(authority: Authority, sequence: number): Promise<MemberState> {
    await this.#call("cut");
    this.#authorise(authority);
    const disk = this.#disk;
    const count = sequence - disk.base.sequence;
    const last = disk.records[count - 1];
    if (last !== undefined) {
      const { epoch, digest } = last.head;
      disk.base = { sequence, epoch, digest };
      disk.records.splice(0, count);
    }
    return this.#state();
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

  #dropSnapshots(isGone: (info: SnapshotInfo) => boolean): void {
    this.#disk.snapshots = this.#disk.snapshots.filter(({ info }) => !isGone(info));
  }

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
    const { promised, base, intact, snapshots, clusterId } = this.#disk;
    const { isDamaged, isIncomplete } = this.#disk;
    const last = intact.at(-1)?.head;
    return {
      promised,
      head: last ? { sequence: last.sequence, epoch: last.epoch, digest: last.digest } : base,
      base,
      snapshot: snapshots.map(({ info }) => info).toSorted((a, b) => b.sequence - a.sequence)[0],
      recordBytes: intact.reduce((sum, { bytes }) => sum + bytes.length, 0),
      isBlank: clusterId === undefined,
      isIncomplete: clusterId !== undefined && (isIncomplete || isDamaged),
      clusterId,
      roster: this.#disk.roster,
      remarks: [],
    };
  }
}
