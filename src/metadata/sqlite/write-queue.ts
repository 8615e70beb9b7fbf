// Gathers writes into groups for the one writer: while a group is on its way the next one fills, so that many writes
// share a commit. Bounded by what it holds, and by how long that will take: past the limits a write is refused with SlowDown.
// And never waited for without end: while the writer does not answer, because its disk hangs, or is being replaced, writes
// are refused with ServiceUnavailable.

import { errorOf } from "../refusal.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { Clock } from "../../util/clock.ts";
import { withDeadline } from "../../util/deadline.ts";
import { Gathering } from "../../util/gathering.ts";
import type { WriteName, WritePort, WriteRequest, WriteResult } from "../write-operations.ts";
import { GROUP_ROWS_MAX, GROUP_SIZE_MAX, heldBytesOf, rowsOf } from "./group-bounds.ts";
import {
  faultOf,
  type Fault,
  type GroupReply,
  type ToWriter,
  type WriteAnswer,
  type WriteGroup,
} from "./write-protocol.ts";

/** Of the writes that wait for their group: 4 KiB from each of 14,000 connections, or 128 times a thousand keys to delete. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
/** What waits is to be written by then, going by the last group: clients wait a minute, most of them. */
const QUEUE_MS_MAX = 20_000;
/** How long a group may take. Emptying a store of millions of rows stays below that; a disk that hangs does not. */
const GROUP_MS_MAX = 30_000;

/** The way to the writer. Exactly one reply comes to each group. */
export interface WriterTransport {
  send(message: ToWriter): void;
  /** Resolves when the writer has ended. */
  close(): Promise<void>;
}

interface Waiting {
  readonly request: WriteRequest;
  readonly heldBytes: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class WriteQueue implements WritePort {
  readonly #transport: WriterTransport;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  /** What those that wait hold. */
  #waitingBytes = 0;
  #underway: readonly Waiting[] = [];
  #isScheduled = false;
  /** The group underway is late: its writers have been told so, and its reply is still to come. */
  #isStalled = false;
  #deadline: NodeJS.Timeout | undefined;
  readonly #gathering = new Gathering(() => this.#schedule());
  /** When the group underway was sent, in monotonic milliseconds. */
  #sentAt = 0;
  /** The last group. */
  #tookMs = 0;
  /** The writer has died, and the next one is not there yet: why. */
  #interruption: Error | undefined;
  /** Why no more writes are taken. */
  #ended: Error | undefined;
  #hasFailed = false;
  #drained: (() => void) | undefined;

  constructor(transport: WriterTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  submit<Name extends WriteName>(request: WriteRequest<Name>): Promise<WriteResult<Name>> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) throw this.#ended;
      if (this.#isStalled) throw stalledError();
      if (this.#interruption !== undefined) throw unavailable(this.#interruption);
      if (this.#isFull()) throw new S3Error("SlowDown");
      // The writer answers a request with the result of its own name: the protocol says so, not the type.
      const answered = resolve as (result: unknown) => void;
      const own = detached(request);
      const heldBytes = heldBytesOf(request);
      this.#waitingBytes += heldBytes;
      this.#waiting.push({ request: own, heldBytes, resolve: answered, reject });
      this.#schedule();
    });
  }

  #isFull(): boolean {
    const waitMs = Math.floor(this.#waiting.length / GROUP_SIZE_MAX) * this.#tookMs;
    return this.#waitingBytes >= QUEUE_BYTES_MAX || waitMs > QUEUE_MS_MAX;
  }

  /** Takes the writer's reply to the group underway. */
  receive(message: GroupReply): void {
    const group = this.#underway;
    const tookMs = this.#clock.monotonic() - this.#sentAt;
    this.#tookMs = tookMs;
    this.#underway = [];
    this.#isStalled = false;
    clearTimeout(this.#deadline);
    if (this.#ended === undefined) {
      const cost = { othersCount: othersOf(message), tookMs };
      this.#gathering.begin(group.length, this.#waiting.length, cost);
    }
    if (message.kind === "answers") {
      group.forEach((waiting, index) => settle(waiting, message.answers[index]));
    } else {
      rejectAll(group, errorOfFault(message.fault));
    }
    this.#schedule();
  }

  get waitMs(): number {
    return this.#underway.length === 0 ? 0 : this.#clock.monotonic() - this.#sentAt;
  }

  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /**
   * The writer has died. What it had may be durable or not: that, and whatever waits, is refused in words that say to try
   * again, and so is every write until `resume`.
   */
  interrupt(error: Error): void {
    this.#interruption = error;
    this.#isStalled = false;
    clearTimeout(this.#deadline);
    rejectAll([...this.#underway, ...this.#waiting], unavailable(error));
    this.#underway = [];
    this.#forgetWaiting();
    this.#drained?.();
  }

  /** Another writer is there. */
  resume(): void {
    this.#interruption = undefined;
  }

  /** The writer is gone for good: whatever waits is rejected, and so is every later write. */
  fail(error: Error): void {
    this.#hasFailed = true;
    this.#ended ??= unavailable(error);
    this.interrupt(error);
  }

  async close(): Promise<void> {
    this.#ended ??= new Error("the metadata is closed");
    this.#gathering.end();
    this.#schedule();
    if (!this.#isStalled && this.#underway.length + this.#waiting.length > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    await withDeadline(this.#transport.close(), {
      timeoutMs: this.#isStalled ? 0 : GROUP_MS_MAX,
      onTimeout: () => new Error("the metadata's disk hangs: its writer was left behind"),
    });
  }

  /** Whether the group is durable will be known when the writer answers; its writers wait no longer. */
  #stall(): void {
    this.#isStalled = true;
    rejectAll([...this.#underway, ...this.#waiting], stalledError());
    this.#forgetWaiting();
    this.#drained?.();
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** Writes of one turn of the event loop go together. */
  #schedule(): void {
    if (this.#isScheduled || this.#underway.length > 0) return;
    if (this.#waiting.length === 0) {
      this.#drained?.();
      return;
    }
    if (this.#gathering.holds(this.#waiting.length)) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (this.#underway.length === 0 && this.#waiting.length > 0) this.#send();
    });
  }

  #send(): void {
    this.#gathering.end();
    this.#underway = this.#waiting.splice(0, groupSize(this.#waiting));
    // Pushed, not mapped: what `map` makes counts as having holes, and is cloned far more slowly.
    const requests: WriteRequest[] = [];
    for (const { request, heldBytes } of this.#underway) {
      requests.push(request);
      this.#waitingBytes -= heldBytes;
    }
    const group: WriteGroup = { kind: "group", nowMs: Math.round(this.#clock.now()), requests };
    this.#sentAt = this.#clock.monotonic();
    this.#deadline = setTimeout(() => this.#stall(), GROUP_MS_MAX);
    try {
      this.#transport.send(group);
    } catch (error) {
      // A request that cannot be cloned is a bug of its caller; the group never left.
      this.receive({ kind: "group-failed", fault: faultOf(error) });
    }
  }
}

/** How many writes of other processes were answered with the group. */
function othersOf(reply: GroupReply): number {
  return reply.kind === "answers" ? (reply.othersCount ?? 0) : 0;
}

/** How many of those that wait go together. */
function groupSize(waiting: readonly Waiting[]): number {
  let rowCount = 0;
  for (const [count, { request }] of waiting.slice(0, GROUP_SIZE_MAX).entries()) {
    rowCount += rowsOf(request);
    if (count > 0 && rowCount > GROUP_ROWS_MAX) return count;
  }
  return GROUP_SIZE_MAX;
}

/**
 * Small buffers are views of a pool that cloning would take along whole, and the caller may use its buffer again before
 * the group is sent: inline bytes are copied at once.
 */
function detached(request: WriteRequest): WriteRequest {
  if (request.name !== "putObject" && request.name !== "putPart") return request;
  const input = request.input as WriteRequest<"putObject" | "putPart">["input"];
  if (input.content.kind !== "inline") return request;
  const content = { kind: "inline", bytes: new Uint8Array(input.content.bytes) } as const;
  return { name: request.name, input: { ...input, content } };
}

function settle({ resolve, reject }: Waiting, answer: WriteAnswer | undefined): void {
  if (answer?.kind === "done") resolve(answer.result);
  else if (answer?.kind === "refused") reject(errorOf(answer.refusal));
  else reject(errorOfFault(answer?.fault ?? { message: "no answer", isFull: false }));
}

function errorOfFault({ message, isFull, isAway = false }: Fault): Error {
  const error = new Error(`the metadata could not be written: ${message}`);
  if (isAway) return unavailable(error);
  return isFull ? new S3Error("InsufficientStorage", { cause: error }) : error;
}

function stalledError(): S3Error {
  return unavailable(new Error("the metadata's disk hangs"));
}

function unavailable(cause: Error): S3Error {
  return new S3Error("ServiceUnavailable", { cause });
}

function rejectAll(group: readonly Waiting[], error: Error): void {
  for (const { reject } of group) reject(error);
}
