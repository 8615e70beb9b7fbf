// One pass of a lifecycle over one bucket, page by page. It goes by the time at which it began, however long it takes and
// however often it is cut off; and by the rules as they are: once they are others it is over.

import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { BucketRecord } from "../metadata/records.ts";
import type { Clock } from "../util/clock.ts";
import { crashPoint } from "../util/crash-point.ts";
import { dayOf } from "./day-length.ts";
import { isDue, type DueKind } from "./due.ts";
import {
  LIFECYCLE_DOCUMENT_NAME,
  parseLifecycleDocument,
  type LifecycleRule,
} from "./lifecycle-rule.ts";
import { BEGINNING, isFullDue, KINDS, spansOf, type Span } from "./pass-plan.ts";
import {
  jobOf,
  parsePassState,
  renderPassState,
  signatureOf,
  type Cursor,
  type PassRun,
  type PassState,
} from "./pass-state.ts";
import { removeDue, type DueRemoval, type RemovalCounts, type RemovalParts } from "./remove-due.ts";

export interface LifecycleParts extends RemovalParts {
  readonly metadata: Pick<
    MetadataStore,
    | "findBucketById"
    | "findBucketConfig"
    | "findProgress"
    | "listConfigured"
    | "listDue"
    | "putProgress"
  >;
  readonly clock: Clock;
  /** Entries that are looked at, and removed in one transaction, at a time; PAGE_SIZE when not given. */
  readonly pageSize?: number;
}

const PAGE_SIZE = 1_000;
/** Pages after which progress is saved: looking at them once more does no harm. */
const SAVE_EVERY_PAGES = 20;
/** Comes after every entry of that time. */
const LAST_SEQUENCE = Number.MAX_SAFE_INTEGER;

export class BucketPass {
  readonly #parts: LifecycleParts;
  readonly #bucket: BucketRecord;
  readonly #rules: readonly LifecycleRule[];
  readonly #saved: PassState;
  #run: PassRun;
  #unsavedPages = 0;
  #counts: RemovalCounts = { removed: 0, kept: 0, failed: 0 };

  constructor(
    parts: LifecycleParts,
    bucket: BucketRecord,
    given: {
      readonly rules: readonly LifecycleRule[];
      readonly saved: PassState;
      readonly run: PassRun;
    },
  ) {
    this.#parts = parts;
    this.#bucket = bucket;
    this.#rules = given.rules;
    this.#saved = given.saved;
    this.#run = given.run;
  }

  get bucketId(): number {
    return this.#bucket.id;
  }

  /** A bounded piece of it. Resolves to whether the pass is over. */
  async step(): Promise<boolean> {
    const { metadata } = this.#parts;
    const bucket = await metadata.findBucketById(this.#bucket.id);
    if (bucket?.settingsVersion !== this.#bucket.settingsVersion) return true;
    const kind = KINDS[this.#run.kindIndex];
    if (kind === undefined) {
      await this.#finish();
      return true;
    }
    const span = this.#nextSpan(kind);
    if (span === undefined) {
      this.#run = { ...this.#run, kindIndex: this.#run.kindIndex + 1, cursor: undefined };
      return false;
    }
    await this.#work(kind, span);
    return false;
  }

  #nextSpan(kind: DueKind): Span | undefined {
    const { at, isFull, cursor } = this.#run;
    const previous = isFull ? undefined : this.#saved.doneAt;
    const spans = spansOf(this.#rules, kind, this.#bucket, { now: at, previous });
    return spans.find((span) => cursor === undefined || isBefore(cursor, endOf(span)));
  }

  async #work(kind: DueKind, span: Span): Promise<void> {
    const { metadata, pageSize: limit = PAGE_SIZE } = this.#parts;
    const bucketId = this.#bucket.id;
    const { cursor } = this.#run;
    const begin = beginOf(span);
    const isWithin = cursor !== undefined && (begin === undefined || isBefore(begin, cursor));
    const after = isWithin ? cursor : begin;
    const page = await metadata.listDue({ bucketId, kind, before: span.before, after, limit });
    const due = page.flatMap((entry) => this.#removalsOf(kind, entry));
    const counts = await removeDue(this.#parts, this.#bucket, kind, due);
    crashPoint("lifecycle.removed");
    this.#count(counts);
    const last = page.length < limit ? undefined : page.at(-1);
    const next = last === undefined ? endOf(span) : { at: last.at, sequence: last.sequence };
    this.#run = { ...this.#run, cursor: next };
    await this.#savePage();
  }

  #removalsOf(kind: DueKind, entry: DueRemoval["entry"]): readonly DueRemoval[] {
    const acting = this.#rules.filter((rule) => isDue(rule, kind, entry, this.#run.at));
    if (acting.length === 0) return [];
    return [{ entry, isByTags: acting.every(({ filter }) => filter.tags.length > 0) }];
  }

  #count({ removed, kept, failed }: RemovalCounts): void {
    this.#counts = {
      removed: this.#counts.removed + removed,
      kept: this.#counts.kept + kept,
      failed: this.#counts.failed + failed,
    };
  }

  async #savePage(): Promise<void> {
    this.#unsavedPages += 1;
    if (this.#unsavedPages < SAVE_EVERY_PAGES) return;
    this.#unsavedPages = 0;
    await this.#save({ ...this.#saved, run: this.#run });
  }

  async #finish(): Promise<void> {
    const { at, isFull } = this.#run;
    const { signature, fullAt } = this.#saved;
    await this.#save({ signature, doneAt: at, fullAt: isFull ? at : fullAt });
    const { removed, kept, failed } = this.#counts;
    if (removed + kept + failed === 0) return;
    this.#parts.logger.info(
      { bucket: this.#bucket.name, removed, kept, failed },
      "a lifecycle has gone over a bucket",
    );
  }

  async #save(state: PassState): Promise<void> {
    await this.#parts.metadata.putProgress(jobOf(this.#bucket), renderPassState(state));
    crashPoint("lifecycle.noted");
  }
}

/** Undefined where there is nothing to do for the bucket today. */
export async function beginPass(
  parts: LifecycleParts,
  bucket: BucketRecord,
): Promise<BucketPass | undefined> {
  const { metadata, clock } = parts;
  const document = await metadata.findBucketConfig(bucket.id, LIFECYCLE_DOCUMENT_NAME);
  if (document === undefined) return undefined;
  const signature = signatureOf(bucket, document);
  const saved = parsePassState(await metadata.findProgress(jobOf(bucket)), signature);
  const run = saved.run ?? newRun(saved, clock.now());
  if (run === undefined) return undefined;
  const { rules } = parseLifecycleDocument(document);
  return new BucketPass(parts, bucket, { rules, saved, run });
}

/** A day's pass is enough for the day: everything becomes due at midnight. */
function newRun({ doneAt, fullAt }: PassState, now: number): PassRun | undefined {
  if (doneAt !== undefined && dayOf(doneAt) === dayOf(now)) return undefined;
  const isFull = doneAt === undefined || doneAt > now || isFullDue(fullAt ?? doneAt, now);
  return { at: now, isFull, kindIndex: 0 };
}

function isBefore(a: Cursor, b: Cursor): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}

/** Before all that is in the span; undefined: it has no beginning. */
function beginOf({ from }: Span): Cursor | undefined {
  return from === BEGINNING ? undefined : { at: from - 1, sequence: LAST_SEQUENCE };
}

function endOf({ before }: Span): Cursor {
  return { at: before - 1, sequence: LAST_SEQUENCE };
}
