// Faults of a sequence: they hit its victims alone. Mostly those are as many drives as parity makes good, so that whatever
// happens every object must stay readable, byte by byte; with one more a read may fail, clearly, and never give wrong
// bytes. Counts what it does.

import { DiskError } from "../../../src/disk/disk.ts";
import type { SimDrive } from "../../../src/disk/sim-drive.ts";
import type { SimEffect, SimFault } from "../../../src/disk/sim-fault.ts";
import type { Unsynced } from "../../../src/disk/sim-file.ts";
import type { SeededRandom } from "../../../src/util/seeded-random.ts";
import type { Journal } from "../world.ts";
import type { ModelStore } from "./model-store.ts";

/** Calls that still go well before one is hit. */
const SKIP_MAX = 6;
const TIMES_MAX = 4;
const SLOW_MS = 20;

type Kind = readonly [name: string, effect: SimEffect, more?: Partial<SimFault>];

/** The caller is told: while such a fault stands, the drive counts as failing. */
const LOUD: readonly Kind[] = [
  ["hang", { kind: "hang" }],
  ["slow", { kind: "slow", delayMs: SLOW_MS }],
  ["ENOSPC", { kind: "error", code: "ENOSPC" }, { calls: ["append", "create"] }],
  ["EIO of syncs", { kind: "error", code: "EIO" }, { calls: ["sync", "syncDirectory"] }],
  ["EIO", { kind: "error", code: "EIO" }],
  ["EROFS", { kind: "error", code: "EROFS" }, { calls: ["append", "create", "unlink"] }],
  ["short write", { kind: "short", code: "EIO" }],
  ["short write, full", { kind: "short", code: "ENOSPC" }],
  // Told to nobody, but where it hits the drive's identity the drive seems to be another's.
  ["flipped read", { kind: "flip" }, { calls: ["read"] }],
  ["stale read", { kind: "stale" }],
];

/** Nobody is told: what is stored, or read, is not what was meant. */
const SILENT: readonly Kind[] = [
  ["torn write", { kind: "torn" }],
  ["misdirected write", { kind: "misdirected", within: "shards/" }],
  ["flipped write", { kind: "flip" }, { calls: ["append"] }],
  ["lying sync", { kind: "lie" }],
];

export class ModelFaults {
  readonly #model: ModelStore;
  readonly #random: SeededRandom;
  readonly #journal: Journal;
  /** Slots of drives. */
  readonly #victims: readonly number[];
  /** Victims whose calls may fail now. */
  readonly #failing = new Set<SimDrive>();
  /** Whether something has rotted, or been stored wrongly, since the beginning. */
  #hasRot = false;

  constructor(model: ModelStore, random: SeededRandom, journal: Journal) {
    this.#model = model;
    this.#random = random;
    this.#journal = journal;
    const driveCount = model.disks.length;
    const count = random.below(4) === 0 ? model.parity + 1 : model.parity;
    const start = random.below(driveCount);
    const stride = random.below(2) === 0 ? 1 : driveCount - 1;
    this.#victims = Array.from({ length: count }, (_, nth) => (start + nth * stride) % driveCount);
  }

  get failingCount(): number {
    return this.#failing.size;
  }

  /** Whether more is broken than parity makes good. */
  get areTooMany(): boolean {
    return this.#victims.length > this.#model.parity && this.areAny;
  }

  get areAny(): boolean {
    return this.#failing.size > 0 || this.#hasRot;
  }

  /** Another fault, or the end of all that can end. */
  async next(): Promise<void> {
    const victim = this.#victim();
    const dice = this.#random.below(100);
    if (victim === undefined || dice < 30) await this.heal();
    else if (dice < 50) await this.#rot(victim);
    else if (dice < 65) this.#strike(victim, SILENT);
    else if (dice < 80) this.#takeOffline(victim);
    else this.#strike(victim, LOUD);
  }

  /** A power cut; the drives are well again after it, but for one that now and then is replaced by a blank one. */
  async crash(): Promise<void> {
    const kinds: readonly Unsynced[] = ["lost", "torn", "scattered"];
    const kind = kinds[this.#random.below(kinds.length)] ?? "lost";
    const isReplaced = this.#random.below(4) === 0;
    this.#failing.clear();
    if (isReplaced) this.#hasRot = true;
    await this.#model.crash(kind, isReplaced ? this.#victim() : undefined);
    this.#journal.note(`fault: power cut, ${kind}`);
    if (isReplaced) this.#journal.note("fault: drive replaced by a blank one");
  }

  /** Afterwards every drive answers, and the store knows it. */
  async heal(): Promise<void> {
    for (const disk of this.#model.disks) disk.heal();
    if (this.#failing.size > 0) this.#journal.note("drives returned", this.#failing.size);
    this.#failing.clear();
    // Calls that were under way may fail yet, and set their drive aside again.
    for (let turns = 0; turns < 20; turns += 1)
      await new Promise((resolve) => setImmediate(resolve));
    this.#model.passTime();
    const { life, store } = this.#model;
    await store.isWritable().catch((error: unknown) => {
      if (!life.isOver) throw error;
    });
  }

  #victim(): SimDrive | undefined {
    return this.#model.disks[this.#victims[this.#random.below(this.#victims.length)] ?? 0];
  }

  #takeOffline(victim: SimDrive): void {
    victim.setOffline(true);
    this.#failing.add(victim);
    this.#journal.note("fault: drive lost");
  }

  #strike(victim: SimDrive, kinds: readonly Kind[]): void {
    const kind = kinds[this.#random.below(kinds.length)];
    if (kind === undefined) return;
    const [name, effect, more] = kind;
    const isLasting = kinds === LOUD && this.#random.below(2) === 0;
    const times = isLasting ? Infinity : 1 + this.#random.below(TIMES_MAX);
    victim.inject({ ...more, effect, skip: this.#random.below(SKIP_MAX), times });
    if (kinds === LOUD) this.#failing.add(victim);
    else this.#hasRot = true;
    this.#journal.note(`fault: ${name}`);
  }

  async #rot(victim: SimDrive): Promise<void> {
    if (this.#failing.has(victim)) return;
    const files = await this.#model.shardFiles(victim);
    const path = files[this.#random.below(files.length)];
    if (path === undefined) return;
    try {
      await this.#damage(victim, path);
    } catch (error) {
      // Gone meanwhile: what a write that failed has left is removed when the drive lets it, at any time.
      if (!(error instanceof DiskError) || error.code !== "ENOENT") throw error;
    }
  }

  /** @throws DiskError ENOENT */
  async #damage(victim: SimDrive, path: string): Promise<void> {
    const file = await victim.open(path);
    const { sizeBytes } = file;
    await file.close();
    if (sizeBytes === 0) return;
    const dice = this.#random.below(10);
    if (dice < 6) {
      const offset = this.#random.below(sizeBytes);
      victim.corrupt(path, { kind: "flip", offset, bit: this.#random.below(8) });
      this.#journal.note("fault: bit flip");
    } else if (dice < 8) {
      victim.corrupt(path, { kind: "truncate", sizeBytes: this.#random.below(sizeBytes) });
      this.#journal.note("fault: truncated");
    } else if (dice < 9) {
      victim.corrupt(path, { kind: "extend", bytes: Buffer.alloc(1 + this.#random.below(5_000)) });
      this.#journal.note("fault: extended");
    } else {
      await victim.unlink(path);
      this.#journal.note("fault: shard gone");
    }
    this.#hasRot = true;
  }
}
