// A journal member on a drive that loses power, or errs, in the middle of anything: random calls, each cut off at a random
// call of the disk. What was acknowledged is there afterwards; what was not is there whole or not at all. What promise
// has reported survives the next power cut too, even when a killed process left it in the kernel's memory alone.

import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import type { DriveId } from "../../../src/core/ids.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import type { SimEffect } from "../../../src/disk/sim-fault.ts";
import {
  CHAIN_START,
  JournalError,
  type ChainPosition,
  type JournalMember,
  type SnapshotInfo,
} from "../../../src/journal/journal-member.ts";
import { openLocalMember } from "../../../src/journal/local-member.ts";
import { seededRandom, type SeededRandom } from "../../../src/util/seeded-random.ts";
import {
  authority,
  bytesOf,
  LAB_CLUSTER,
  pieces,
  readAll,
  readSnapshot,
  records,
  snapshot,
  type ChainRecord,
} from "../../contract/chain-records.ts";

const DRIVE = "6d1f6e1a-3a0c-4b58-9a44-0000000000d1" as DriveId;
const SEQUENCES = Number(process.env["JOURNAL_SEQUENCES"] ?? 150);
const STEPS = 12;

/** What the member should hold. */
interface Content {
  readonly base: ChainPosition;
  readonly chain: readonly ChainRecord[];
}

/** A call, and what it may have led to when it is cut off; the last is what it leads to. */
interface Step {
  readonly name: string;
  readonly run: (member: JournalMember) => Promise<void>;
  readonly outcomes: readonly Content[];
  readonly snapshot?: SnapshotInfo;
  /** The base may then lie anywhere up to there. */
  readonly cutSequence?: number;
  /** It says that the chain is whole, or begins it anew. */
  readonly leaves?: "incomplete" | "whole";
}

test(`F10 F44 F46 nothing acknowledged is lost, nothing else appears (${SEQUENCES} sequences)`, async () => {
  const seed = Number(process.env["JOURNAL_SEED"] ?? randomInt(2 ** 31));
  console.log(`local-member-crash: JOURNAL_SEED=${seed}`);
  const counts = new Map<string, number>();
  for (let index = 0; index < SEQUENCES; index += 1) {
    const lab = new CrashLab(seed + index, counts);
    await lab.run().catch((error: unknown) => {
      throw new Error(`JOURNAL_SEED=${seed + index}: ${lab.story.join("; ")}`, { cause: error });
    });
  }
  // Every kind of call was both cut off and completed.
  for (const name of ["append", "cut", "promise", "snapshot", "truncate"]) {
    expect(counts.get(`${name} done`), name).toBeGreaterThan(0);
    expect(counts.get(`${name} cut off`), name).toBeGreaterThan(0);
  }
}, 120_000);

class CrashLab {
  readonly story: string[] = [];
  readonly #counts: Map<string, number>;
  readonly #random: SeededRandom;
  readonly #drive: SimDrive;
  #member: JournalMember;
  #epoch = 0;
  #content: Content = { base: CHAIN_START, chain: [] };
  #isBegun = false;
  #snapshots: SnapshotInfo[] = [];
  /** No crash makes a member take itself for one that has lost something. */
  #isWhole = false;

  constructor(seed: number, counts: Map<string, number>) {
    this.#counts = counts;
    this.#random = seededRandom(seed);
    this.#drive = new SimDrive({ seed, wait: async () => undefined });
    this.#member = this.#open();
  }

  async run(): Promise<void> {
    for (let index = 0; index < STEPS; index += 1) await this.#step();
    this.#drive.crash("lost");
    this.#member = this.#open();
    await this.#settle([this.#content], undefined);
  }

  async #step(): Promise<void> {
    const step = this.#choose();
    const dies = this.#random.below(3) > 0;
    const effect = this.#effect(dies);
    const skip = this.#random.below(30);
    this.#drive.inject({ skip, effect, ...(dies ? {} : { times: 1 }) });
    const failure = await step.run(this.#member).then(
      () => undefined,
      (error: unknown) => error,
    );
    this.#drive.heal();
    if (failure !== undefined && !(failure instanceof JournalError)) throw failure;
    this.story.push(`${step.name} ${failure === undefined ? "done" : "cut off"} at ${skip}`);
    const kind = step.name.split(" ")[0] ?? "";
    this.#count(`${kind} ${failure === undefined ? "done" : "cut off"}`);
    if (step.leaves === "incomplete") this.#isWhole = false;
    else if (step.leaves === "whole" && failure === undefined) this.#isWhole = true;
    if (step.snapshot !== undefined) this.#snapshots.push(step.snapshot);
    const outcomes = failure === undefined ? step.outcomes.slice(-1) : step.outcomes;
    if (failure === undefined && this.#random.below(2) === 0) {
      this.#content = outcomes[0] ?? this.#content;
      await this.#check(this.#content, step.cutSequence);
      return;
    }
    if (dies) this.#restart();
    await this.#settle(outcomes, step.cutSequence);
  }

  #effect(dies: boolean): SimEffect {
    if (dies) return { kind: "error", code: "EIO" };
    const effects: SimEffect[] = [
      { kind: "error", code: "EIO" },
      { kind: "error", code: "ENOSPC" },
      { kind: "hang" },
      { kind: "short", code: "ENOSPC" },
    ];
    return effects[this.#random.below(effects.length)] ?? { kind: "hang" };
  }

  /** The process is killed; often the power goes too. */
  #restart(): void {
    const kinds = ["kill", "lost", "torn", "scattered"] as const;
    const kind = kinds[this.#random.below(kinds.length)] ?? "lost";
    this.story.push(kind);
    if (kind !== "kill") this.#drive.crash(kind);
    this.#member = this.#open();
  }

  /** A higher epoch is promised; what is reported then must be one of the outcomes, and is what counts from here on. */
  async #settle(outcomes: readonly Content[], cutSequence: number | undefined): Promise<void> {
    this.#epoch += 1;
    let state = await this.#member.inspect();
    if ((state.promised?.epoch ?? 0) >= this.#epoch) this.#epoch = (state.promised?.epoch ?? 0) + 1;
    state = await this.#member.promise(authority(this.#epoch));
    if (state.isBlank) {
      expect(this.#isBegun).toBe(false);
      return;
    }
    const found = outcomes.find(
      ({ base, chain }) => (chain.at(-1)?.position ?? base).digest === state.head.digest,
    );
    expect(found, `head ${state.head.sequence}, ${state.remarks.join("; ")}`).not.toBe(undefined);
    this.#content = found ?? this.#content;
    await this.#check(this.#content, cutSequence);
  }

  async #check({ base, chain }: Content, cutSequence: number | undefined): Promise<void> {
    const state = await this.#member.inspect();
    if (state.isBlank) {
      expect(this.#isBegun && chain.length > 0).toBe(false);
      return;
    }
    this.#isBegun = true;
    if (this.#isWhole) expect(state.isIncomplete, state.remarks.join("; ")).toBe(false);
    const head = chain.at(-1)?.position ?? base;
    expect(state.head).toEqual(head);
    expect(state.base.sequence).toBeGreaterThanOrEqual(base.sequence);
    expect(state.base.sequence).toBeLessThanOrEqual(Math.max(cutSequence ?? 0, base.sequence));
    const kept = chain.filter(({ position }) => position.sequence > state.base.sequence);
    const read = await readAll(this.#member, state.base.sequence + 1);
    // Compared at once: toEqual takes bytes one by one.
    expect(Buffer.concat(read).equals(Buffer.concat(bytesOf(kept)))).toBe(true);
    this.#content = { base: state.base, chain: kept };
    if (state.snapshot === undefined) return;
    expect(this.#snapshots).toContainEqual(state.snapshot);
    await readSnapshot(this.#member, state.snapshot);
  }

  #choose(): Step {
    const { chain, base } = this.#content;
    const kind = this.#random.below(10);
    if (!this.#isBegun) return kind < 5 ? this.#promise() : this.#truncate(base, []);
    if (kind < 5) return this.#append();
    if (kind === 5) return this.#promise();
    if (kind === 6) return this.#cut();
    if (kind === 7) return this.#snapshot();
    if (kind === 8) {
      const count =
        this.#random.below(2) === 0 ? chain.length : this.#random.below(chain.length + 1);
      return this.#truncate(base, chain.slice(0, count));
    }
    const [other] = records(1, { after: this.#random.below(50) });
    return this.#truncate(other.position, []);
  }

  #append(): Step {
    const { chain, base } = this.#content;
    const count = 1 + this.#random.below(5);
    const payloadBytes = this.#random.below(3) === 0 ? 1_500 : 200;
    const from = chain.at(-1)?.position ?? base;
    const batch = records(count, { from, epoch: Math.max(this.#epoch, from.epoch), payloadBytes });
    const outcomes = Array.from({ length: count + 1 }, (_, kept) => {
      return { base, chain: [...chain, ...batch.slice(0, kept)] };
    });
    const run = (member: JournalMember) => member.append(authority(this.#epoch), bytesOf(batch));
    return { name: `append ${count}`, run, outcomes };
  }

  #promise(): Step {
    this.#epoch += 1;
    const run = async (member: JournalMember): Promise<void> => {
      await member.promise(authority(this.#epoch));
    };
    return { name: "promise", run, outcomes: [this.#content] };
  }

  #cut(): Step {
    const { chain, base } = this.#content;
    const cutSequence = base.sequence + this.#random.below(chain.length + 1);
    const run = async (member: JournalMember) => {
      await member.cut(authority(this.#epoch), cutSequence);
    };
    return { name: `cut ${cutSequence}`, run, outcomes: [this.#content], cutSequence };
  }

  #snapshot(): Step {
    const { chain, base } = this.#content;
    const at = chain[this.#random.below(Math.max(chain.length, 1))]?.position ?? base;
    const { info, bytes } = snapshot(at, 100_000);
    const run = (member: JournalMember) =>
      member.writeSnapshot(authority(this.#epoch), info, pieces(bytes));
    return { name: "snapshot", run, outcomes: [this.#content], snapshot: info };
  }

  #truncate(base: ChainPosition, chain: readonly ChainRecord[]): Step {
    const position = chain.at(-1)?.position ?? base;
    const run = (member: JournalMember) =>
      member.truncate(authority(this.#epoch), position, LAB_CLUSTER);
    const outcomes = [this.#content, { base, chain }];
    const isAnew = !this.#isBegun || base.digest !== this.#content.base.digest;
    const isAtHead = !isAnew && chain.length === this.#content.chain.length;
    const leaves = isAnew ? "incomplete" : "whole";
    const whole = isAnew || isAtHead ? ({ leaves } as const) : {};
    return { name: `truncate ${position.sequence}`, run, outcomes, ...whole };
  }

  #open(): JournalMember {
    return openLocalMember({
      disk: this.#drive,
      driveId: DRIVE,
      segmentBytesMax: 3_000,
      readBytesMax: this.#random.below(2) * 1_000_000,
      checkPresent: async () => undefined,
    });
  }

  #count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }
}
