// What the writer's thread runs: opens the database, applies groups, and when one is lost, opens it again. With members
// a lost group means a new epoch: everything is asked anew, every few seconds, until a quorum is there; meanwhile writes
// are refused and reads go on. A writer whose members have been taken over by another process never tries again.

import { dirname } from "node:path";
import type { Database } from "better-sqlite3";
import type { DriveId } from "../../core/ids.ts";
import type { JournalMember } from "../../journal/journal-member.ts";
import { isFenced, QuorumLostError, type MemberGroup } from "../members/member-group.ts";
import type { MemberSpec } from "../members/member-spec.ts";
import { RECORD_KIND } from "../../journal/journal-record.ts";
import { MembersError } from "../members/survey.ts";
import { GiveBack } from "./give-back.ts";
import { GroupWriter } from "./group-writer.ts";
import { HostMembers } from "./host-members.ts";
import { openBesideMembers, openForWriting } from "./open-database.ts";
import { openWithMembers, type OpenedWithMembers } from "./open-with-members.ts";
import { setAside } from "./restore-database.ts";
import { SnapshotSchedule } from "./snapshot-schedule.ts";
import {
  faultOf,
  messageOf,
  type FromWriter,
  type GroupReply,
  type MembersChange,
  type WriteGroup,
} from "./write-protocol.ts";

/** The members of the metadata, as plain data. */
export interface MembersPlan {
  /** Those that are there, in the order of their drives. */
  readonly specs: readonly MemberSpec[];
  /** All drives of the cluster, in the order of their slots. */
  readonly drives: readonly DriveId[];
  /** How many drives may be lost: m. */
  readonly toleratedCount: number;
  /** Names the process that may change them: 16 random hex digits. */
  readonly owner: string;
  /** The last epoch of a writer of this process whose place this one takes. */
  readonly lastEpoch?: number | undefined;
  readonly clusterId: string | undefined;
  readonly acceptLoss: boolean;
  /** No snapshot is taken before the records have grown to so many bytes. */
  readonly snapshotBytesMin?: number | undefined;
  /** How often members that are out are looked at. */
  readonly retryMs?: number | undefined;
}

export interface WriterHostOptions {
  /** Of metadata.db. */
  readonly path: string;
  /** Undefined: the database is the only copy. */
  readonly plan: MembersPlan | undefined;
  readonly send: (message: FromWriter) => void;
  /** How a member is reached; tests put their own hand between. */
  readonly openMember?: ((spec: MemberSpec) => Promise<JournalMember>) | undefined;
  /** Opens a database that is the only copy; tests put their own hand between. */
  readonly openSole?: (() => Database) | undefined;
}

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;
/** Who waits for the database to be made anew is told after so many tries in vain; they go on. */
const RESTORE_TRIES = 3;
const FENCED = "another process has taken over";

/** Told of each try that did not open the database. */
type TryInVain = (words: string, tries: number) => void;

export class WriterHost {
  readonly #options: WriterHostOptions;
  #writer: GroupWriter | undefined;
  #group: MemberGroup | undefined;
  #snapshots: SnapshotSchedule | undefined;
  readonly #members: HostMembers;
  /** As given, but for drives that have come or gone since. */
  #plan: MembersPlan | undefined;
  /** While who the members are changes: groups wait for it. */
  #changing: Promise<unknown> | undefined;
  #clusterId: string | undefined;
  #lastEpoch: number | undefined;
  #isClosed = false;
  #isFenced = false;
  #reopening: Promise<void> | undefined;
  #applying: Promise<unknown> | undefined;
  readonly #giveBack: GiveBack;
  #wait: { readonly timer: NodeJS.Timeout; readonly end: () => void } | undefined;

  constructor(options: WriterHostOptions) {
    this.#options = options;
    this.#giveBack = new GiveBack({
      folder: dirname(options.path),
      betweenGroups: (work) => this.#betweenGroups(work),
      takeSnapshot: (freeBytes) => this.#snapshots?.makeRoom(freeBytes) ?? false,
    });
    this.#plan = options.plan;
    this.#members = new HostMembers(options.openMember);
    this.#clusterId = options.plan?.clusterId;
    this.#lastEpoch = options.plan?.lastEpoch;
  }

  /** @throws when the metadata must not, or cannot, be opened. */
  async start(): Promise<void> {
    const { plan, send } = this.#options;
    if (plan === undefined) {
      this.#writer = this.#openSole();
      send({ kind: "ready", clusterId: undefined, remarks: [] });
      return;
    }
    for (const spec of plan.specs) await this.#members.add(spec);
    const remarks: string[] = [];
    try {
      remarks.push(...(await this.#open(plan)).remarks);
    } catch (error) {
      if (!(error instanceof QuorumLostError)) throw error;
      // What there is can be read, and will be.
      remarks.push(`the metadata cannot be changed yet: ${error.message}`);
      this.#reopenLater(plan);
    }
    send({ kind: "ready", clusterId: this.#clusterId, remarks });
  }

  async apply(group: WriteGroup): Promise<GroupReply> {
    const apply = (): Promise<GroupReply> => this.#apply(group);
    const applying = this.#changing === undefined ? apply() : this.#changing.then(apply, apply);
    this.#applying = applying;
    return applying;
  }

  async #apply(group: WriteGroup): Promise<GroupReply> {
    try {
      const writer = this.#writer ?? this.#reopenPlain();
      const answers = await writer.apply(group);
      this.#snapshots?.noteGroup();
      this.#giveBack.noteGroup();
      return { kind: "answers", answers };
    } catch (error) {
      // What the members may hold comes to be, though the database has no room for it now: that is no refusal.
      const mayComeToBe = this.#writer?.isHandedOver === true;
      this.#lose(error);
      const fault = faultOf(error);
      const isFull = fault.isFull && !mayComeToBe;
      const isAway = this.#options.plan !== undefined && !isFull;
      return { kind: "group-failed", fault: { ...fault, isFull, isAway } };
    }
  }

  /** A member that was not there at the start: it is brought up to date and takes part. */
  async addMember(spec: MemberSpec): Promise<void> {
    const member = await this.#members.add(spec);
    if (member !== undefined) this.#group?.add(member, undefined);
    // One that was waited for.
    this.#wait?.end();
  }

  /**
   * Drives have come or gone: members are chosen among these from now on. Those that are new are brought up to date first;
   * then a new epoch begins, for which writes wait. A later change ends one that waits. Resolves to why there is none.
   */
  async changeMembers(change: MembersChange): Promise<string | undefined> {
    await this.#changing?.catch(() => undefined);
    const [before, group] = [this.#plan, this.#group];
    if (before === undefined || group === undefined) return "the metadata takes no changes now";
    const plan = { ...before, drives: change.drives, toleratedCount: change.toleratedCount };
    this.#plan = plan;
    const hasEnded = (): boolean => this.#group !== group || this.#plan !== plan || this.#isClosed;
    const state = await this.#members.change(group, change, hasEnded);
    if (state === "same") return undefined;
    if (state === "behind") return "the new members are not up to date yet";
    if (hasEnded() || this.#changing !== undefined) return "the members are being opened anew";
    const beginning = this.#beginAnew(plan).finally(() => (this.#changing = undefined));
    this.#changing = beginning;
    return beginning;
  }

  /** A new epoch, with the members that the plan gives. Resolves to why there is none; then it goes on by itself. */
  async #beginAnew(plan: MembersPlan): Promise<string | undefined> {
    if (this.#writer === undefined) return "the writer has ended";
    await this.#giveUp();
    try {
      await this.#open(plan);
      return undefined;
    } catch (error) {
      if (isFenced(error)) this.#fence(error);
      else this.#reopenLater(plan);
      return messageOf(error);
    }
  }

  /** Resolves to why the database could not be made anew from the members, or not yet; undefined when it was. */
  async restore(): Promise<string | undefined> {
    const plan = this.#plan;
    if (plan === undefined) return "there are no members";
    if (this.#isFenced) return FENCED;
    // Two that open it at the same time would be two writers.
    if (this.#reopening ?? this.#changing) return "it is being opened anew already";
    return new Promise((resolve) => {
      const onTry = (words: string, tries: number): void => {
        if (tries === RESTORE_TRIES) resolve(`${words}. It goes on by itself`);
      };
      void this.#restoreNow(plan, onTry).then(resolve);
    });
  }

  async #restoreNow(plan: MembersPlan, onTry: TryInVain): Promise<string | undefined> {
    let problem: string | undefined;
    await this.#reopenAs(async () => {
      problem = await this.#setAside();
      await this.#reopen(plan, onTry);
    });
    if (this.#isFenced) return FENCED;
    return this.#writer === undefined ? "the writer has ended" : problem;
  }

  /** The group under way, if there is one, ends first; no other begins. */
  async #giveUp(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await this.#applying;
    await this.#snapshots?.stop();
    this.#group?.end();
    this.#group = undefined;
    writer?.close();
  }

  /** Resolves to why the database stands where it was; undefined when it does not. */
  async #setAside(): Promise<string | undefined> {
    await this.#giveUp();
    try {
      await setAside(this.#options.path);
      return undefined;
    } catch (error) {
      return `it could not be set aside: ${messageOf(error)}`;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#giveBack.close();
    this.#wait?.end();
    await this.#changing?.catch(() => undefined);
    await this.#reopening;
    await this.#snapshots?.stop();
    this.#group?.end();
    this.#writer?.close();
    this.#writer = undefined;
    await this.#members.close();
  }

  /** Where there is a writer, and no group under way: the work must not wait for anything. */
  async #betweenGroups(work: (writer: GroupWriter) => void): Promise<void> {
    await this.#applying;
    if (this.#writer !== undefined) work(this.#writer);
  }

  /** Without the pages that hold nothing. */
  #liveBytes(): number {
    if (this.#writer === undefined) return Infinity;
    const { count, free, sizeBytes } = this.#writer.pages;
    return (count - free) * sizeBytes;
  }

  /** Without members a connection that was given up is opened again by the next group. */
  #reopenPlain(): GroupWriter {
    if (this.#options.plan !== undefined) {
      throw new QuorumLostError(this.#isFenced ? FENCED : "the members of the metadata are away");
    }
    return (this.#writer = this.#openSole());
  }

  #openSole(): GroupWriter {
    const { path, openSole = () => openForWriting(path) } = this.#options;
    return new GroupWriter(openSole(), { hasMembers: false });
  }

  async #open(plan: MembersPlan): Promise<OpenedWithMembers> {
    const { path, send } = this.#options;
    const opened = await openWithMembers({
      ...plan,
      path,
      lastEpoch: this.#lastEpoch,
      clusterId: this.#clusterId,
      members: this.#members.inOrder(plan.drives),
      onProgress: (message) => send({ kind: "log", level: "info", message }),
      onReport: (report) => send({ kind: "report", report }),
    });
    this.#writer = opened.writer;
    this.#group = opened.group;
    this.#lastEpoch = opened.group.authority.epoch;
    this.#clusterId = opened.clusterId;
    this.#snapshots = new SnapshotSchedule({
      databasePath: path,
      liveBytes: () => this.#liveBytes(),
      group: opened.group,
      copies: plan.toleratedCount + 1,
      specs: () => this.#members.specs,
      onProblem: (message) => send({ kind: "log", level: "warn", message }),
      recordBytesMin: plan.snapshotBytesMin,
    });
    this.#snapshots.noteGroup();
    this.#giveBack.noteGroup();
    // It may also have been replaced by an attempt before this one.
    send({ kind: "replaced" });
    // Those that came meanwhile; the others are in it.
    for (const member of this.#members.all) opened.group.add(member, undefined);
    send({ kind: "report", report: opened.group.report() });
    return opened;
  }

  /** After a group that failed. Nothing else was under way: groups come one at a time. */
  #lose(error: unknown): void {
    const { path } = this.#options;
    const plan = this.#plan;
    const writer = this.#writer;
    this.#writer = undefined;
    if (plan === undefined || writer === undefined || this.#isClosed) return;
    const group = this.#group;
    if (!writer.isHandedOver && group !== undefined) {
      // The members know nothing of the group: the database alone is opened again.
      try {
        this.#writer = new GroupWriter(openBesideMembers(path), { hasMembers: true });
        this.#writer.useMembers((effects) => group.append(RECORD_KIND.changes, effects));
        return;
      } catch {
        // Then everything is opened again, below.
      }
    }
    // The last one that it gives: until there is another, nobody may take its members for good.
    if (group !== undefined) this.#options.send({ kind: "report", report: group.report() });
    group?.end();
    this.#group = undefined;
    if (isFenced(error)) this.#fence(error);
    else {
      this.#say(`a change was not held by enough members: ${messageOf(error)}`);
      this.#reopenLater(plan);
    }
  }

  #fence(error: unknown): void {
    this.#isFenced = true;
    this.#options.send({ kind: "fenced", message: messageOf(error) });
  }

  #reopenLater(plan: MembersPlan): void {
    if (this.#reopening === undefined) void this.#reopenAs(() => this.#reopen(plan));
  }

  #reopenAs(work: () => Promise<void>): Promise<void> {
    this.#reopening = work().finally(() => (this.#reopening = undefined));
    return this.#reopening;
  }

  /** Tries until it is open, closed or fenced. Never rejects. */
  async #reopen(plan: MembersPlan, onTry?: TryInVain): Promise<void> {
    await this.#snapshots?.stop();
    let waitMs = RETRY_MS_MIN;
    for (let tries = 1; !this.#isClosed; tries += 1) {
      try {
        const { remarks } = await this.#open(plan);
        for (const remark of remarks) this.#say(remark);
        this.#options.send({
          kind: "log",
          level: "info",
          message: "the metadata takes changes again",
        });
        return;
      } catch (error) {
        if (isFenced(error)) {
          this.#fence(error);
          return;
        }
        const isWait = error instanceof QuorumLostError || error instanceof MembersError;
        const state = isWait ? "waits for its members" : "could not be opened";
        const words = `the metadata ${state}: ${messageOf(error)}`;
        this.#say(words);
        onTry?.(words, tries);
        await this.#sleep(waitMs);
        waitMs = Math.min(waitMs * 2, RETRY_MS_MAX);
      }
    }
  }

  #sleep(timeMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#wait = undefined;
        resolve();
      };
      const timer = setTimeout(end, timeMs);
      this.#wait = { timer, end };
      if (this.#isClosed) end();
    });
  }

  #say(message: string): void {
    this.#options.send({ kind: "log", level: "warn", message });
  }
}
