// The drives of a cluster in random histories: which are there, which have lost what they held, how many more may be lost.

import type { DriveId } from "../../src/core/ids.ts";
import { parseRoster, rostersInForce } from "../../src/metadata/members/roster.ts";
import type { SeededRandom } from "../../src/util/seeded-random.ts";
import { MemberDisk } from "../support/memory-member.ts";

export class DriveFates {
  ids: readonly DriveId[];
  /** Whether there are copies of anything yet. */
  hasStarted = false;
  /** More was lost than may be. */
  isBeyond = false;
  /** Since the drives were changed a start has lived, with all members. */
  isSettled = false;
  /** The chain's record in which the last acknowledged change is. */
  lastHeld: string | undefined;
  readonly counts = { wipes: 0, rot: 0, rottenSnapshots: 0, driveChanges: 0, tooMany: 0 };
  readonly #random: SeededRandom;
  readonly #tolerated: number;
  readonly #say: (words: string) => void;
  readonly #disks = new Map<DriveId, MemberDisk>();
  /** Drives that have lost what they held, and may not have it back; those of which nobody can know it. */
  readonly #hurt = new Set<DriveId>();
  readonly #hidden = new Set<DriveId>();

  constructor(
    random: SeededRandom,
    { drives, tolerated }: { drives: number; tolerated: number },
    say: (words: string) => void,
  ) {
    this.#random = random;
    this.#tolerated = tolerated;
    this.#say = say;
    this.ids = Array.from({ length: drives }, () => this.#add());
  }

  get all(): Iterable<MemberDisk> {
    return this.#disks.values();
  }

  /** Members that take part again have what they lost, and enough of them could make the database anew. */
  noteStart(good: readonly DriveId[], isEverybodyGood: boolean): void {
    this.hasStarted = true;
    for (const driveId of good) if (!this.#hidden.has(driveId)) this.#hurt.delete(driveId);
    this.isSettled = isEverybodyGood;
    // Who is no member any more has nothing to lose.
    for (const driveId of this.#hurt) if (!this.members.includes(driveId)) this.forget(driveId);
    if (this.#hurt.size <= this.#tolerated) this.isBeyond = false;
  }

  damage(): void {
    const away = new Set<DriveId>();
    const isTooMany = this.#random.below(10) === 0;
    const most = isTooMany ? this.ids.length : this.#tolerated;
    for (let count = this.#random.below(most + 1); count > 0; count -= 1) away.add(this.any());
    const kind = this.#random.below(8);
    if (kind < 4 && this.hasStarted) this.#hurtOne(kind, isTooMany);
    const isSafe = (): boolean => union(this.lost(), away).size <= this.#tolerated;
    // What nobody can notice is never more than may be; what is noticed may be: then it is refused.
    const isBound = this.#hidden.size > 0 || (!isTooMany && this.#hurt.size > 0);
    for (const driveId of away) if (isBound && !isSafe()) away.delete(driveId);
    for (const [driveId, disk] of this.#disks) disk.isAway = away.has(driveId);
    if (away.size > this.#tolerated) this.counts.tooMany += 1;
    this.#say(`away ${[...away].join()}`);
  }

  /** A drive that is replaced by a blank one, or whose bytes rot. */
  #hurtOne(kind: number, isTooMany: boolean): void {
    const driveId = this.any();
    const lost = this.lost().add(driveId);
    const isBeyond = lost.size > this.#tolerated;
    const isLast = this.members.every(
      (each) => each === driveId || this.disk(each).clusterId === undefined,
    );
    if (isLast || (isBeyond && (!isTooMany || kind > 1 || this.#hidden.size > 0))) return;
    const disk = this.disk(driveId);
    const record =
      disk.records[this.#random.below(Math.max(disk.records.length - (isBeyond ? 1 : 0), 1))];
    const [snapshot] = disk.snapshots;
    if (kind === 0 || this.#hidden.has(driveId)) {
      disk.wipe();
      disk.hidesRot = false;
      this.#hidden.delete(driveId);
      this.counts.wipes += 1;
    } else if (kind === 3) {
      if (snapshot === undefined) return;
      snapshot.bytes.writeUInt8(snapshot.bytes.readUInt8(100) ^ 1, 100);
      this.#hidden.add(driveId);
      this.counts.rottenSnapshots += 1;
    } else {
      if (record === undefined || (isBeyond && disk.records.at(-1) === record)) return;
      record.isRotten = true;
      disk.hidesRot = kind === 2;
      if (kind === 2) this.#hidden.add(driveId);
      this.counts.rot += 1;
    }
    this.#hurt.add(driveId);
    this.isBeyond ||= isBeyond;
    this.#say(`${driveId} ${["wiped", "rotten", "rotten, unseen", "its snapshot rotten"][kind]}`);
  }

  /** The cluster grows, or a drive is taken out of it: one step after the other. */
  change(): void {
    if (!this.isSettled || this.#hurt.size > 0 || this.#random.below(6) > 0) return;
    const isRemoval = this.ids.length > 2 * this.#tolerated + 1 && this.#random.below(2) === 0;
    const gone = this.any();
    if (isRemoval && union(this.lost(), new Set([gone])).size > this.#tolerated) return;
    this.isSettled = false;
    this.counts.driveChanges += 1;
    if (isRemoval) this.ids = this.ids.filter((driveId) => driveId !== gone);
    else this.ids = [...this.ids, this.#add()];
    this.#say(isRemoval ? `${gone} is taken out` : "a drive is added");
  }

  /** Members that lack something of what was acknowledged, or do not know that they have it all. */
  lost(): Set<DriveId> {
    const { records: chain } = this.#best;
    const at = chain.findIndex(({ head }) => head.digest === this.lastHeld);
    const holds = (driveId: DriveId): boolean =>
      this.disk(driveId).records.some(({ head }) =>
        chain.slice(Math.max(at, 0)).some((record) => record.head.digest === head.digest),
      );
    const lacks = this.members.filter(
      (driveId) =>
        !holds(driveId) || this.disk(driveId).isIncomplete || !this.ids.includes(driveId),
    );
    return new Set([...this.#hurt, ...lacks]);
  }

  /** Who has the longest chain. */
  get #best(): MemberDisk {
    const disks = [...this.#disks.values()].toSorted((a, b) => {
      const [left, right] = [headOf(a), headOf(b)];
      return right.epoch - left.epoch || right.sequence - left.sequence;
    });
    return disks[0] ?? new MemberDisk();
  }

  /** As the longest chain names them. */
  get members(): readonly DriveId[] {
    const roster = this.#best.roster;
    if (roster === undefined) return this.ids;
    // While they change, those before have a say.
    return [...new Set(rostersInForce(parseRoster(roster)).flatMap(({ members }) => members))];
  }

  forget(driveId: DriveId): void {
    this.#hurt.delete(driveId);
    this.#hidden.delete(driveId);
  }

  #add(): DriveId {
    const driveId = `drive-${this.#disks.size}` as DriveId;
    this.#disks.set(driveId, new MemberDisk());
    return driveId;
  }

  any(): DriveId {
    return this.ids[this.#random.below(this.ids.length)] ?? ("" as DriveId);
  }

  disk(driveId: DriveId): MemberDisk {
    const disk = this.#disks.get(driveId);
    if (disk === undefined) throw new Error(`there is no ${driveId}`);
    return disk;
  }
}

function headOf(disk: MemberDisk): { readonly epoch: number; readonly sequence: number } {
  return disk.intact.at(-1)?.head ?? disk.base;
}

function union<Value>(one: ReadonlySet<Value>, two: ReadonlySet<Value>): Set<Value> {
  return new Set([...one, ...two]);
}
