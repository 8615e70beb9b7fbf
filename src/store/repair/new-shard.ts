// A shard that is being made anew, on its drive: small pieces are gathered, and while one batch is on its way the next is
// filled. Its calls never reject: a drive that fails it is remembered, and it takes no more.

import type { ShardName, ShardWriter } from "../../datanode/shard-store.ts";
import { callDrive } from "../call-drive.ts";
import type { Drive } from "../drive.ts";

/** Bytes of one append. */
const BATCH_BYTES = 512 * 1024;

export class NewShard {
  readonly name: ShardName;
  readonly drive: Drive;
  readonly #deadlineMs: number;
  #writer: ShardWriter | undefined;
  #error: unknown;
  #hasFailed = false;
  #batch = Buffer.allocUnsafe(BATCH_BYTES);
  #spare = Buffer.allocUnsafe(BATCH_BYTES);
  #used = 0;
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

  /** The bytes are the caller's again once it has resolved. */
  async put(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0 && this.isGood) {
      const part = rest.subarray(0, BATCH_BYTES - this.#used);
      this.#batch.set(part, this.#used);
      this.#used += part.length;
      rest = rest.subarray(part.length);
      if (this.#used === BATCH_BYTES) await this.#send();
    }
  }

  /** Makes it durable, and puts it in its place. */
  async finish(): Promise<void> {
    await this.#sending;
    const writer = this.#writer;
    if (writer === undefined || !this.isGood) return;
    const last = this.#batch.subarray(0, this.#used);
    await this.#attempt(() => this.#bounded(writer.finish([last])));
    this.#writtenBytes += last.length;
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

  async #send(): Promise<void> {
    await this.#sending;
    const writer = this.#writer;
    if (writer === undefined || !this.isGood) return;
    const bytes = this.#batch.subarray(0, this.#used);
    [this.#batch, this.#spare] = [this.#spare, this.#batch];
    this.#used = 0;
    this.#writtenBytes += bytes.length;
    this.#sending = this.#attempt(() => this.#bounded(writer.append([bytes])));
  }

  async #attempt(call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      // What was given up may still be read: these buffers are never used again, for nothing more is taken.
      this.#hasFailed = true;
      this.#error ??= error;
      this.drive.noteError(error);
    }
  }

  #bounded<Value>(work: Promise<Value>, onLate?: (value: Value) => void): Promise<Value> {
    return callDrive(this.drive, work, { deadlineMs: this.#deadlineMs, onLate });
  }
}
