// A journal member on a drive of this process: a folder of segments, snapshots and a promise behind a Disk.
//
// - Segments are never opened again for appending. A process that starts, or an append that failed, begins a new one,
//   which repeats what may not be durable of the one before.
// - One append is one write and one sync. After an error nothing is retried: the member is inspected, or promised, anew.
// - Absence means something only while the drive is there: `checkPresent` is asked before anything is made or concluded.

import type { DriveId } from "../core/ids.ts";
import { DiskError, type Disk } from "../disk/disk.ts";
import { crashPoint } from "../util/crash-point.ts";
import { Limiter } from "../util/limiter.ts";
import { journalErrorFrom } from "./journal-fault.ts";
import {
  JournalError,
  type Authority,
  type ChainPosition,
  type JournalMember,
  type MemberState,
  type SnapshotInfo,
} from "./journal-member.ts";
import { isSamePosition } from "./journal-record.ts";
import { JournalView } from "./journal-view.ts";
import {
  JOURNAL_FOLDER,
  PROMISE_FILE,
  readPromise,
  writePromise,
  type PromiseState,
} from "./promise-file.ts";
import { findPlace, readRecords } from "./read-records.ts";
import { scanJournal } from "./scan-journal.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { setAside } from "./set-aside.ts";
import {
  describeSnapshot,
  findSnapshots,
  isSameSnapshot,
  readSnapshotFile,
  snapshotFileNames,
  storeSnapshot,
  type FoundSnapshots,
} from "./snapshot-files.ts";

export interface LocalMemberOptions {
  readonly disk: Disk;
  readonly driveId: DriveId;
  /** For messages; the disk's root where absent. */
  readonly label?: string;
  /** A segment of that size is followed by another. */
  readonly segmentBytesMax?: number;
  /** Newest bytes of the journal that an inspection reads whole. */
  readonly readBytesMax?: number;
  /** Rejects when the drive is not, or no longer, the one that it should be. */
  readonly checkPresent: () => Promise<void>;
}

/** A process that starts copies the newest one: on a full drive that must fit in what is kept free. */
const SEGMENT_BYTES_MAX = 8 * 1024 * 1024;
const READ_BYTES_MAX = 256 * 1024 * 1024;
/** So often it is looked whether the segment that is appended to still has its name. */
const LOOK_EVERY_MS = 5_000;
/** Callers take turns by contract; this is for those who have given up on a call that still runs. */
const WAITING_MAX = 16;

export function openLocalMember(options: LocalMemberOptions): JournalMember {
  return new LocalMember(options);
}

class LocalMember implements JournalMember {
  readonly driveId: DriveId;
  readonly label: string;
  readonly #options: LocalMemberOptions;
  readonly #disk: Disk;
  readonly #writer: SegmentWriter;
  readonly #turns = new Limiter({ concurrency: 1, queueMax: WAITING_MAX });
  readonly #snapshotTurns = new Limiter({ concurrency: 1, queueMax: WAITING_MAX });
  #journal: JournalView | undefined;
  #hasFailed = false;
  /** What this process has promised here, and seen on the disk for certain. */
  #durablePromise: Authority | undefined;
  #hasFolder = false;
  #lookedAt = performance.now();
  #isClosed = false;

  constructor(options: LocalMemberOptions) {
    const { disk, driveId, label = disk.root } = options;
    this.driveId = driveId;
    this.label = label;
    this.#options = options;
    this.#disk = disk;
    const segmentBytesMax = options.segmentBytesMax ?? SEGMENT_BYTES_MAX;
    this.#writer = new SegmentWriter({ disk, driveId, label, segmentBytesMax });
  }

  inspect(): Promise<MemberState> {
    return this.#inTurn(async () => {
      const journal = await this.#scan();
      // A member that is being written to knows itself best.
      if (!this.#writer.isOpen) this.#journal = journal;
      this.#hasFailed = false;
      return journal.state();
    });
  }

  promise(authority: Authority): Promise<MemberState> {
    return this.#change(async () => {
      this.#journal ??= await this.#scan();
      this.#hasFailed = false;
      const journal = this.#journal;
      const { promised, firstNumber } = journal;
      // Who asks may have been promised it a moment ago, by another way.
      if (isSame(this.#durablePromise, authority) && isSame(promised, authority)) {
        return journal.state();
      }
      if (
        promised !== undefined &&
        promised.epoch >= authority.epoch &&
        !isSame(promised, authority)
      ) {
        throw new JournalError("Fenced", `${this.label}: epoch ${promised.epoch} is promised`);
      }
      await this.#prepareFolder();
      if (journal.isPromiseDamaged) await setAside(this.#disk, [PROMISE_FILE]);
      await writePromise(this.#disk, { promised: authority, firstNumber });
      this.#durablePromise = authority;
      crashPoint("journal.promised");
      journal.notePromise(authority);
      if (journal.last !== undefined) await this.#writer.begin(journal, authority);
      await this.#refreshSnapshots(journal);
      await this.#removeTemporaries(journal);
      return journal.state();
    });
  }

  append(authority: Authority, records: readonly Uint8Array[]): Promise<void> {
    return this.#change(async () => {
      const journal = this.#journal ?? (await this.#known());
      this.#compare(journal.promised, authority);
      if (!this.#writer.isOpen) await this.#options.checkPresent();
      else await this.#lookNowAndThen(journal);
      await this.#writer.append(journal, authority, records);
    });
  }

  read(sequence: number, bytesMax: number): Promise<readonly Uint8Array[]> {
    return this.#guard(async () =>
      readRecords(this.#disk, await this.#known(), sequence, bytesMax),
    );
  }

  truncate(authority: Authority, position: ChainPosition, clusterId: string): Promise<void> {
    return this.#change(async () => {
      const journal = await this.#authorised(authority);
      await this.#prepareFolder();
      await this.#refreshSnapshots(journal);
      const isOwnCluster = clusterId === journal.clusterId;
      const found = isOwnCluster ? await findPlace(this.#disk, journal, position) : undefined;
      // First: whoever finds the chain cut short must not find a snapshot of what was taken away.
      const isGone = (snapshot: SnapshotInfo): boolean =>
        found === undefined
          ? !isSamePosition(snapshot, position)
          : snapshot.sequence > position.sequence;
      const gone = journal.snapshots.filter(isGone);
      await setAside(this.#disk, gone.flatMap(snapshotFileNames));
      await this.#refreshSnapshots(journal);
      await this.#writer.truncate(journal, authority, { position, clusterId, found });
    });
  }

  cut(authority: Authority, sequence: number): Promise<MemberState> {
    return this.#change(async () => {
      const journal = await this.#authorised(authority);
      await this.#refreshSnapshots(journal);
      const { segments, promised, snapshots } = journal;
      const later = segments.findIndex(({ end }) => end.position.sequence > sequence);
      const index = later < 0 ? Math.max(segments.length - 1, 0) : later;
      const newest = snapshots.find((snapshot) => snapshot.sequence <= sequence);
      const older = snapshots.filter((each) => each.sequence < (newest?.sequence ?? 0));
      const firstNumber = journal.firstNumberFrom(index);
      const isNoted = index === 0 || (await this.#noteCut({ promised, firstNumber }));
      crashPoint("journal.cut-noted");
      const names = [...journal.cutBefore(index), ...older.flatMap(snapshotFileNames)];
      if (isNoted) await this.#remove(names);
      else for (const name of names) await this.#remove([name]);
      return journal.state();
    });
  }

  writeSnapshot(
    authority: Authority,
    info: SnapshotInfo,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    return this.#guard(() =>
      this.#snapshotTurns.run(async () => {
        await this.#requirePromise(authority);
        await this.#prepareFolder();
        const { snapshots } = await this.#findSnapshots();
        if (snapshots.some((snapshot) => isSameSnapshot(snapshot, info))) return;
        await storeSnapshot(this.#disk, info, bytes);
        crashPoint("journal.snapshot-named");
        // It took its time: meanwhile another may have been given the authority.
        await this.#requirePromise(authority);
        await describeSnapshot(this.#disk, info);
      }),
    );
  }

  async *readSnapshot(info: SnapshotInfo): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      this.#checkOpen();
      yield* readSnapshotFile(this.#disk, info);
    } catch (error) {
      throw journalErrorFrom(error, this.label);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turns.run(() => this.#writer.abandon());
  }

  /** A file that is open takes appends also when its folder was emptied: nobody would find them again. */
  async #lookNowAndThen({ last }: JournalView): Promise<void> {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS || last === undefined) return;
    this.#lookedAt = now;
    await (await this.#disk.open(`${JOURNAL_FOLDER}/${last.name}`)).close();
  }

  /** What is known; looked up first by a process that has not looked yet. */
  async #known(): Promise<JournalView> {
    if (this.#journal !== undefined) return this.#journal;
    if (this.#hasFailed) {
      const message = `${this.label}: a call before has failed; it is to be inspected first`;
      throw new JournalError("Unavailable", message);
    }
    const journal = await this.#scan();
    this.#journal ??= journal;
    return this.#journal;
  }

  async #authorised(authority: Authority): Promise<JournalView> {
    const journal = await this.#known();
    this.#compare(journal.promised, authority);
    return journal;
  }

  /** As it stands on the drive: snapshots are written by a thread that has a member of its own. */
  async #requirePromise(authority: Authority): Promise<void> {
    const { promised, damage } = await readPromise(this.#disk);
    this.#compare(damage === undefined ? promised : (await this.#scan()).promised, authority);
  }

  /** @throws JournalError Fenced */
  #compare(promised: Authority | undefined, { epoch, owner }: Authority): void {
    if (promised?.epoch === epoch && promised.owner === owner) return;
    const to = promised === undefined ? "nobody" : `epoch ${promised.epoch}`;
    throw new JournalError("Fenced", `${this.label}: it is promised to ${to}, not to ${epoch}`);
  }

  async #scan(): Promise<JournalView> {
    await this.#options.checkPresent();
    const { disk, driveId, readBytesMax = READ_BYTES_MAX } = this.#options;
    return new JournalView(await scanJournal({ disk, driveId, readBytesMax }));
  }

  /** Once: it may be new, or made by a process that did not get to sync it. */
  async #prepareFolder(): Promise<void> {
    await this.#options.checkPresent();
    if (this.#hasFolder) return;
    await this.#disk.makeDirectory(JOURNAL_FOLDER);
    await this.#disk.syncDirectory("");
    await this.#disk.syncDirectory(JOURNAL_FOLDER);
    this.#hasFolder = true;
  }

  /** False on a full drive, which a cut is to relieve: without the note, files must go one by one, the oldest first. */
  async #noteCut(state: PromiseState): Promise<boolean> {
    try {
      await writePromise(this.#disk, state);
      return true;
    } catch (error) {
      if (error instanceof DiskError && error.code === "ENOSPC") return false;
      throw error;
    }
  }

  async #findSnapshots(): Promise<FoundSnapshots> {
    const entries = await this.#disk.list(JOURNAL_FOLDER);
    return findSnapshots(
      this.#disk,
      entries.map(({ name }) => name),
    );
  }

  async #refreshSnapshots(journal: JournalView): Promise<void> {
    const { snapshots } = await this.#findSnapshots();
    journal.noteSnapshots(snapshots);
  }

  async #removeTemporaries({ temporaries, snapshots }: JournalView): Promise<void> {
    // One of them may be a snapshot that is just being written, or is whole since.
    if (this.#snapshotTurns.activeCount > 0) return;
    const whole = new Set(snapshots.flatMap(snapshotFileNames));
    await this.#remove(temporaries.filter((name) => !whole.has(name)));
  }

  async #remove(names: readonly string[]): Promise<void> {
    for (const name of names) await this.#disk.unlink(`${JOURNAL_FOLDER}/${name}`);
    if (names.length > 0) await this.#disk.syncDirectory(JOURNAL_FOLDER);
  }

  /** A call that changes something: what it leaves undone after an error is unknown until the next look. */
  #change<Value>(work: () => Promise<Value>): Promise<Value> {
    return this.#inTurn(async () => {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof JournalError) || isHarmful(error)) {
          this.#hasFailed = true;
          this.#hasFolder = false;
          this.#journal = undefined;
          await this.#writer.abandon();
        }
        throw error;
      }
    });
  }

  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    return this.#guard(() => this.#turns.run(work));
  }

  async #guard<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      this.#checkOpen();
      return await work();
    } catch (error) {
      // Absence is worth a closer look: is it the drive that is absent?
      if (error instanceof DiskError && error.code === "ENOENT") await this.#options.checkPresent();
      throw journalErrorFrom(error, this.label);
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new JournalError("Unavailable", `${this.label}: it is closed`);
  }
}

/** Refusals leave everything as it was. */
function isSame(one: Authority | undefined, other: Authority): boolean {
  return one?.epoch === other.epoch && one.owner === other.owner;
}

function isHarmful({ code }: JournalError): boolean {
  return code !== "Fenced" && code !== "Gap";
}
