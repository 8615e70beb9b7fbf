// What the lab knows of the server's state: the history of every key and of every upload, in the memory of a process that
// outlives all crashes. What is acknowledged here, or was seen, must stay; what nobody answered may be either way.

import { seededRandom, type SeededRandom } from "../../src/util/seeded-random.ts";
import { md5, type Piece } from "./contents.ts";
import { History } from "./history.ts";
import { Register, type Write } from "./register.ts";
import type { VersionWorld } from "./version-world.ts";

export interface ObjectValue {
  readonly op: number;
  readonly pieces: readonly Piece[];
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  /** The value of the one tag. */
  readonly tags: Register<string>;
}

export type KeyValue = ObjectValue | undefined;

export interface LabKey {
  readonly name: string;
  /** One call at a time changes it: then more is known of it (its tags). Others are raced for. */
  readonly isSolo: boolean;
  isBusy: boolean;
  register: Register<KeyValue>;
  /** The same calls, to be checked as a whole. */
  readonly history: History;
}

export interface PartValue {
  readonly piece: Piece;
  readonly etag: string;
}

export interface LabUpload {
  readonly uploadId: string;
  readonly key: LabKey;
  readonly op: number;
  readonly parts: Map<number, Register<PartValue | undefined>>;
  /** What was asked of it last: after "complete" or "abort" it may be gone. */
  phase: "abort" | "complete" | "open";
  /** Whether that was answered. */
  isAnswered: boolean;
  /** Of a completion. */
  ending: Write<KeyValue> | undefined;
  listed: readonly { readonly number: number; readonly value: PartValue }[];
  isBusy: boolean;
}

export interface WorldOptions {
  readonly bucket: string;
  readonly seed: number;
  /** Larger objects are not made. */
  readonly sizeMax: number;
}

const SOLO_KEYS = 48;
const RACED_KEYS = 12;
/** Their order is that of UTF-8 bytes, which is not that of JavaScript's strings. */
const ODD_NAMES = ["odd/a b", "odd/\u00e9", "odd/\uff61", "odd/\u{10400}", "odd/\u{1f600}/x"];
const VIOLATIONS_SHOWN = 25;

type Counts = readonly (readonly [kind: string, count: number])[];

export interface PlainJournal {
  readonly acknowledged: Counts;
  readonly notes: Counts;
  readonly violations: readonly string[];
  readonly cycle: number;
}

/** Numbers and findings of a whole run. */
export class Journal {
  readonly acknowledged = new Map<string, number>();
  readonly notes = new Map<string, number>();
  readonly violations: string[] = [];
  /** How many there were. */
  cycle = 0;
  /** Which one it is, where they have numbers that repeat them. */
  sequence: number | undefined;
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  count(kind: string): void {
    this.acknowledged.set(kind, (this.acknowledged.get(kind) ?? 0) + 1);
  }

  /** Something that is counted, and no fault by itself. */
  note(kind: string, by = 1): void {
    this.notes.set(kind, (this.notes.get(kind) ?? 0) + by);
  }

  /** Whether the folder in which something was found is to be kept, to be looked at: as KINTSUGI_LAB_KEEP says. */
  get isFolderKept(): boolean {
    return process.env["KINTSUGI_LAB_KEEP"] === "1" && this.violations.length > 0;
  }

  violation(words: string): void {
    const place = this.sequence === undefined ? `cycle ${this.cycle}` : `sequence ${this.sequence}`;
    const line = `${place}: ${words}`;
    this.violations.push(line);
    if (this.violations.length <= VIOLATIONS_SHOWN) this.#print(`VIOLATION ${line}`);
  }

  /** For another process, which absorbs it. */
  toPlain(): PlainJournal {
    const { acknowledged, cycle, notes, violations } = this;
    return { acknowledged: [...acknowledged], notes: [...notes], violations, cycle };
  }

  absorb({ acknowledged, cycle, notes, violations }: PlainJournal): void {
    for (const [kind, by] of acknowledged) {
      this.acknowledged.set(kind, (this.acknowledged.get(kind) ?? 0) + by);
    }
    for (const [kind, by] of notes) this.note(kind, by);
    this.violations.push(...violations);
    this.cycle += cycle;
  }

  get acknowledgedCount(): number {
    return [...this.acknowledged.values()].reduce((sum, count) => sum + count, 0);
  }
}

let operations = 0;

/** A number that no other operation of this process has. */
export function nextOperation(): number {
  operations += 1;
  return operations;
}

export class World {
  readonly bucket: string;
  readonly sizeMax: number;
  readonly keys: readonly LabKey[];
  readonly journal: Journal;
  readonly random: SeededRandom;
  /** A second bucket, with versions, where there is one. */
  versions: VersionWorld | undefined;
  uploads: LabUpload[] = [];
  /** Answered completions and aborts since the last check: none of these may be listed. */
  endedUploads: LabUpload[] = [];
  /** Operations whose upload was asked for and nobody told its id. */
  unknownUploads = 0;
  #fresh = 0;
  readonly freshKeys: LabKey[] = [];

  constructor({ bucket, seed, sizeMax }: WorldOptions, journal: Journal) {
    this.bucket = bucket;
    this.sizeMax = sizeMax;
    this.journal = journal;
    this.random = seededRandom(seed);
    this.keys = [
      ...namesOf("solo", SOLO_KEYS).map((name) => newKey(name, true)),
      ...namesOf("raced", RACED_KEYS).map((name) => newKey(name, false)),
      ...ODD_NAMES.map((name) => newKey(name, true)),
    ];
  }

  get allKeys(): readonly LabKey[] {
    return [...this.keys, ...this.freshKeys];
  }

  /** A key that nobody has written. */
  freshKey(): LabKey {
    this.#fresh += 1;
    const key = newKey(`fresh/${this.#fresh}`, false);
    this.freshKeys.push(key);
    return key;
  }
}

function namesOf(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}/${index % 7}/${index}`);
}

function newKey(name: string, isSolo: boolean): LabKey {
  const register = new Register<KeyValue>(undefined);
  return { name, isSolo, isBusy: false, register, history: new History() };
}

/** Forgets fresh keys that are surely absent, so that a long run stays small. */
export function forgetAbsent(world: World): void {
  const kept = world.freshKeys.filter((key) =>
    key.register.candidates(Infinity, Infinity).some(({ value }) => value !== undefined),
  );
  world.freshKeys.splice(0, Infinity, ...kept);
}

export function multipartEtag(parts: readonly PartValue[]): string {
  const digests = Buffer.concat(parts.map(({ etag }) => Buffer.from(etag, "hex")));
  return `${md5(digests)}-${parts.length}`;
}

function renderValue(value: KeyValue): string {
  return value === undefined ? "absent" : `${value.sizeBytes} bytes, ETag ${value.etag}`;
}

/** For a violation: everything that is known of a key. */
export function historyOf(key: LabKey): string {
  return `${key.name}: ${key.register.describe(renderValue)}`;
}
