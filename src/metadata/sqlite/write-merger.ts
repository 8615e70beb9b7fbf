// Where several processes write: each sends one group at a time, and what waits of all of them becomes one group, in the
// order in which they came, bounded as each of them is. One transaction, one record for the members, and to each source
// its part of the answers.

import { GROUP_ROWS_MAX, GROUP_SIZE_MAX, rowsOf } from "./group-bounds.ts";
import type { GroupReply, WriteAnswer, WriteGroup } from "./write-protocol.ts";
import type { WriteRequest } from "../write-operations.ts";

/** A group of one source, and where its reply goes. */
export interface SentGroup {
  readonly group: WriteGroup;
  readonly reply: (reply: GroupReply) => void;
}

export interface WriteMergerOptions {
  readonly apply: (group: WriteGroup) => Promise<GroupReply>;
  /** Whether there are others than the process itself: then groups that have arrived at the same time go together. */
  readonly hasOthers: () => boolean;
}

export class WriteMerger {
  readonly #options: WriteMergerOptions;
  #waiting: SentGroup[] = [];
  #applying: Promise<void> | undefined;
  #isScheduled = false;
  #isClosed = false;

  constructor(options: WriteMergerOptions) {
    this.#options = options;
  }

  /** Exactly one reply comes. */
  submit(sent: SentGroup): void {
    if (this.#isClosed) {
      sent.reply(endedReply());
      return;
    }
    this.#waiting.push(sent);
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
      split(sent, await this.#options.apply(merged(sent)));
    }
    this.#applying = undefined;
  }
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
    replyTo({ kind: "answers", answers });
  }
}

function endedReply(): GroupReply {
  const message = "the metadata is closed";
  return { kind: "group-failed", fault: { message, isFull: false, isAway: true } };
}
