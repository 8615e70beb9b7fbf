// What shards and pack entries say of an object beyond its name, bytes and headers, so that its row can be made anew from
// the drives alone: text, JSON with a version (docs/FORMATS.md). Whatever is as it usually is is left out, and an object of
// which everything is has none.

import { createHash } from "node:crypto";
import type { AccountId } from "../core/ids.ts";
import type { Tag } from "../core/tags.ts";
import type { GivenLock } from "../metadata/records.ts";

export interface ObjectAbout {
  readonly bucketOwnerId: AccountId;
  readonly ownerId: AccountId;
  readonly storageClass: string;
  readonly tags: readonly Tag[];
  readonly acl: string | undefined;
  readonly lock: GivenLock;
  /** Whether the bucket had versioning on: then older copies of the key are its versions. */
  readonly isVersioned: boolean;
  /** Of a completed upload; it is the upload's own record in a pack that says this. */
  readonly completed?: CompletedAbout | undefined;
}

/** Which parts became the object. Their bytes are in sets and packs of their own. */
export interface CompletedAbout {
  readonly etag: string;
  readonly sizeBytes: number;
  /** Ascending. */
  readonly numbers: readonly number[];
  /** The upload's, as of an object. */
  readonly encryption: string | undefined;
}

const VERSION = 1;
/** Says parts as bits, which the first version does not know. */
const VERSION_BITS = 2;
/** Where more runs of parts than these would be named, they are bits. */
const RUNS_MAX = 256;
const USUAL_CLASS = "STANDARD";
/** Of the root account; see config/account-id.ts. */
const ROOT_ID = createHash("sha256").update("root", "utf8").digest("hex") as AccountId;

/** What holds where nothing is said. */
const USUAL: ObjectAbout = {
  bucketOwnerId: ROOT_ID,
  ownerId: ROOT_ID,
  storageClass: USUAL_CLASS,
  tags: [],
  acl: undefined,
  lock: { retention: undefined, legalHold: undefined },
  isVersioned: false,
};

/** Undefined where everything is as usual. */
export function renderAbout(about: ObjectAbout): string | undefined {
  if (isUsual(about)) return undefined;
  const { bucketOwnerId, ownerId, storageClass, tags, acl, lock, isVersioned, completed } = about;
  const fields = {
    ...(bucketOwnerId === ROOT_ID ? {} : { bucketOwner: bucketOwnerId }),
    ...(ownerId === ROOT_ID ? {} : { owner: ownerId }),
    ...(storageClass === USUAL_CLASS ? {} : { class: storageClass }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(acl === undefined ? {} : { acl }),
    ...(lock.retention === undefined ? {} : { retention: lock.retention }),
    ...(lock.legalHold === undefined ? {} : { legalHold: lock.legalHold }),
    ...(isVersioned ? { versioned: true } : {}),
    ...(completed === undefined ? {} : { completed: renderCompleted(completed) }),
  };
  const isBits = typeof fields.completed?.parts === "string";
  return JSON.stringify({ v: isBits ? VERSION_BITS : VERSION, ...fields });
}

/** Nearly every object is, and is put without more ado. */
function isUsual(about: ObjectAbout): boolean {
  return (
    about.bucketOwnerId === ROOT_ID &&
    about.ownerId === ROOT_ID &&
    about.storageClass === USUAL_CLASS &&
    about.tags.length === 0 &&
    about.acl === undefined &&
    about.lock.retention === undefined &&
    about.lock.legalHold === undefined &&
    !about.isVersioned &&
    about.completed === undefined
  );
}

/** Undefined for text that this version does not know. */
export function findAbout(text: string | undefined): ObjectAbout | undefined {
  if (text === undefined) return USUAL;
  const fields = fieldsOf(text);
  if (fields?.["v"] !== VERSION && fields?.["v"] !== VERSION_BITS) return undefined;
  // It was checked against a checksum, and is our own writing.
  const said = fields as Partial<Said>;
  return {
    bucketOwnerId: said.bucketOwner ?? ROOT_ID,
    ownerId: said.owner ?? ROOT_ID,
    storageClass: said.class ?? USUAL_CLASS,
    tags: said.tags ?? [],
    acl: said.acl,
    lock: { retention: said.retention, legalHold: said.legalHold },
    isVersioned: said.versioned === true,
    completed: said.completed && parseCompleted(said.completed),
  };
}

interface Said {
  readonly bucketOwner: AccountId;
  readonly owner: AccountId;
  readonly class: string;
  readonly tags: readonly Tag[];
  readonly acl: string;
  readonly retention: NonNullable<GivenLock["retention"]>;
  readonly legalHold: boolean;
  readonly versioned: boolean;
  readonly completed: SaidCompleted;
}

interface SaidCompleted {
  readonly etag: string;
  readonly sizeBytes: number;
  /** Numbers, or first and last of a run of them; of many runs bits in Base64, bit n of byte n / 8 for number n. */
  readonly parts: string | readonly (number | readonly [number, number])[];
  readonly encryption?: string;
}

function renderCompleted({ etag, sizeBytes, numbers, encryption }: CompletedAbout): SaidCompleted {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  // Short, for it stands in a header that is bounded: an upload may name every other one of ten thousand parts.
  const parts =
    runs.length > RUNS_MAX
      ? renderBits(numbers)
      : runs.map(([first, last]) => (first === last ? first : ([first, last] as const)));
  return { etag, sizeBytes, parts, ...(encryption === undefined ? {} : { encryption }) };
}

function parseCompleted({ etag, sizeBytes, parts, encryption }: SaidCompleted): CompletedAbout {
  const numbers = typeof parts === "string" ? parseBits(parts) : parts.flatMap(numbersOf);
  return { etag, sizeBytes, numbers, encryption };
}

function numbersOf(run: number | readonly [number, number]): readonly number[] {
  if (typeof run === "number") return [run];
  const [first, last] = run;
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

function renderBits(numbers: readonly number[]): string {
  const bits = Buffer.alloc(((numbers.at(-1) ?? 0) >> 3) + 1);
  for (const number of numbers) {
    const at = number >> 3;
    bits[at] = (bits[at] ?? 0) | (1 << (number & 7));
  }
  return bits.toString("base64");
}

function parseBits(text: string): readonly number[] {
  const bits = Buffer.from(text, "base64");
  return Array.from({ length: bits.length * 8 }, (_, number) => number).filter(
    (number) => ((bits[number >> 3] ?? 0) & (1 << (number & 7))) !== 0,
  );
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
