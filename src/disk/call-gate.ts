// Every call to a drive passes here: so many in flight, so many waiting, each with a deadline that counts from when it
// was asked for. A call that the kernel does not answer keeps its slot (its thread is stuck as well), and while there is
// such a call new ones fail at once: a hung drive must cost its users one deadline, not one for each request.

import { withDeadline } from "../util/deadline.ts";
import { Limiter, LimiterFullError } from "../util/limiter.ts";
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

interface CallState {
  /** The kernel has the call. */
  made: boolean;
  /** The caller has given up. */
  late: boolean;
}

export class CallGate {
  readonly deadlineMs: number;
  readonly #limiter: Limiter;
  #overdueCount = 0;

  constructor(options: CallGateOptions) {
    this.deadlineMs = options.deadlineMs;
    this.#limiter = new Limiter({ concurrency: options.maxInFlight, queueMax: QUEUE_MAX });
  }

  /** @throws DiskError: what the kernel answered, or TIMEOUT. */
  async run<Value>(call: Call<Value>): Promise<Value> {
    if (this.#overdueCount > 0) {
      call.onEnd?.();
      throw timeout(call.what, "the drive hangs");
    }
    const state: CallState = { made: false, late: false };
    try {
      return await withDeadline(
        this.#limiter.run(() => this.#make(call, state)),
        {
          timeoutMs: this.deadlineMs,
          onTimeout: () => this.#giveUp(call.what, state),
          onLate: call.onLate,
        },
      );
    } catch (error) {
      if (!(error instanceof LimiterFullError)) throw error;
      call.onEnd?.();
      throw timeout(call.what, "too many calls wait");
    }
  }

  #giveUp(what: string, state: CallState): DiskError {
    state.late = true;
    if (state.made) this.#overdueCount += 1;
    return timeout(what, `no answer within ${this.deadlineMs} ms`);
  }

  #make<Value>(call: Call<Value>, state: CallState): Promise<Value> {
    if (state.late) {
      call.onEnd?.();
      return Promise.reject(timeout(call.what, "its deadline passed in the queue"));
    }
    state.made = true;
    return new Promise<Value>((resolve, reject) => {
      call.start((error, value) => {
        if (state.late) this.#overdueCount -= 1;
        call.onEnd?.();
        if (error) reject(diskErrorFrom(error, call.what));
        else resolve(value);
      });
    });
  }
}

function timeout(what: string, why: string): DiskError {
  return new DiskError("TIMEOUT", `${what}: ${why}`);
}
