// Verifies what the metadata names, against the drives: every version and part in the order of the keys, all shards of
// each read whole. What is replaced or deleted meanwhile is no finding: before one is told, its row is looked up again.
// Shards found lost, or whole again, are noted in the metadata; nothing else is changed.

import { S3Error } from "../core/s3-error.ts";
import type {
  JournalReport,
  MetadataComparison,
  WalkEntry,
  WalkPosition,
} from "../metadata/metadata-store.ts";
import type { BucketRecord } from "../metadata/records.ts";
import type { OrphanSweep } from "./orphan-sweep.ts";
import type { StoreContext } from "./store-context.ts";
import { EntryVerifier } from "./verify-entry.ts";
import { VerifyNotes } from "./verify-notes.ts";
import type {
  UnnamedShards,
  VerifyFinding,
  VerifyQuery,
  VerifyReport,
  VerifyWatcher,
} from "./verify-report.ts";
import { VerifyTally, type VerifyTotals } from "./verify-tally.ts";

/** Rows looked at under one hold on their shards. */
const ENTRIES_PER_PAGE = 200;
/** Rows verified at a time. */
const CONCURRENCY = 4;

export interface VerifyOptions {
  readonly context: StoreContext;
  /** Counts what nothing names. */
  readonly sweep: OrphanSweep;
  readonly query: VerifyQuery;
  readonly watcher: VerifyWatcher;
}

/** @throws S3Error NoSuchBucket */
export async function verifyObjects(options: VerifyOptions): Promise<VerifyReport> {
  const { context, query, watcher } = options;
  const name = query.bucket;
  const bucket = name === undefined ? undefined : await context.metadata.findBucket(name);
  if (name !== undefined && bucket === undefined) throw new S3Error("NoSuchBucket");
  const coversAll = bucket === undefined && (query.prefix ?? "") === "";
  // Only for the progress; metadata that is damaged may not be able to tell, and is looked at next.
  const totals = await totalsOf(context, query, bucket).catch(() => undefined);
  const tally = new VerifyTally({ clock: context.clock, totals, watcher });
  const verification = new Verification(options, bucket, tally);
  if (coversAll) await verification.checkMetadata();
  const isComplete = await verification.walk();
  const isWhole = isComplete && coversAll;
  if (isWhole) await verification.checkCopies();
  const unnamed = isWhole ? await findUnnamed(options) : undefined;
  return tally.report({ isComplete, query, unnamed });
}

/** A row, and the one before it in the walk. */
interface PlacedEntry {
  readonly entry: WalkEntry;
  readonly previous: WalkPosition | undefined;
}

class Verification {
  readonly #context: StoreContext;
  readonly #watcher: VerifyWatcher;
  readonly #prefix: string;
  readonly #bucketId: number | undefined;
  readonly #tally: VerifyTally;
  readonly #entries: EntryVerifier;
  readonly #bucketNames = new Map<number, string | undefined>();
  readonly #notes: VerifyNotes;

  constructor(options: VerifyOptions, bucket: BucketRecord | undefined, tally: VerifyTally) {
    this.#context = options.context;
    this.#watcher = options.watcher;
    this.#prefix = options.query.prefix ?? "";
    this.#bucketId = bucket?.id;
    this.#tally = tally;
    this.#notes = new VerifyNotes(options.context);
    this.#entries = new EntryVerifier(options.context, options.watcher.signal);
  }

  /** Resolves to whether it came to the end. */
  async walk(): Promise<boolean> {
    const { metadata, readings } = this.#context;
    let after: WalkPosition | undefined;
    while (!this.#isAborted) {
      // What is deleted from now on keeps its shards until this page is done.
      const hold = readings.begin();
      try {
        const page = await metadata.walk({
          bucketId: this.#bucketId,
          prefix: this.#prefix,
          after,
          limit: ENTRIES_PER_PAGE,
        });
        await this.#verifyAll(placed(page, after));
        if (page.length < ENTRIES_PER_PAGE) return !this.#isAborted;
        after = page.at(-1)?.position;
      } finally {
        hold.close();
      }
    }
    return false;
  }

  /**
   * Compares the metadata with what its members say; where it is damaged it is made anew from them, so that the walk after
   * this sees every row.
   */
  async checkMetadata(): Promise<void> {
    const { metadata, logger } = this.#context;
    let comparison: MetadataComparison | undefined;
    try {
      comparison = await metadata.compareWithMembers(this.#watcher.signal);
    } catch (error) {
      if (this.#isAborted) return;
      await this.#tell(
        copyFinding(`the metadata cannot be compared with its copies: ${String(error)}`),
      );
      return;
    }
    if (comparison === undefined || comparison.differenceCount === 0) return;
    const { differenceCount, differences } = comparison;
    for (const difference of differences) await this.#tell(copyFinding(difference));
    logger.error({ differenceCount }, "the metadata is damaged: it is made anew from its members");
    await metadata.restoreFromMembers();
    await this.#tell(
      copyFinding(
        `${differenceCount} differences between the metadata and its copies; it was set aside and made anew from them`,
      ),
    );
  }

  /** Copies of the metadata that are not up to date: what lies in it has less redundancy than it should. */
  async checkCopies(): Promise<void> {
    for (const problem of copyProblems(this.#context.metadata.journalReport())) {
      await this.#tell(copyFinding(problem));
    }
  }

  async #verifyAll(entries: readonly PlacedEntry[]): Promise<void> {
    const queue = entries.values();
    const take = async (): Promise<void> => {
      for (const each of queue) {
        if (this.#isAborted) return;
        await this.#verify(each);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, take));
    await this.#notes.settle();
  }

  async #verify({ entry, previous }: PlacedEntry): Promise<void> {
    const { position } = entry;
    const bucket = await this.#bucketName(position.bucketId);
    const { fault, read } = await this.#entries.verify(entry, bucket);
    // What was cut short says nothing.
    if (this.#isAborted) return;
    this.#tally.noteEntry(entry, read);
    if (fault === undefined || !(await this.#stillNamed(entry, previous))) return;
    this.#notes.noteLost(fault, entry.content);
    const { key, detail } = position;
    const { kind, sizeBytes } = entry;
    await this.#tell({ ...fault, bucket, key, entry: kind, detail, sizeBytes });
  }

  async #tell(finding: VerifyFinding): Promise<void> {
    this.#tally.noteFinding(finding);
    await this.#watcher.onFinding?.(finding);
  }

  /** Whether the row still says what it said: walks what stands under its key. */
  async #stillNamed(entry: WalkEntry, previous: WalkPosition | undefined): Promise<boolean> {
    const { bucketId, key } = entry.position;
    let after = previous;
    for (;;) {
      const page = await this.#context.metadata.walk({
        bucketId,
        prefix: key,
        after: after?.bucketId === bucketId ? after : undefined,
        limit: ENTRIES_PER_PAGE,
      });
      const found = page.find(({ position }) => isSamePlace(position, entry.position));
      if (found !== undefined) return isSameContent(found, entry);
      // The key itself comes before all longer ones that it begins.
      const last = page.at(-1);
      if (last === undefined || last.position.key !== key) return false;
      after = last.position;
    }
  }

  async #bucketName(bucketId: number): Promise<string | undefined> {
    if (!this.#bucketNames.has(bucketId)) {
      const bucket = await this.#context.metadata.findBucketById(bucketId);
      this.#bucketNames.set(bucketId, bucket?.name);
    }
    return this.#bucketNames.get(bucketId);
  }

  get #isAborted(): boolean {
    return this.#watcher.signal?.aborted === true;
  }
}

function placed(
  page: readonly WalkEntry[],
  before: WalkPosition | undefined,
): readonly PlacedEntry[] {
  return page.map((entry, at) => ({
    entry,
    previous: at === 0 ? before : page[at - 1]?.position,
  }));
}

function isSamePlace(a: WalkPosition, b: WalkPosition): boolean {
  return a.bucketId === b.bucketId && a.key === b.key && a.detail.join() === b.detail.join();
}

function isSameContent(a: WalkEntry, b: WalkEntry): boolean {
  return a.etag === b.etag && a.sizeBytes === b.sizeBytes && placeOf(a) === placeOf(b);
}

function placeOf({ content }: WalkEntry): string {
  if (content === undefined) return "";
  if (content.kind === "inline") return `${content.dataId}`;
  return content.kind === "set" ? content.set.id : `${content.set.id}/${content.offset}`;
}

function copyFinding(problem: string): VerifyFinding {
  return {
    kind: "damaged-copy",
    bucket: undefined,
    key: undefined,
    entry: undefined,
    detail: [],
    sizeBytes: 0,
    setId: undefined,
    shards: [],
    problem,
  };
}

function copyProblems(report: JournalReport | undefined): readonly string[] {
  const members = report?.members.filter(({ state }) => state !== "good") ?? [];
  return members.map(
    ({ label, state, problem }) =>
      `the copy of the metadata on ${label} is ${state}${problem === undefined ? "" : `: ${problem}`}`,
  );
}

/** How much there is to do, as far as counters tell. */
async function totalsOf(
  { metadata }: StoreContext,
  { prefix }: VerifyQuery,
  bucket: BucketRecord | undefined,
): Promise<VerifyTotals | undefined> {
  if (prefix !== undefined && prefix !== "") return undefined;
  if (bucket !== undefined) return { objects: bucket.objectCount, bytes: bucket.objectBytes };
  const { objects, objectBytes } = await metadata.totals();
  return { objects, bytes: objectBytes };
}

async function findUnnamed({ sweep, watcher }: VerifyOptions): Promise<UnnamedShards | undefined> {
  const report = await sweep.run({ isDryRun: true, signal: watcher.signal });
  if (report.refusal !== undefined || !report.isComplete) return undefined;
  const { orphanSets, ownSets, unknownSets, unknownExamples, skippedDrives } = report;
  return { orphanSets, ownSets, unknownSets, examples: unknownExamples, skippedDrives };
}
