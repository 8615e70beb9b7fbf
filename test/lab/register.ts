// One register of a history: which of the values written to it may be seen at a moment, when some writes overlap and of
// some nobody knows whether they took effect (the server died before it answered). Time is a count of events: every
// call and every answer passes through one process, so their order is exact.

let events = 0;

/** The next moment. */
export function tick(): number {
  events += 1;
  return events;
}

export interface Write<Value> {
  readonly op: number;
  readonly value: Value;
  readonly invokedAt: number;
  /** When it is known to have taken effect; Infinity while it is not known whether it does. */
  respondedAt: number;
}

export class Register<Value> {
  #writes: Write<Value>[];

  constructor(initial: Value, op = 0) {
    this.#writes = [{ op, value: initial, invokedAt: -1, respondedAt: 0 }];
  }

  /** A write is on its way: from now on it may be seen. */
  begin(op: number, value: Value): Write<Value> {
    const write = { op, value, invokedAt: tick(), respondedAt: Infinity };
    this.#writes.push(write);
    return write;
  }

  /** It was acknowledged, or seen: nobody may see what was there before it any more. */
  acknowledge(write: Write<Value>, at = tick()): void {
    write.respondedAt = Math.min(write.respondedAt, at);
  }

  /** It was refused: it must never be seen. */
  refuse(write: Write<Value>): void {
    this.#writes = this.#writes.filter((each) => each !== write);
  }

  /** What a read called at `from` and answered at `to` may see. */
  candidates(from: number, to: number, except?: Write<Value>): readonly Write<Value>[] {
    return this.#writes.filter(
      (write) =>
        write !== except &&
        write.invokedAt < to &&
        !this.#writes.some(
          (later) => write.respondedAt < later.invokedAt && later.respondedAt < from,
        ),
    );
  }

  /** The process that could have taken pending writes is gone, and this one was found: history begins anew with it. */
  settle(write: Write<Value>): void {
    this.#writes = [{ ...write, invokedAt: -1, respondedAt: 0 }];
  }

  describe(render: (value: Value) => string): string {
    return this.#writes
      .map(({ op, value, invokedAt, respondedAt }) => {
        const end = respondedAt === Infinity ? "?" : respondedAt;
        return `op ${op} [${invokedAt}..${end}] ${render(value)}`;
      })
      .join("; ");
  }
}
