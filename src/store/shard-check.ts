// What a verification learns about one shard of a set. The first thing found wrong is kept: a shard that is not good is
// not read any further.

import { createHash } from "node:crypto";
import { BLOCK_CHECKSUM_BYTES } from "../datanode/shard-format.ts";
import { ShardError, type ShardName } from "../datanode/shard-store.ts";
import { callDrive } from "./call-drive.ts";
import type { Drive } from "./drive.ts";
import type { ShardFinding } from "./verify-report.ts";

export class ShardCheck {
  readonly name: ShardName;
  readonly drive: Drive | undefined;
  readonly #deadlineMs: number;
  readonly #digest = createHash("sha256");
  #finding: ShardFinding | undefined;
  #isRetried = false;

  constructor(name: ShardName, drive: Drive | undefined, deadlineMs: number) {
    this.name = name;
    this.drive = drive;
    this.#deadlineMs = deadlineMs;
  }

  get index(): number {
    return this.name.index;
  }

  get isGood(): boolean {
    return this.#finding === undefined;
  }

  get finding(): ShardFinding | undefined {
    return this.#finding;
  }

  /** Whether its drive answers; else it is noted as away. */
  async reach(): Promise<void> {
    const { drive } = this;
    if (drive !== undefined && (!drive.isAway || (await drive.confirm(0)))) return;
    this.note("away", "its drive is away");
  }

  /** Runs a call of its drive; what goes wrong is noted, and the result undefined. One failure of the drive is forgiven. */
  async attempt<Value>(call: (drive: Drive) => Promise<Value>): Promise<Value | undefined> {
    const { drive } = this;
    if (drive === undefined || !this.isGood) return undefined;
    try {
      return await call(drive);
    } catch (error) {
      if (!(error instanceof ShardError)) throw error;
      if (error.code === "NotFound") return this.note("missing", error.message);
      if (error.code === "Corrupt") return this.note("damaged", error.message);
      if (this.#isRetried || !(await drive.confirm(0))) return this.note("away", error.message);
      this.#isRetried = true;
      return this.attempt(call);
    }
  }

  /** As `attempt`, with the store's deadline, and telling the drive's health of errors. */
  ask<Value>(call: (drive: Drive) => Promise<Value>): Promise<Value | undefined> {
    return this.attempt(async (drive) => {
      try {
        return await callDrive(drive, call(drive), { deadlineMs: this.#deadlineMs });
      } catch (error) {
        drive.noteError(error);
        throw error;
      }
    });
  }

  note(state: ShardFinding["state"], problem: string): undefined {
    this.#finding ??= { index: this.index, drive: this.drive?.store.label, state, problem };
  }

  /** Takes the next block, as in the file, into the shard's digest. */
  digestBlock(block: Uint8Array): void {
    this.#digest.update(block.subarray(block.length - BLOCK_CHECKSUM_BYTES));
  }

  /** Over all its blocks, in hex; ends the digesting. */
  digest(): string {
    return this.#digest.digest("hex");
  }
}
