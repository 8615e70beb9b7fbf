// No wait without an end: a promise that may never settle, with a time after which the caller gets an error instead.

import { awakeTimeout } from "./awake-timeout.ts";

export interface DeadlineOptions<Value> {
  readonly timeoutMs: number;
  /** The error of a caller whose time is up. */
  readonly onTimeout: () => Error;
  /** Takes what arrives too late and would be lost: an open file, say. */
  readonly onLate?: ((value: Value) => void) | undefined;
}

/** Settles as `work` does, or rejects once `timeoutMs` have passed in which this process ran. The work itself goes on: nothing can stop it. */
export function withDeadline<Value>(
  work: Promise<Value>,
  options: DeadlineOptions<Value>,
): Promise<Value> {
  return new Promise<Value>((resolve, reject) => {
    let late = false;
    const timeout = awakeTimeout(options.timeoutMs, () => {
      late = true;
      reject(options.onTimeout());
    });
    const onValue = (value: Value): void => {
      timeout.cancel();
      if (late) options.onLate?.(value);
      else resolve(value);
    };
    const onError = (error: unknown): void => {
      timeout.cancel();
      reject(error);
    };
    work.then(onValue, onError);
  });
}
