// One shard of a set that is being written. Its calls never reject: a drive that errors or misses its deadline is
// dropped, remembers why, and takes no more; the set goes on without it as long as a quorum is left.

import { BlockSealer } from "../datanode/shard-format.ts";
import { ShardError, type ShardName, type ShardWriter } from "../datanode/shard-store.ts";
import { callDrive, mayGoOn } from "./call-drive.ts";
import type { Drive } from "./drive.ts";

export class ShardSlot {
  readonly name: ShardName;
  readonly sealer: BlockSealer;
  readonly drive: Drive | undefined;
  readonly headerBytes: number;
  readonly #deadlineMs: number;
  // What waits for the next append: first the header, so that a small set is one write.
  #queued: Uint8Array[];
  #writer: ShardWriter | undefined;
  #error: unknown;
  #isDropped = false;
  #isStuck = false;
  #isBegun = false;
  #isFinished = false;

  constructor(name: ShardName, drive: Drive | undefined, header: Uint8Array, deadlineMs: number) {
    this.name = name;
    this.drive = drive;
    this.headerBytes = header.length;
    this.sealer = new BlockSealer(name.setId, name.index);
    this.#deadlineMs = deadlineMs;
    this.#queued = [header];
    if (drive === undefined || drive.isAway) {
      this.#drop(new ShardError("Unavailable", "the drive is away"));
    } else if (drive.isShort) {
      this.#drop(new ShardError("Full", "the drive is full up to its reserve"));
    }
  }

  get isGood(): boolean {
    return !this.#isDropped;
  }

  /** Why it was dropped. */
  get error(): unknown {
    return this.#error;
  }

  /** Whether a call was given up that may still be reading the chunks it was given. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  /** After an abort: whether something may be left of it on a drive that failed. */
  get mayBeLeft(): boolean {
    return this.#isBegun && this.#error !== undefined;
  }

  async open(): Promise<void> {
    const { drive } = this;
    if (drive === undefined || this.#isDropped) return;
    // It may have gone since, while the first bytes were coming.
    if (drive.isAway) return this.#drop(new ShardError("Unavailable", "the drive is away"));
    this.#isBegun = true;
    await this.#attempt(async () => {
      this.#writer = await this.#bounded(drive.store.create(this.name), (late) => {
        void late.abort();
      });
    });
  }

  /** Adds a unit and its checksum to what the next append takes; the sealer sees it even when the drive is gone. */
  queue(unit: Uint8Array): void {
    const checksum = this.sealer.seal(unit);
    if (!this.#isDropped) this.#queued.push(unit, checksum);
  }

  async append(): Promise<void> {
    const writer = this.#writer;
    const chunks = this.#queued;
    this.#queued = [];
    if (writer === undefined || this.#isDropped) return;
    await this.#attempt(() => this.#bounded(writer.append(chunks)));
  }

  async finish(footer: Uint8Array): Promise<void> {
    const writer = this.#writer;
    const chunks = [...this.#queued, footer];
    this.#queued = [];
    if (writer === undefined || this.#isDropped) return;
    await this.#attempt(() => this.#bounded(writer.finish(chunks)));
    if (this.#isDropped) return;
    this.#isFinished = true;
    this.drive?.noteGood();
  }

  /** Removes what was written; resolves when it is gone or the drive has had its time. */
  async abort(): Promise<void> {
    const { drive } = this;
    const writer = this.#writer;
    this.#writer = undefined;
    this.#queued = [];
    this.#isDropped = true;
    if (drive === undefined || writer === undefined) return;
    // The set may fail after this shard is whole: a finished writer has nothing to abort, the shard goes by its name.
    await this.#attempt(() =>
      this.#bounded(this.#isFinished ? drive.store.delete(this.name) : writer.abort()),
    );
  }

  async #attempt(call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (mayGoOn(error)) this.#isStuck = true;
      this.drive?.noteError(error);
      this.#drop(error);
    }
  }

  #drop(error: unknown): void {
    this.#isDropped = true;
    this.#error = error;
    this.#queued = [];
  }

  #bounded<Value>(work: Promise<Value>, onLate?: (value: Value) => void): Promise<Value> {
    return callDrive(this.drive, work, { deadlineMs: this.#deadlineMs, onLate });
  }
}
