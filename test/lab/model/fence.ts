// What lies between a process of the model and what outlives it: once the process is dead, nothing it still asks for
// reaches metadata or drives.

export interface Life {
  isOver: boolean;
}

type Call = (...args: unknown[]) => unknown;

/** What a dead process may still ask: it ends, or looks at what it knows itself, at once and without a promise. */
const HARMLESS = new Set(["close", "isWritable", "journalReport", "writeWaitMs"]);

/**
 * The same calls, until the life is over: then each but the harmless is refused, and nothing happens. What is no call is as it
 * was when the life began. A plain object: a proxy would cost each call as much as the call itself.
 */
export function fenced<Calls extends object>(calls: Calls, life: Life): Calls {
  const guarded: Record<string, unknown> = {};
  for (const name of namesOf(calls)) {
    const value: unknown = Reflect.get(calls, name, calls);
    if (typeof value !== "function") guarded[name] = value;
    else {
      const call = (value as Call).bind(calls);
      const refuses = !HARMLESS.has(name);
      guarded[name] = (...args: unknown[]): unknown => {
        if (life.isOver && refuses)
          return Promise.reject(new Error(`the process is dead: ${name}`));
        return call(...args);
      };
    }
  }
  return guarded as Calls;
}

/** Of its own and of its class. */
function namesOf(calls: object): readonly string[] {
  const inherited: unknown = Object.getPrototypeOf(calls);
  const ofClass =
    inherited === Object.prototype || inherited === null || typeof inherited !== "object"
      ? []
      : Object.getOwnPropertyNames(inherited);
  const names = new Set([...Object.getOwnPropertyNames(calls), ...ofClass]);
  names.delete("constructor");
  return [...names];
}
