// The metadata beside its members, through random histories: writers that die at any call to a member or come back beside
// an old one, members that are away, wiped or cut off, databases that are lost, stale or damaged. What was acknowledged
// stays, what was seen stays, and nobody writes who has been taken over from.

import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import type { DriveId } from "../../src/core/ids.ts";
import { JournalError } from "../../src/journal/journal-member.ts";
import { MembersError } from "../../src/metadata/members/survey.ts";
import { QuorumLostError } from "../../src/metadata/members/member-group.ts";
import { openWithMembers } from "../../src/metadata/sqlite/open-with-members.ts";
import { copySnapshot, makeSnapshot } from "../../src/metadata/sqlite/snapshot-file.ts";
import { openForReading } from "../../src/metadata/sqlite/open-database.ts";
import type { WriteRequest } from "../../src/metadata/write-operations.ts";
import { seededRandom, type SeededRandom } from "../../src/util/seeded-random.ts";
import { MemberDisk, MemoryMember } from "../support/memory-member.ts";

const SEED = Number(process.env["KINTSUGI_SEED"] ?? Date.now() % 2 ** 31);
const HISTORIES = Number(process.env["KINTSUGI_HISTORIES"] ?? 120);
/** Most of the time goes into opening files; none of them has to survive. */
const FAST_FOLDER = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const SHAPES = [
  { drives: 1, tolerated: 0 },
  { drives: 3, tolerated: 1 },
  { drives: 4, tolerated: 2 },
  { drives: 6, tolerated: 2 },
] as const;

test(`what a quorum held is never lost (seed ${SEED})`, { timeout: 240_000 }, async () => {
  const totals = { acknowledged: 0, starts: 0, refusals: 0, deaths: 0 };
  for (let history = 0; history < HISTORIES; history += 1) {
    const random = seededRandom(SEED + history);
    const world = new World(random, SHAPES[history % SHAPES.length] ?? SHAPES[0]);
    try {
      await world.run(totals);
    } catch (error) {
      throw new Error(`history ${history} of seed ${SEED}`, { cause: error });
    } finally {
      world.end();
    }
  }
  // A run in which nothing is written, or nothing dies, proves nothing.
  expect(totals.acknowledged).toBeGreaterThan(HISTORIES * 5);
  expect(totals.deaths).toBeGreaterThan(HISTORIES);
});

type Opened = Awaited<ReturnType<typeof openWithMembers>>;

/** A process: dies at the n-th call to a member, and then nothing it does has an effect. */
class Life {
  readonly owner: string;
  left: number;
  isDead = false;
  opened: Opened | undefined;

  constructor(owner: string, left: number) {
    this.owner = owner;
    this.left = left;
  }

  /** What a process does after its death does not happen. */
  async survive(): Promise<void> {
    if (this.isDead) await new Promise(() => {});
  }

  readonly beforeCall = async (): Promise<void> => {
    await Promise.resolve();
    this.left -= 1;
    if (this.left <= 0) this.isDead = true;
    // A dead process neither calls nor hears: what waits for it waits for ever.
    if (this.isDead) await new Promise(() => {});
  };
}

class World {
  readonly #random: SeededRandom;
  readonly #tolerated: number;
  readonly #driveIds: readonly DriveId[];
  readonly #disks = new Map<DriveId, MemberDisk>();
  readonly #folder = mkdtempSync(join(FAST_FOLDER, "kintsugi-members-"));
  #path: string;
  #files = 0;
  #lives = 0;
  #written = 0;
  /** By setting's name: what must be there, and what may be. */
  readonly #acknowledged = new Map<string, string>();
  readonly #tried = new Map<string, string>();
  #old: Life | undefined;

  constructor(random: SeededRandom, { drives, tolerated }: { drives: number; tolerated: number }) {
    this.#random = random;
    this.#tolerated = tolerated;
    this.#driveIds = Array.from({ length: drives }, (_, index) => `drive-${index}` as DriveId);
    for (const driveId of this.#driveIds) this.#disks.set(driveId, new MemberDisk());
    this.#path = this.#newPath();
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async run(totals: Record<"acknowledged" | "deaths" | "refusals" | "starts", number>) {
    for (let step = 0; step < 8; step += 1) {
      const life = new Life(`owner-${(this.#lives += 1)}`, 5 + this.#random.below(160));
      // Sometimes one that was stopped wakes up beside the next one.
      const outcome = await Promise.race([this.#live(life), this.#untilDead(life)]);
      totals.starts += 1;
      totals[outcome] += outcome === "acknowledged" ? 0 : 1;
      await this.#wake();
      if (life.opened !== undefined) this.#old = life;
      this.#damage();
    }
    await this.#settle();
    totals.acknowledged += this.#acknowledged.size;
  }

  async #untilDead(life: Life): Promise<"deaths"> {
    for (;;) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      if (!life.isDead) continue;
      this.#leaveDatabase();
      return "deaths";
    }
  }

  async #live(life: Life): Promise<"acknowledged" | "deaths" | "refusals"> {
    let opened: Opened;
    try {
      opened = await this.#open(life);
    } catch (error) {
      expect(error).toSatisfy(
        (each) =>
          each instanceof MembersError ||
          each instanceof QuorumLostError ||
          each instanceof JournalError,
      );
      return "refusals";
    }
    await life.survive();
    life.opened = opened;
    this.#check("after a start");
    for (let round = this.#random.below(12); round > 0; round -= 1) {
      if (this.#random.below(12) === 0) await this.#snapshot(life, opened);
      if (!(await this.#write(life, opened))) return "deaths";
    }
    closeQuietly(opened);
    return "acknowledged";
  }

  #open(life: Life, acceptLoss = false): Promise<Opened> {
    const members = this.#driveIds.map(
      (driveId) => new MemoryMember(driveId, this.#disk(driveId), life.beforeCall),
    );
    return openWithMembers({
      path: this.#path,
      members,
      drives: this.#driveIds,
      toleratedCount: this.#tolerated,
      owner: life.owner,
      clusterId: "cluster",
      acceptLoss,
      onProgress: () => {},
      onReport: () => {},
    });
  }

  async #write(life: Life, opened: Opened): Promise<boolean> {
    const requests: WriteRequest[] = [];
    const names: [string, string][] = [];
    for (let count = 1 + this.#random.below(3); count > 0; count -= 1) {
      const name = `setting-${(this.#written += 1)}`;
      const value = "v".repeat(this.#random.below(2_000)) + name;
      names.push([name, value]);
      this.#tried.set(name, value);
      requests.push({ name: "ensureSetting", input: { name, value } });
    }
    try {
      const answers = await opened.writer.apply({ kind: "group", nowMs: 1, requests });
      expect(answers.map(({ kind }) => kind)).toEqual(names.map(() => "done"));
    } catch {
      opened.group.end();
      return false;
    }
    await life.survive();
    for (const [name, value] of names) this.#acknowledged.set(name, value);
    return true;
  }

  async #snapshot(life: Life, opened: Opened): Promise<void> {
    const { group } = opened;
    const file = join(this.#folder, `snapshot-${(this.#files += 1)}`);
    const database = openForReading(this.#path);
    try {
      const info = await makeSnapshot(database, file);
      const members = group.goodMembers.slice(0, this.#tolerated + 1);
      for (const member of members) {
        await copySnapshot(file, info, { member, authority: group.authority });
      }
      if (members.length <= this.#tolerated) return;
      await group.appendRoster();
      for (const member of group.goodMembers) await member.cut(group.authority, info.sequence);
    } catch (error) {
      // A member that went away, or another owner.
      expect(error).toBeInstanceOf(Error);
    } finally {
      database.close();
    }
    await life.survive();
  }

  /** A process that was taken over from goes on where it stood: nothing of what it tries may stand as acknowledged. */
  async #wake(): Promise<void> {
    const old = this.#old;
    this.#old = undefined;
    if (old?.opened === undefined || old.isDead) return;
    old.left = 50;
    const isWritten = await Promise.race([
      this.#write(old, old.opened),
      this.#untilDead(old).then(() => false),
    ]);
    expect(isWritten, "a writer that was taken over from has written").toBe(false);
  }

  /** Between two lives: drives that go, come back and are replaced, never more than may; the database as well. */
  #damage(): void {
    const away = new Set<DriveId>();
    for (let count = this.#random.below(this.#tolerated + 1); count > 0; count -= 1) {
      away.add(this.#driveIds[this.#random.below(this.#driveIds.length)] ?? ("" as DriveId));
    }
    for (const driveId of this.#driveIds) this.#disk(driveId).isAway = away.has(driveId);
    const kind = this.#random.below(6);
    if (kind === 0) this.#path = this.#newPath();
    // Before there are copies the file is the only one, and whoever cannot read it is told so.
    if (kind === 1 && this.#acknowledged.size > 0)
      writeFileSync(this.#path, "this is no database, and never was one");
    if (kind === 2) this.#tearDatabase();
  }

  /** The connection of a process that died in here stays open: the next one finds the files as they were. */
  #leaveDatabase(): void {
    const left = this.#path;
    this.#path = this.#newPath();
    for (const suffix of ["", "-wal"]) {
      if (existsSync(`${left}${suffix}`))
        copyFileSync(`${left}${suffix}`, `${this.#path}${suffix}`);
    }
  }

  #tearDatabase(): void {
    for (const suffix of ["-wal", "-shm"]) rmSync(`${this.#path}${suffix}`, { force: true });
  }

  /** All drives back: one start that lives, and everything is there. Then as many lost for good as may be. */
  async #settle(): Promise<void> {
    for (const disk of this.#disks.values()) disk.isAway = false;
    closeQuietly(await this.#open(new Life("settler", 100_000)));
    this.#check("with all drives");
    const lost = this.#driveIds.toSorted(() => this.#random.below(3) - 1).slice(0, this.#tolerated);
    for (const driveId of lost) this.#disk(driveId).wipe();
    this.#path = this.#newPath();
    closeQuietly(await this.#open(new Life("heir", 100_000)));
    this.#check(`without ${lost.join()}`);
  }

  #check(when: string): void {
    const database = new Database(this.#path, { readonly: true });
    try {
      const rows = database
        .prepare<[], { name: string; value: string }>("select * from settings")
        .all();
      const found = new Map(rows.map(({ name, value }) => [name, value]));
      for (const [name, value] of this.#acknowledged)
        expect(found.get(name), `${name} ${when}`).toBe(value);
      for (const [name, value] of found) expect(this.#tried.get(name)).toBe(value);
      // What somebody has seen must stay.
      for (const [name, value] of found) this.#acknowledged.set(name, value);
      expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    } finally {
      database.close();
    }
  }

  #newPath(): string {
    return join(this.#folder, `metadata-${(this.#files += 1)}.db`);
  }

  #disk(driveId: DriveId): MemberDisk {
    const disk = this.#disks.get(driveId);
    if (disk === undefined) throw new Error(`there is no ${driveId}`);
    return disk;
  }
}

function closeQuietly(opened: Opened | undefined): void {
  opened?.group.end();
  opened?.writer.close();
}
