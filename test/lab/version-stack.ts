// What the versions of one key must be: a list, the newest first, and how each call changes it. Of a call that nobody
// answered it is not known whether it took effect: then there are two such lists, until a listing shows which it is.

export type VersioningState = "enabled" | "off" | "suspended";

const NULL_ID = "null";

export interface StackVersion<Value> {
  /** Undefined: whoever made it was not told. It is not "null". */
  readonly versionId: string | undefined;
  /** Undefined: a delete marker. */
  readonly value: Value | undefined;
  readonly isHeld: boolean;
  /** Of a retention in governance mode; 0: none. */
  readonly keptUntil: number;
}

export type Stack<Value> = readonly StackVersion<Value>[];

export type StackEffect<Value> = (stack: Stack<Value>) => Stack<Value>;

/** What a listing says of a version. */
export interface SeenVersion {
  readonly versionId: string;
  readonly isMarker: boolean;
  readonly isLatest: boolean;
  readonly etag: string;
  /** Where somebody has asked; no listing tells. */
  readonly lock?: { readonly isHeld: boolean; readonly keptUntil: number } | undefined;
}

/** @param told The id that the answer named; undefined: nobody answered. */
export function newVersion<Value>(
  value: Value | undefined,
  versioning: VersioningState,
  told: string | undefined,
): StackVersion<Value> {
  const versionId = versioning === "enabled" ? told : NULL_ID;
  return { versionId, value, isHeld: false, keptUntil: 0 };
}

/** A version that is put on top: "null" takes the place of "null", wherever that stood. */
export function withNew<Value>(stack: Stack<Value>, version: StackVersion<Value>): Stack<Value> {
  const kept = version.versionId === NULL_ID ? without(stack, NULL_ID) : stack;
  return [version, ...kept];
}

export function without<Value>(stack: Stack<Value>, versionId: string): Stack<Value> {
  return stack.filter((version) => version.versionId !== versionId);
}

/** A key of a bucket with versions. One call at a time changes it. */
export class VersionedKey<Value extends { readonly etag: string }> {
  readonly name: string;
  isBusy = false;
  /** How often it may have changed. */
  changeCount = 0;
  #states: readonly Stack<Value>[] = [[]];
  #pending: StackEffect<Value> | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** False while a call that nobody answered may have changed it. */
  get isKnown(): boolean {
    return this.#states.length === 1;
  }

  /** As it is while nothing is in doubt. */
  get stack(): Stack<Value> {
    const [only, ...others] = this.#states;
    if (only === undefined || others.length > 0) throw new Error(`${this.name} is in doubt`);
    return only;
  }

  get latest(): StackVersion<Value> | undefined {
    return this.stack[0];
  }

  /** A call is on its way: `effect` is what it does if nobody answers. */
  begin(effect: StackEffect<Value>): void {
    this.changeCount += 1;
    this.#pending = effect;
  }

  accept(effect: StackEffect<Value>): void {
    this.#pending = undefined;
    this.#states = this.#states.map(effect);
  }

  refuse(): void {
    this.#pending = undefined;
  }

  /** The process that was asked is gone. */
  lose(): void {
    const effect = this.#pending;
    this.#pending = undefined;
    this.isBusy = false;
    if (effect !== undefined) this.#states = [...this.#states, ...this.#states.map(effect)];
  }

  /** What is there, while nothing goes on. False when none of the states is it; then it is one of them all the same. */
  settle(seen: readonly SeenVersion[]): boolean {
    const found = this.#states.find((state) => matches(state, seen));
    if (found === undefined) {
      this.#states = this.#states.slice(0, 1);
      return false;
    }
    this.#states = [
      found.map((version, index) => ({ ...version, versionId: seen[index]?.versionId })),
    ];
    return true;
  }

  describe(): string {
    const states = this.#states.map((state) => `[${state.map(describeVersion).join(", ")}]`);
    return `${this.name}: ${states.join(" or ")}`;
  }
}

function matches<Value extends { readonly etag: string }>(
  stack: Stack<Value>,
  seen: readonly SeenVersion[],
): boolean {
  if (stack.length !== seen.length) return false;
  return stack.every(({ versionId, value, isHeld, keptUntil }, index) => {
    const other = seen[index];
    if (other === undefined || other.isLatest !== (index === 0)) return false;
    const isId =
      versionId === undefined ? other.versionId !== NULL_ID : other.versionId === versionId;
    const { lock = { isHeld, keptUntil } } = other;
    if (lock.isHeld !== isHeld || lock.keptUntil !== keptUntil) return false;
    const isMarker = value === undefined;
    return isId && other.isMarker === isMarker && (isMarker || other.etag === value.etag);
  });
}

function describeVersion<Value extends { readonly etag: string }>(
  version: StackVersion<Value>,
): string {
  const { versionId = "?", value, isHeld, keptUntil } = version;
  const lock = `${isHeld ? " held" : ""}${keptUntil > 0 ? ` until ${keptUntil}` : ""}`;
  return `${versionId} ${value === undefined ? "marker" : value.etag}${lock}`;
}

export function describeSeen(seen: readonly SeenVersion[]): string {
  const versions = seen.map(
    ({ versionId, isMarker, isLatest, etag }) =>
      `${versionId} ${isMarker ? "marker" : etag}${isLatest ? " latest" : ""}`,
  );
  return `[${versions.join(", ")}]`;
}
