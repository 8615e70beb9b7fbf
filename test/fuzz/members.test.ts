// The metadata beside its members, through random histories: writers that die at any call to a member, start two at a
// time or come back beside a later one; members that are away, wiped, rotten, added, taken out; databases that are lost,
// stale, damaged, or from before there were members. What was acknowledged stays, what was seen stays, nobody writes who
// has been taken over from. Whatever number of drives is lost: a start has everything, or is refused; and with no more
// lost than may be, it is not refused. Replay with KINTSUGI_SEED=... KINTSUGI_HISTORIES=1.

import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { JournalError } from "../../src/journal/journal-member.ts";
import { MembersError } from "../../src/metadata/members/survey.ts";
import { QuorumLostError } from "../../src/metadata/members/member-group.ts";
import { openWithMembers } from "../../src/metadata/sqlite/open-with-members.ts";
import { copySnapshot, makeSnapshot } from "../../src/metadata/sqlite/snapshot-file.ts";
import { openForReading } from "../../src/metadata/sqlite/open-database.ts";
import { APPLICATION_ID, MIGRATIONS } from "../../src/metadata/sqlite/schema.ts";
import type { WriteRequest } from "../../src/metadata/write-operations.ts";
import { seededRandom, type SeededRandom } from "../../src/util/seeded-random.ts";
import { MemoryMember } from "../support/memory-member.ts";
import { DriveFates } from "./drive-fates.ts";

const SEED = Number(process.env["KINTSUGI_SEED"] ?? Date.now() % 2 ** 31);
const HISTORIES = Number(process.env["KINTSUGI_HISTORIES"] ?? 60);
/** Most of the time goes into opening files; none of them has to survive. */
const FAST_FOLDER = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const LIVES = 7;
const SHAPES = [
  { drives: 1, tolerated: 0 },
  { drives: 3, tolerated: 1 },
  { drives: 4, tolerated: 2 },
  { drives: 6, tolerated: 2 },
] as const;

test(`what a quorum held is never lost (seed ${SEED})`, { timeout: 3_600_000 }, async () => {
  const totals = newTotals();
  const fates: Record<string, number> = {};
  for (let history = 0; history < HISTORIES; history += 1) {
    const seed = SEED + history;
    const random = seededRandom(seed);
    const world = new World(random, SHAPES[seed % SHAPES.length] ?? SHAPES[0], totals);
    try {
      await world.run();
    } catch (error) {
      throw new Error(`KINTSUGI_SEED=${seed}: ${world.story.join("; ")}`, { cause: error });
    } finally {
      world.end();
    }
    for (const [name, count] of world.fates) fates[name] = (fates[name] ?? 0) + count;
  }
  console.log(JSON.stringify({ ...totals, ...fates }));
  // A run in which nothing is written, or nothing dies, proves nothing.
  expect(totals.acknowledged).toBeGreaterThan(HISTORIES * 5);
  expect(totals.deaths).toBeGreaterThan(HISTORIES);
});

function newTotals() {
  return {
    acknowledged: 0,
    starts: 0,
    refusals: 0,
    deaths: 0,
    adoptions: 0,
    races: 0,
    snapshots: 0,
    givenUp: 0,
  };
}

type Opened = Awaited<ReturnType<typeof openWithMembers>>;
type Outcome = "deaths" | "lived" | "refusals";

/** A process: dies at the n-th call to a member, and then nothing it does has an effect. */
class Life {
  readonly owner: string;
  /** Of its database. */
  path: string;
  left: number;
  isDead = false;
  opened: Opened | undefined;

  constructor(owner: string, path: string, left: number) {
    this.owner = owner;
    this.path = path;
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
  readonly story: string[] = [];
  readonly #random: SeededRandom;
  readonly #tolerated: number;
  readonly #totals: ReturnType<typeof newTotals>;
  readonly #drives: DriveFates;
  readonly #folder = mkdtempSync(join(FAST_FOLDER, "kintsugi-members-"));
  #path: string;
  #files = 0;
  readonly #born: Life[] = [];
  #written = 0;
  /** By setting's name: what must be there, and what may be. */
  readonly #acknowledged = new Map<string, string>();
  readonly #tried = new Map<string, string>();
  #old: Life | undefined;

  constructor(
    random: SeededRandom,
    { drives, tolerated }: { drives: number; tolerated: number },
    totals: ReturnType<typeof newTotals>,
  ) {
    this.#random = random;
    this.#tolerated = tolerated;
    this.#totals = totals;
    this.#drives = new DriveFates(random, { drives, tolerated }, (words) => this.story.push(words));
    this.#path = this.#newPath();
    if (random.below(4) === 0) this.#makeOld();
  }

  end(): void {
    // What dead processes have open; those that died within a start keep it: a few hundred histories a run.
    for (const { opened } of this.#born) closeQuietly(opened);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** What became of its drives, counted. */
  get fates(): readonly (readonly [string, number])[] {
    return Object.entries(this.#drives.counts);
  }

  async run(): Promise<void> {
    for (let step = 0; step < LIVES; step += 1) {
      const lives = [this.#newLife(this.#path)];
      if (this.#drives.hasStarted && this.#random.below(6) === 0) {
        lives.push(this.#newLife(this.#newPath()));
        this.#totals.races += 1;
      }
      const outcomes = await Promise.all(
        lives.map((life) => Promise.race([this.#live(life), this.#untilDead(life)])),
      );
      this.story.push(outcomes.join(" beside "));
      for (const outcome of outcomes) {
        this.#totals.starts += 1;
        if (outcome !== "lived") this.#totals[outcome] += 1;
      }
      if (outcomes[0] === "deaths") this.#path = this.#copyOf(this.#path);
      // Sometimes one that was stopped wakes up beside the next one.
      await this.#wake();
      if (lives.length === 1 && lives[0]?.opened !== undefined) [this.#old] = lives;
      this.#damage();
    }
    await this.#settle();
    this.#totals.acknowledged += this.#acknowledged.size;
  }

  #newLife(path: string): Life {
    const life = new Life(`owner-${this.#born.length}`, path, 5 + this.#random.below(200));
    this.#born.push(life);
    return life;
  }

  async #untilDead(life: Life): Promise<"deaths"> {
    for (;;) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      if (life.isDead) return "deaths";
    }
  }

  async #live(life: Life): Promise<Outcome> {
    let opened: Opened;
    try {
      opened = await this.#open(life);
    } catch (error) {
      this.story.push(`refused: ${String(error).slice(0, 200)}`);
      if (isRefusal(error)) return "refusals";
      throw error;
    }
    await life.survive();
    life.opened = opened;
    this.#check(life.path, "after a start");
    await this.#noteHealed(life, opened);
    for (let round = this.#random.below(12); round > 0; round -= 1) {
      if (this.#random.below(12) === 0) await this.#snapshot(life, opened);
      // A drive that goes in the middle takes part no more.
      if (this.#random.below(8) === 0) this.#drives.disk(this.#drives.any()).isAway = true;
      if (!(await this.#write(life, opened))) return "deaths";
    }
    closeQuietly(opened);
    return "lived";
  }

  #open(life: Life): Promise<Opened> {
    const members = this.#drives.ids.map(
      (driveId) => new MemoryMember(driveId, this.#drives.disk(driveId), life.beforeCall),
    );
    return openWithMembers({
      path: life.path,
      members,
      drives: this.#drives.ids,
      toleratedCount: this.#tolerated,
      owner: life.owner,
      clusterId: "cluster",
      acceptLoss: false,
      onProgress: () => {},
      onReport: () => {},
    });
  }

  /** Members that take part again have what they lost, once enough of them could make the database anew. */
  async #noteHealed(life: Life, opened: Opened): Promise<void> {
    const { group } = opened;
    if (group.sufficientCount <= this.#tolerated && !(await this.#snapshot(life, opened))) return;
    const good = group.goodMembers.map(({ driveId }) => driveId);
    const isEverybodyGood = group.report().members.every(({ driveId }) => good.includes(driveId));
    this.#drives.noteStart(good, isEverybodyGood);
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
    this.#drives.lastHeld = opened.group.position.digest;
    return true;
  }

  /** Whether enough members took one. */
  async #snapshot(life: Life, opened: Opened): Promise<boolean> {
    const { group } = opened;
    const file = join(this.#folder, `snapshot-${(this.#files += 1)}`);
    const database = openForReading(life.path);
    try {
      const info = await makeSnapshot(database, file);
      const members = group.goodMembers.slice(0, this.#tolerated + 1);
      for (const member of members) {
        await copySnapshot(file, info, { member, authority: group.authority });
      }
      if (members.length <= this.#tolerated) return false;
      group.noteSnapshot(
        members.map(({ driveId }) => driveId),
        info.sequence,
      );
      await group.appendRoster();
      for (const member of group.goodMembers) await member.cut(group.authority, info.sequence);
      this.#totals.snapshots += 1;
      return true;
    } catch (error) {
      // A member that went away, or another owner.
      expect(error).toBeInstanceOf(Error);
      return false;
    } finally {
      database.close();
      await life.survive();
    }
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

  /** Between two lives. */
  #damage(): void {
    this.#drives.damage();
    this.#drives.change();
    const kind = this.#random.below(6);
    // Before there are copies the file is the only one.
    if (!this.#drives.hasStarted) return;
    if (kind === 0) this.#path = this.#newPath();
    if (kind === 1 || kind === 2) this.#tearDatabase();
    // Without its log: with it, the head of the file would come from there, and rot in the rest is for verify to find.
    if (kind === 1) writeFileSync(this.#path, "this is no database, and never was one");
  }

  /** The connection of a process that died in here stays open: the next one finds the files as they were. */
  #copyOf(path: string): string {
    const copy = this.#newPath();
    for (const suffix of ["", "-wal"]) {
      if (existsSync(`${path}${suffix}`)) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
    }
    return copy;
  }

  #tearDatabase(): void {
    for (const suffix of ["-wal", "-shm"]) rmSync(`${this.#path}${suffix}`, { force: true });
  }

  /** All drives back: one start that lives, and everything is there. Then as many lost for good as may be. */
  async #settle(): Promise<void> {
    for (const disk of this.#drives.all) disk.isAway = false;
    this.story.push("all back");
    const settler = new Life("settler", this.#path, 100_000);
    try {
      const opened = await this.#open(settler);
      this.#check(settler.path, "with all drives");
      await this.#noteHealed(settler, opened);
      closeQuietly(opened);
    } catch (error) {
      if (!this.#drives.isBeyond || !isRefusal(error)) throw error;
      this.#totals.givenUp += 1;
      return;
    }
    const lost = this.#drives.lost();
    for (const driveId of this.#drives.ids.toSorted(() => this.#random.below(3) - 1)) {
      if (lost.size >= this.#tolerated) break;
      lost.add(driveId);
      this.#drives.disk(driveId).wipe();
    }
    this.story.push(`${[...lost].join()} lost for good`);
    const heir = new Life("heir", this.#newPath(), 100_000);
    closeQuietly(await this.#open(heir));
    this.#check(heir.path, `without ${[...lost].join()}`);
  }

  #check(path: string, when: string): void {
    const database = new Database(path, { readonly: true });
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
      expect(database.pragma("quick_check", { simple: true })).toBe("ok");
    } finally {
      database.close();
    }
  }

  /** A database as the first version of the schema wrote it, with something in it: the only copy. */
  #makeOld(): void {
    const database = new Database(this.#path);
    database.exec(MIGRATIONS[0] ?? "");
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.pragma("user_version = 1");
    for (const name of ["old-1", "old-2"]) {
      database.prepare("insert into settings (name, value) values (?, ?)").run(name, name);
      this.#tried.set(name, name);
      this.#acknowledged.set(name, name);
    }
    database.close();
    this.#totals.adoptions += 1;
    this.story.push("an old database");
  }

  #newPath(): string {
    return join(this.#folder, `metadata-${(this.#files += 1)}.db`);
  }
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof MembersError ||
    error instanceof QuorumLostError ||
    error instanceof JournalError
  );
}

function closeQuietly(opened: Opened | undefined): void {
  opened?.group.end();
  opened?.writer.close();
}
