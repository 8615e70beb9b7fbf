// Faults of a sequence: they hit its victims alone. Mostly those are two drives of six, so that whatever happens every
// object must stay readable, byte by byte; with three a read may fail, clearly, and never give wrong bytes. Counts what
// it does.

import type { SimDrive } from "../../../src/disk/sim-drive.ts";
import type { SeededRandom } from "../../../src/util/seeded-random.ts";
import type { Journal } from "../world.ts";
import { DRIVES, type ModelStore } from "./model-store.ts";

/** Of six drives. */
const PARITY = 2;

export class ModelFaults {
  readonly #model: ModelStore;
  readonly #random: SeededRandom;
  readonly #journal: Journal;
  readonly #victims: readonly SimDrive[];
  /** Victims whose calls may fail now. */
  readonly #failing = new Set<SimDrive>();
  /** Whether something has rotted since the beginning. */
  #hasRot = false;

  constructor(model: ModelStore, random: SeededRandom, journal: Journal) {
    this.#model = model;
    this.#random = random;
    this.#journal = journal;
    const count = random.below(4) === 0 ? PARITY + 1 : PARITY;
    const start = random.below(DRIVES);
    const stride = random.below(2) === 0 ? 1 : DRIVES - 1;
    const indexes = Array.from({ length: count }, (_, nth) => (start + nth * stride) % DRIVES);
    this.#victims = indexes.flatMap((index) => model.disks[index] ?? []);
  }

  get failingCount(): number {
    return this.#failing.size;
  }

  /** Whether more is broken than parity makes good. */
  get areTooMany(): boolean {
    return this.#victims.length > PARITY && this.areAny;
  }

  get areAny(): boolean {
    return this.#failing.size > 0 || this.#hasRot;
  }

  /** Another fault, or the end of all that can end. */
  async next(): Promise<void> {
    const victim = this.#victims[this.#random.below(this.#victims.length)];
    const dice = this.#random.below(100);
    if (victim === undefined || dice < 35) await this.heal();
    else if (dice < 65) await this.#rot(victim);
    else this.#fail(victim, dice);
  }

  /** The drives are well again: a crash has seen to that. */
  forget(): void {
    this.#failing.clear();
  }

  /** Afterwards every drive answers, and the store knows it. */
  async heal(): Promise<void> {
    for (const disk of this.#failing) disk.heal();
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

  #fail(victim: SimDrive, dice: number): void {
    const kind = this.#inject(victim, dice);
    this.#failing.add(victim);
    this.#journal.note(`fault: ${kind}`);
  }

  #inject(victim: SimDrive, dice: number): string {
    if (dice < 75) {
      victim.setOffline(true);
      return "drive lost";
    }
    const skip = this.#random.below(6);
    if (dice < 82) {
      victim.inject({ skip, effect: { kind: "hang" } });
      return "drive hangs";
    }
    if (dice < 88) {
      victim.inject({
        calls: ["append", "create"],
        skip,
        effect: { kind: "error", code: "ENOSPC" },
      });
      return "ENOSPC";
    }
    if (dice < 94) {
      victim.inject({
        calls: ["sync", "syncDirectory"],
        skip,
        times: 1,
        effect: { kind: "error", code: "EIO" },
      });
      return "EIO of a sync";
    }
    const times = 1 + this.#random.below(4);
    victim.inject({ skip, times, effect: { kind: "error", code: "EIO" } });
    return "EIO";
  }

  async #rot(victim: SimDrive): Promise<void> {
    if (this.#failing.has(victim)) return;
    const files = await this.#model.shardFiles(victim);
    const path = files[this.#random.below(files.length)];
    if (path === undefined) return;
    const file = await victim.open(path);
    const { sizeBytes } = file;
    await file.close();
    if (sizeBytes === 0) return;
    this.#hasRot = true;
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
  }
}
