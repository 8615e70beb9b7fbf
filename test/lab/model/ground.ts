// What the acts of a sequence stand on: the store, the model of what it must hold, and the rules by which an answer is
// judged.

import { S3Error } from "../../../src/core/s3-error.ts";
import type { ObjectRecord } from "../../../src/metadata/records.ts";
import type { NewObject, ObjectReading } from "../../../src/store/object-store.ts";
import type { SeededRandom } from "../../../src/util/seeded-random.ts";
import { OWNER } from "../../support/store-lab.ts";
import { ABSENT, History, type KeyState, type Verdict } from "../history.ts";
import { Register, tick, type Write } from "../register.ts";
import { nextOperation, type Journal } from "../world.ts";
import type { ModelFaults } from "./model-faults.ts";
import type { ModelStore } from "./model-store.ts";
import { isSame, newValue, renderValue, type ModelValue, type Value } from "./value.ts";

const KEYS = Array.from({ length: 8 }, (_, index) => `key-${index}`);
/** In the metadata, in packs, and in sets of their own; around each bound, and around stripes and windows. */
const SIZES = {
  inline: [0, 1, 300, 511, 512],
  pack: [513, 700, 2_047, 2_048, 2_049, 4_096],
  set: [4_097, 4_097, 6_000, 8_192, 8_193, 16_385],
} as const;
const SIZE_KINDS = ["inline", "inline", "pack", "pack", "set"] as const;
/** A copy reads before it writes. */
const READING_WRITES = new Set(["copy", "copy of a version", "upload part"]);
const EXPECTED_REFUSALS = new Set(["NoSuchKey", "NoSuchUpload", "PreconditionFailed"]);

export interface Held {
  readonly reading: ObjectReading;
  readonly value: ModelValue;
}

interface GroundOptions {
  readonly model: ModelStore;
  readonly random: SeededRandom;
  readonly journal: Journal;
  readonly faults: ModelFaults;
}

interface Judged {
  readonly key: string;
  readonly value: Value;
  /** What must stand there for the write to be accepted: an ETag, nothing (null), or anything (undefined). */
  readonly expectedEtag?: string | null | undefined;
}

export class Ground {
  readonly model: ModelStore;
  readonly random: SeededRandom;
  readonly journal: Journal;
  readonly faults: ModelFaults;
  readonly registers = new Map(KEYS.map((key) => [key, new Register<Value>(undefined)] as const));
  readonly #histories = new Map(KEYS.map((key) => [key, new History()] as const));
  /** Writes under way, and what each would have done. */
  readonly #open = new Map<Write<Value>, () => void>();
  held: Held[] = [];
  /** Operations so far: each is one call of a client, or one step of what goes on in the background. */
  operationCount = 0;

  constructor({ model, random, journal, faults }: GroundOptions) {
    this.model = model;
    this.random = random;
    this.journal = journal;
    this.faults = faults;
  }

  countOperation(name: string): void {
    this.operationCount += 1;
    this.journal.note("operations");
    if (this.faults.areAny) this.journal.note("operations with a fault");
    this.journal.note(`operation: ${name}`);
  }

  pickKey(): string {
    return KEYS[this.random.below(KEYS.length)] ?? "";
  }

  newValue(): ModelValue {
    const kind = SIZE_KINDS[this.random.below(SIZE_KINDS.length)] ?? "inline";
    const sizes = SIZES[kind];
    this.journal.note(`size: ${kind}`);
    return newValue(nextOperation(), sizes[this.random.below(sizes.length)] ?? 0);
  }

  target(key: string): NewObject {
    return {
      bucket: this.model.bucket,
      key,
      ownerId: OWNER.id,
      storageClass: "STANDARD",
      attributes: { headers: {}, userMetadata: {} },
      tags: [],
      acl: undefined,
      lock: { retention: undefined, legalHold: undefined },
      encryption: undefined,
    };
  }

  registerOf(key: string): Register<Value> {
    const register = this.registers.get(key);
    if (register === undefined) throw new Error(`no key ${key}`);
    return register;
  }

  /** Runs a write whose outcome is judged, unless its process dies meanwhile. */
  async write(kind: string, judged: Judged, work: () => Promise<unknown>): Promise<void> {
    const { life } = this.model;
    const register = this.registerOf(judged.key);
    const write = register.begin(nextOperation(), judged.value);
    const settle = this.#recordWrite(judged, write);
    const failingBefore = this.faults.failingCount;
    try {
      await work();
      if (life.isOver) return;
      settle("accepted");
      this.#judgeCondition(judged, write, true);
      register.acknowledge(write);
      this.journal.count(kind);
    } catch (error) {
      if (life.isOver) return;
      const isUnmet = codeOf(error) === "PreconditionFailed";
      settle(isUnmet ? "unmet" : "refused");
      if (isUnmet) this.#judgeCondition(judged, write, false);
      register.refuse(write);
      this.judgeRefusal(kind, error, failingBefore);
    }
  }

  /** One failing drive stops no write where two may be lost; more may, with a clear word. */
  judgeRefusal(kind: string, error: unknown, failingBefore: number): void {
    const code = codeOf(error);
    this.journal.note(`refused: ${kind} ${code}`);
    if (EXPECTED_REFUSALS.has(code)) return;
    if (READING_WRITES.has(kind) && this.faults.areTooMany) return;
    const isClear = code === "ServiceUnavailable" || code === "InsufficientStorage";
    const failingCount = Math.max(failingBefore, this.faults.failingCount);
    if (isClear && failingCount >= this.model.parity) return;
    this.journal.violation(
      `${kind} failed with ${code}, ${failingBefore} drives failing: ${describe(error)}`,
    );
  }

  /** Opens an object, or finds none, as the model allows. */
  async open(key: string): Promise<Held | undefined> {
    const { bucket, life, store } = this.model;
    const register = this.registerOf(key);
    const history = this.historyOf(key);
    const begun = history.begin();
    const from = tick();
    let reading: ObjectReading | undefined;
    try {
      reading = await store.openObject(bucket, key);
    } catch (error) {
      if (life.isOver) return undefined;
      history.drop();
      this.journal.violation(`open ${key}: ${describe(error)}`);
      return undefined;
    }
    if (life.isOver) return undefined;
    const etag = reading?.object.etag;
    const isIt = (state: KeyState): boolean => history.etagOf(state) === etag;
    this.noteVerdict(
      key,
      history.end(begun, (state) => (isIt(state) ? state : undefined)),
    );
    const seen = this.judgeSeen(register, reading?.object, from);
    if (reading === undefined) return undefined;
    if (seen?.value !== undefined) return { reading, value: seen.value };
    reading.close();
    return undefined;
  }

  /** The write that is seen; undefined, and a violation, when none may be. */
  judgeSeen(
    register: Register<Value>,
    object: ObjectRecord | undefined,
    from: number,
  ): Write<Value> | undefined {
    const to = tick();
    const seen = register.candidates(from, to).filter(({ value }) => isSame(value, object));
    const [only] = seen;
    if (only === undefined) {
      const words = object === undefined ? "absent" : `${object.etag}, ${object.sizeBytes} bytes`;
      this.journal.violation(`saw ${words}; ${register.describe(renderValue)}`);
    } else if (seen.length === 1) register.acknowledge(only, to);
    return only;
  }

  historyOf(key: string): History {
    const history = this.#histories.get(key);
    if (history === undefined) throw new Error(`no key ${key}`);
    return history;
  }

  noteVerdict(key: string, verdict: Verdict): void {
    if (verdict === "too many orders") this.journal.note("histories with too many orders to try");
    if (verdict !== "impossible") return;
    const calls = this.registerOf(key).describe(renderValue);
    this.journal.violation(`no order of the calls on ${key} is possible; ${calls}`);
  }

  /** The process is dead: what was under way may have taken effect or not. */
  loseOpenCalls(): void {
    for (const lose of this.#open.values()) lose();
    this.#open.clear();
  }

  /** Returns what tells the key's history how the write ended. */
  #recordWrite(
    { key, expectedEtag }: Judged,
    write: Write<Value>,
  ): (outcome: "accepted" | "refused" | "unmet") => void {
    const history = this.historyOf(key);
    const from = history.begin();
    const target = write.value === undefined ? ABSENT : write.op;
    if (write.value !== undefined) history.name(write.op, write.value.etag);
    const isMet = (state: KeyState): boolean =>
      expectedEtag === undefined || (history.etagOf(state) ?? null) === expectedEtag;
    const accepted = (state: KeyState): KeyState | undefined => (isMet(state) ? target : undefined);
    const unmet = (state: KeyState): KeyState | undefined => (isMet(state) ? undefined : state);
    this.#open.set(write, () => history.lose(from, accepted));
    return (outcome) => {
      this.#open.delete(write);
      if (outcome === "refused") this.noteVerdict(key, history.drop());
      else this.noteVerdict(key, history.end(from, outcome === "accepted" ? accepted : unmet));
    };
  }

  /** Whether the condition can have been as the answer says. */
  #judgeCondition({ key, expectedEtag }: Judged, write: Write<Value>, isAccepted: boolean): void {
    if (expectedEtag === undefined) return;
    const register = this.registerOf(key);
    const candidates = register.candidates(write.invokedAt, tick(), write);
    const isMet = ({ value }: Write<Value>): boolean => (value?.etag ?? null) === expectedEtag;
    if (isAccepted ? candidates.some(isMet) : !candidates.every(isMet)) return;
    const said = isAccepted ? "accepted" : "refused";
    this.journal.violation(
      `a condition on ${expectedEtag ?? "absence"} was ${said}; ${register.describe(renderValue)}`,
    );
  }
}

function codeOf(error: unknown): string {
  return error instanceof S3Error ? error.code : String(error);
}

export function describe(error: unknown): string {
  if (error instanceof AggregateError)
    return `${error.message}: ${error.errors.map(describe).join("; ")}`;
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${describe(error.cause)})`;
}
