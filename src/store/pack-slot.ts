// One shard of a pack that is open. Its calls never reject: a drive that errors or misses its deadline is dropped,
// remembers why, and takes no more; what it has taken before stays good.

import { ShardError, type PackShard, type ShardName } from "../datanode/shard-store.ts";
import { callDrive, mayGoOn } from "./call-drive.ts";
import type { Drive } from "./drive.ts";

export interface PackSlotOptions {
  readonly deadlineMs: number;
  /** Whether a drive that has only its reserve left takes it all the same. */
  readonly usesReserve: boolean;
}

export class PackSlot {
  readonly name: ShardName;
  readonly drive: Drive | undefined;
  readonly #options: PackSlotOptions;
  #shard: PackShard | undefined;
  #error: unknown;
  #isDropped = false;
  #isStuck = false;

  constructor(name: ShardName, drive: Drive | undefined, options: PackSlotOptions) {
    this.name = name;
    this.drive = drive;
    this.#options = options;
    if (!this.couldBeOn(drive)) this.#drop(unusable(drive));
  }

  /** Whether a drive would take it now as a new shard. */
  couldBeOn(drive: Drive | undefined): boolean {
    if (drive === undefined || drive.isAway) return false;
    return this.#options.usesReserve || !drive.isShort;
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

  async open(): Promise<void> {
    const { drive } = this;
    if (drive === undefined || this.#isDropped) return;
    await this.#attempt(async () => {
      this.#shard = await this.#bounded(drive.store.createPack(this.name), (late) => {
        void removeLate(late, drive, this.name);
      });
    });
  }

  async append(offset: number, chunks: readonly Uint8Array[]): Promise<void> {
    const shard = this.#shard;
    if (shard === undefined || this.#isDropped) return;
    await this.#attempt(() => this.#bounded(shard.append(offset, chunks)));
    if (!this.#isDropped) this.drive?.noteGood();
  }

  async seal(offset: number, footer: Uint8Array): Promise<void> {
    const shard = this.#shard;
    if (shard === undefined || this.#isDropped) return;
    await this.#attempt(() => this.#bounded(shard.seal(offset, [footer])));
  }

  /** Resolves when the file is closed or the drive has had its time. */
  async close(): Promise<void> {
    const shard = this.#shard;
    this.#shard = undefined;
    if (shard === undefined) return;
    await this.#bounded(shard.close()).catch(() => undefined);
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
  }

  #bounded<Value>(work: Promise<Value>, onLate?: (value: Value) => void): Promise<Value> {
    return callDrive(this.drive, work, { deadlineMs: this.#options.deadlineMs, onLate });
  }
}

/** What was begun too late has nothing in it and is used by nobody; what cannot be removed is left to the sweep. */
async function removeLate(shard: PackShard, drive: Drive, name: ShardName): Promise<void> {
  await shard.close();
  await drive.store.delete(name).catch(() => undefined);
}

function unusable(drive: Drive | undefined): ShardError {
  return drive === undefined || drive.isAway
    ? new ShardError("Unavailable", "the drive is away")
    : new ShardError("Full", "the drive is full up to its reserve");
}
