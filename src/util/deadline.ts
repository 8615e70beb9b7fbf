// No wait without an end: a promise that may never settle, with a time after which the caller gets an error instead.

export interface DeadlineOptions<Value> {
  readonly timeoutMs: number;
  /** The error of a caller whose time is up. */
  readonly onTimeout: () => Error;
  /** Takes what arrives too late and would be lost: an open file, say. */
  readonly onLate?: ((value: Value) => void) | undefined;
}

/** Settles as `work` does, or rejects once `timeoutMs` have passed. The work itself goes on: nothing can stop it. */
export function withDeadline<Value>(
  work: Promise<Value>,
  options: DeadlineOptions<Value>,
): Promise<Value> {
  return new Promise<Value>((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(options.onTimeout());
    }, options.timeoutMs);
    const onValue = (value: Value): void => {
      clearTimeout(timer);
      if (late) options.onLate?.(value);
      else resolve(value);
    };
    const onError = (error: unknown): void => {
      clearTimeout(timer);
      reject(error);
    };
    work.then(onValue, onError);
  });
}
