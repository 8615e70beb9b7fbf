// Where several processes write: each sends one group at a time, and what waits of all of them becomes one group, in the
// order in which they came, bounded as each of them is. One transaction, one record for the members, and to each source
// its part of the answers. A transaction has its cost, however small it is; so under load, where one takes its time, those
// that came with the last group, and will be back in a moment, are waited for: else each process would go alone, in turn
// with the others.

import { setImmediate as nextTurn } from "node:timers/promises";
import { CALLERS_MIN, CallerEstimate, gatheringMs } from "../../util/gathering.ts";
import { GROUP_ROWS_MAX, GROUP_SIZE_MAX, rowsOf } from "./group-bounds.ts";
import type { GroupReply, WriteAnswer, WriteGroup } from "./write-protocol.ts";
import type { WriteRequest } from "../write-operations.ts";

/** After groups that take less nobody is waited for: a timer's wait would be longer than what it spares. */
const WAITED_FOR_MS_MIN = 2;

/** A group of one source, and where its reply goes. */
export interface SentGroup {
  /** Whoever sent it: always the same object. */
  readonly source: object;
  readonly group: WriteGroup;
  readonly reply: (reply: GroupReply) => void;
}

export interface WriteMergerOptions {
  readonly apply: (group: WriteGroup) => Promise<GroupReply>;
  /** Whether there are others than the process itself: then groups that have arrived at the same time go together. */
  readonly hasOthers: () => boolean;
  /** Monotonic time in milliseconds. */
  readonly now?: (() => number) | undefined;
}

export class WriteMerger {
  readonly #options: WriteMergerOptions;
  #waiting: SentGroup[] = [];
  #applying: Promise<void> | undefined;
  #isScheduled = false;
  #isClosed = false;
  /** Sources that are waited for. */
  #awaited = new Set<object>();
  #onGathered: (() => void) | undefined;
  /** How long the last one took to apply. */
  #tookMs = Infinity;
  readonly #now: () => number;
  readonly #callers = new CallerEstimate();

  constructor(options: WriteMergerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Exactly one reply comes. */
  submit(sent: SentGroup): void {
    if (this.#isClosed) {
      sent.reply(endedReply());
      return;
    }
    this.#waiting.push(sent);
    this.#noteCome(sent.source);
    if (this.#applying !== undefined || this.#isScheduled) return;
    if (!this.#options.hasOthers()) {
      this.#start();
      return;
    }
    // Once all sockets have been looked at that have something.
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#applying === undefined) this.#start();
    });
  }

  /** Forgets a group that has not been begun: whoever sent it is gone. */
  withdraw(sent: SentGroup): void {
    this.#waiting = this.#waiting.filter((each) => each !== sent);
  }

  /** Refuses what waits and what comes; resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reply } of this.#waiting.splice(0)) reply(endedReply());
    this.#onGathered?.();
    await this.#applying;
  }

  #start(): void {
    if (this.#waiting.length === 0) return;
    this.#applying = this.#run();
  }

  /** A fault that is no reply leaves an unknown state: the thread dies of it. */
  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const sent = this.#waiting.splice(0, countOf(this.#waiting));
      const begunAt = this.#now();
      const reply = await this.#options.apply(merged(sent));
      const waitMs = this.#waitMs(this.#now() - begunAt);
      split(sent, reply);
      if (!this.#options.hasOthers()) continue;
      const callers = this.#callers.note(sizeOf(sent) + sizeOf(this.#waiting));
      if (waitMs === 0 || callers < CALLERS_MIN) await nextTurn();
      else await this.#gather(sent, waitMs);
    }
    this.#applying = undefined;
  }

  /**
   * How long others are waited for after a group that took so long. Not at all where one takes next to no time, going by the
   * last two, for now and then one does more than its own work: cores would have nothing to do meanwhile.
   */
  #waitMs(tookMs: number): number {
    const usualMs = Math.min(tookMs, this.#tookMs);
    this.#tookMs = tookMs;
    return usualMs < WAITED_FOR_MS_MIN ? 0 : gatheringMs(usualMs);
  }

  /** Resolves once those that were just answered are there again, at the latest after that time. */
  async #gather(answered: readonly SentGroup[], waitMs: number): Promise<void> {
    if (this.#isClosed || sizeOf(this.#waiting) >= GROUP_SIZE_MAX) return;
    const come = new Set(this.#waiting.map(({ source }) => source));
    this.#awaited = new Set(answered.map(({ source }) => source).filter((each) => !come.has(each)));
    if (this.#awaited.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onGathered = resolve;
      timer = setTimeout(resolve, waitMs);
    });
    clearTimeout(timer);
    this.#onGathered = undefined;
    this.#awaited.clear();
  }

  #noteCome(source: object): void {
    if (this.#awaited.delete(source) && this.#awaited.size === 0) this.#onGathered?.();
  }
}

function sizeOf(groups: readonly SentGroup[]): number {
  let size = 0;
  for (const { group } of groups) size += group.requests.length;
  return size;
}

/** How many of those that wait go together: at least one. */
function countOf(waiting: readonly SentGroup[]): number {
  let size = 0;
  let rowCount = 0;
  for (const [count, { group }] of waiting.entries()) {
    size += group.requests.length;
    for (const request of group.requests) rowCount += rowsOf(request);
    if (count > 0 && (size > GROUP_SIZE_MAX || rowCount > GROUP_ROWS_MAX)) return count;
  }
  return waiting.length;
}

function merged(sent: readonly SentGroup[]): WriteGroup {
  const [first] = sent;
  if (first !== undefined && sent.length === 1) return first.group;
  const requests: WriteRequest[] = [];
  let nowMs = 0;
  for (const { group } of sent) {
    for (const request of group.requests) requests.push(request);
    nowMs = Math.max(nowMs, group.nowMs);
  }
  return { kind: "group", nowMs, requests };
}

/** Pushed, not sliced: see WriteQueue. */
function split(sent: readonly SentGroup[], reply: GroupReply): void {
  if (reply.kind === "group-failed" || sent.length === 1) {
    for (const each of sent) each.reply(reply);
    return;
  }
  let place = 0;
  for (const { group, reply: replyTo } of sent) {
    const answers: WriteAnswer[] = [];
    for (const _ of group.requests) {
      const answer = reply.answers[place];
      if (answer !== undefined) answers.push(answer);
      place += 1;
    }
    replyTo({ kind: "answers", answers, othersCount: reply.answers.length - answers.length });
  }
}

function endedReply(): GroupReply {
  const message = "the metadata is closed";
  return { kind: "group-failed", fault: { message, isFull: false, isAway: true } };
}
