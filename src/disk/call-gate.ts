// Every call to a drive passes here: so many in flight, so many waiting, each with a deadline that counts from when it
// was asked for. A call that the kernel does not answer keeps its slot (its thread is stuck as well), and while there is
// such a call new ones fail at once: a hung drive must cost its users one deadline, not one for each request.

import { awakeTimeout, type AwakeTimeout } from "../util/awake-timeout.ts";
import { Turns } from "../util/limiter.ts";
import { DiskError } from "./disk.ts";
import { diskErrorFrom } from "./errno.ts";

/** Calls that may wait for a slot. */
const QUEUE_MAX = 1_024;

export interface CallGateOptions {
  readonly deadlineMs: number;
  readonly maxInFlight: number;
}

/** The callback of node:fs; calls without a result pass nothing. */
export type Done<Value> = (error: NodeJS.ErrnoException | null, value: Value) => void;

export interface Call<Value> {
  /** For messages: the call and its path. */
  readonly what: string;
  /** Makes the call, node:fs with a callback: it is cheaper than a FileHandle. */
  readonly start: (done: Done<Value>) => void;
  /** Takes a result that comes after the deadline. */
  readonly onLate?: (value: Value) => void;
  /** Called once when the kernel has answered, however late, or when the call is never made. */
  readonly onEnd?: () => void;
}

/** A call between its asking and the kernel's answer. */
interface GatedCall<Value> {
  readonly call: Call<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
  /** The kernel has the call, or it waits for a turn of the event loop. */
  made: boolean;
  /** The caller has given up. */
  late: boolean;
}

export class CallGate {
  readonly deadlineMs: number;
  readonly #turns: Turns;
  #overdueCount = 0;

  constructor(options: CallGateOptions) {
    this.deadlineMs = options.deadlineMs;
    this.#turns = new Turns({ concurrency: options.maxInFlight, queueMax: QUEUE_MAX });
  }

  /**
   * One promise a call, and no async functions on the way: a small read is four calls.
   * @throws DiskError: what the kernel answered, or TIMEOUT.
   */
  run<Value>(call: Call<Value>): Promise<Value> {
    if (this.#overdueCount > 0) {
      call.onEnd?.();
      return Promise.reject(timeout(call.what, "the drive hangs"));
    }
    return new Promise<Value>((resolve, reject) => {
      const gated: GatedCall<Value> = { call, resolve, reject, made: false, late: false };
      const deadline = awakeTimeout(this.deadlineMs, () => this.#giveUp(gated));
      if (this.#turns.ask(() => this.#make(gated, deadline))) return;
      deadline.cancel();
      call.onEnd?.();
      reject(timeout(call.what, "too many calls wait"));
    });
  }

  #giveUp<Value>(gated: GatedCall<Value>): void {
    gated.late = true;
    if (gated.made) this.#overdueCount += 1;
    gated.reject(timeout(gated.call.what, `no answer within ${this.deadlineMs} ms`));
  }

  #make<Value>(gated: GatedCall<Value>, deadline: AwakeTimeout): void {
    const { call } = gated;
    if (gated.late) {
      call.onEnd?.();
      this.#turns.end();
      return;
    }
    gated.made = true;
    let isAnswered = false;
    try {
      call.start((error, value) => {
        isAnswered = true;
        deadline.cancel();
        this.#answered(gated, error, value);
      });
    } catch (error) {
      if (isAnswered) throw error;
      // Nothing has reached the kernel: an argument is wrong.
      deadline.cancel();
      call.onEnd?.();
      gated.reject(error);
      this.#turns.end();
    }
  }

  #answered<Value>(
    { call, late, resolve, reject }: GatedCall<Value>,
    error: NodeJS.ErrnoException | null,
    value: Value,
  ): void {
    if (late) this.#overdueCount -= 1;
    call.onEnd?.();
    if (error) reject(diskErrorFrom(error, call.what));
    else if (late) call.onLate?.(value);
    else resolve(value);
    this.#turns.end();
  }
}

function timeout(what: string, why: string): DiskError {
  return new DiskError("TIMEOUT", `${what}: ${why}`);
}
