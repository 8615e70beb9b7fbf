// A shard that is being made anew, on its drive: small pieces are gathered, large ones are sent from where they lie; while one
// append is on its way the next is made ready. Its calls never reject: a drive that fails it is remembered, and it takes no more.

import type { ShardName, ShardWriter } from "../../datanode/shard-store.ts";
import { callDrive, mayGoOn } from "../call-drive.ts";
import type { Drive } from "../drive.ts";

/** Small pieces are gathered up to so much. */
const BATCH_BYTES = 128 * 1024;
/** What is larger is not copied. */
const COPIED_BYTES_MAX = 32 * 1024;

export class NewShard {
  readonly name: ShardName;
  readonly drive: Drive;
  readonly #deadlineMs: number;
  #writer: ShardWriter | undefined;
  #error: unknown;
  #hasFailed = false;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #sending: Promise<void> | undefined;
  #writtenBytes = 0;

  constructor(name: ShardName, drive: Drive, deadlineMs: number) {
    this.name = name;
    this.drive = drive;
    this.#deadlineMs = deadlineMs;
  }

  get isGood(): boolean {
    return !this.#hasFailed;
  }

  get error(): unknown {
    return this.#error;
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  async open(): Promise<void> {
    await this.#attempt(async () => {
      const opening = this.drive.store.create(this.name, "replacement");
      this.#writer = await this.#bounded(opening, (late) => void late.abort());
    });
  }

  /**
   * Takes bytes; resolves when it would take more. They are the caller's again once `release` has been called: always, and
   * with `isSafe` false where a call that was given up may still read them.
   */
  async put(bytes: Uint8Array, release?: (isSafe: boolean) => void): Promise<void> {
    if (!this.isGood) {
      release?.(true);
    } else if (bytes.length > COPIED_BYTES_MAX) {
      this.#gather(bytes);
      await this.#send(release);
    } else {
      this.#gather(Uint8Array.from(bytes));
      release?.(true);
      if (this.#batchBytes >= BATCH_BYTES) await this.#send();
    }
  }

  /** Makes it durable, and puts it in its place. */
  async finish(): Promise<void> {
    await this.#sending;
    const writer = this.#writer;
    if (writer === undefined || !this.isGood) return;
    const last = this.#takeBatch();
    await this.#attempt(() => this.#bounded(writer.finish(last)));
    if (!this.isGood) return;
    this.#writer = undefined;
    this.drive.noteGood();
  }

  /** Removes what was written and is not in its place. Harmless after `finish`. */
  async abort(): Promise<void> {
    await this.#sending;
    const writer = this.#writer;
    this.#writer = undefined;
    if (writer !== undefined) await this.#bounded(writer.abort()).catch(() => undefined);
  }

  #gather(bytes: Uint8Array): void {
    this.#batch.push(bytes);
    this.#batchBytes += bytes.length;
    this.#writtenBytes += bytes.length;
  }

  #takeBatch(): readonly Uint8Array[] {
    const batch = this.#batch;
    [this.#batch, this.#batchBytes] = [[], 0];
    return batch;
  }

  async #send(release: (isSafe: boolean) => void = () => undefined): Promise<void> {
    await this.#sending;
    const writer = this.#writer;
    const batch = this.#takeBatch();
    if (writer === undefined || !this.isGood) return release(true);
    this.#sending = this.#attempt(() => this.#bounded(writer.append(batch))).then(release);
  }

  /** Resolves to whether what the call was given is no longer read by it. */
  async #attempt(call: () => Promise<void>): Promise<boolean> {
    try {
      await call();
      return true;
    } catch (error) {
      this.#hasFailed = true;
      this.#error ??= error;
      this.drive.noteError(error);
      return !mayGoOn(error);
    }
  }

  #bounded<Value>(work: Promise<Value>, onLate?: (value: Value) => void): Promise<Value> {
    return callDrive(this.drive, work, { deadlineMs: this.#deadlineMs, onLate });
  }
}
