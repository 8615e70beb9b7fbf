// Finds shards on the drives that no metadata names, and removes those of which that is certain. A set's id begins with
// the incarnation of the process that wrote it, and every commit checks in its own transaction that its incarnation has
// not ended: once it has, a set that is not named can never be. So the order is: ask which have ended, look at a folder,
// ask which of its sets are named. Sets of this process are its own business, sets of unknown ones are kept and told of.
// A folder at a time over all drives, so that memory does not grow with what is on them.

import { incarnationOf, type DriveId, type SetId } from "../core/ids.ts";
import type { Drive } from "./drive.ts";
import { needlessOf, straysOf } from "./layout/stray-shards.ts";
import { isClaimed } from "./orphan-claims.ts";
import { findRefusal, isUpToDate } from "./sweep-permission.ts";
import { removeOrphans, SeenOrphans, type FoundSet } from "./seen-orphans.ts";
import type { StoreContext } from "./store-context.ts";
import type { OrphanSet, SweepOptions, SweepReport } from "./sweep-report.ts";
import { SweepTally } from "./sweep-tally.ts";

const FOLDER_COUNT = 256;
/** Sets asked for at a time. */
const NAMES_PER_PAGE = 1_000;
/** How often each drive is swept in the background. */
const SWEEP_EVERY_MS = 6 * 60 * 60 * 1000;
const BACKGROUND_REST_FACTOR = 3;

interface SweptFolder {
  readonly orphans: readonly FoundSet[];
  /** Of named sets: what lies where no layout puts it any more. */
  readonly strays: readonly FoundSet[];
  /** Whether every drive answered. */
  readonly isWhole: boolean;
}

interface Pass {
  readonly drives: readonly Drive[];
  readonly options: SweepOptions;
  readonly tally: SweepTally;
  /** Drives that failed in this pass: not all of theirs was seen. */
  readonly failed: Set<Drive>;
}

export class OrphanSweep {
  readonly #context: StoreContext;
  readonly #seen: SeenOrphans;
  readonly #areStraysKnown: () => boolean;
  /** When each drive was last swept whole, in monotonic milliseconds. */
  readonly #sweptAt = new Map<DriveId, number>();
  #notBefore: number;
  #refusalTold: string | undefined;

  /** `areStraysKnown`: whether every process reads by the layout that this one knows. */
  constructor(context: StoreContext, areStraysKnown: () => boolean = () => true) {
    this.#context = context;
    this.#areStraysKnown = areStraysKnown;
    this.#seen = new SeenOrphans(context);
    this.#notBefore = context.clock.monotonic() + context.limits.trashGraceMs;
  }

  /** The next step looks at all drives: places have changed hands. */
  soon(): void {
    this.#sweptAt.clear();
  }

  /** One pass over all drives that are there. */
  run(options: SweepOptions = {}): Promise<SweepReport> {
    return this.#pass(this.#sweepable(), options);
  }

  /** What a pass would remove; bounded by `limit`. */
  async list(limit: number): Promise<readonly OrphanSet[]> {
    const found: OrphanSet[] = [];
    const pass = newPass(this.#sweepable(), { isDryRun: true });
    for (let folder = 0; folder < FOLDER_COUNT && found.length < limit; folder += 1) {
      const { orphans } = await this.#look(pass, folder);
      for (const { setId, shards } of orphans) {
        const named = shards.map(({ drive, index }) => ({ index, drive: drive.store.label }));
        found.push({ setId, shards: named });
      }
    }
    return found.slice(0, limit);
  }

  /**
   * A pass over the drives that are due, with rests: first once the grace after the start is over, then every six hours,
   * again when something had to wait, and of a drive that was away when it is back.
   */
  async step(signal: AbortSignal): Promise<SweepReport | undefined> {
    const { clock, limits } = this.#context;
    const startedAt = clock.monotonic();
    const drives = this.#sweepable();
    for (const { store } of this.#skipped(drives)) this.#sweptAt.delete(store.driveId);
    if (startedAt < this.#notBefore) return undefined;
    const due = drives.filter(({ store }) => {
      const sweptAt = this.#sweptAt.get(store.driveId);
      return sweptAt === undefined || startedAt - sweptAt >= SWEEP_EVERY_MS;
    });
    if (due.length === 0) return undefined;
    const report = await this.#pass(due, { signal, restFactor: BACKGROUND_REST_FACTOR });
    if (report.refusal !== undefined || report.waitingShards > 0) {
      this.#notBefore = clock.monotonic() + limits.trashGraceMs;
      for (const { store } of due) this.#sweptAt.delete(store.driveId);
    }
    return report;
  }

  async #pass(drives: readonly Drive[], options: SweepOptions): Promise<SweepReport> {
    const { metadata, clock } = this.#context;
    const pass = newPass(drives, options);
    const skipped = this.#skipped(this.#sweepable());
    for (const { store } of skipped) pass.tally.skippedDrives.add(store.label);
    for (const driveId of this.#context.drives.absent) pass.tally.skippedDrives.add(driveId);
    for (let folder = 0; folder < FOLDER_COUNT; folder += 1) {
      // Asked anew for each folder: a pass takes long, and the copies may have changed meanwhile.
      const refusal = findRefusal(metadata);
      this.#tell(refusal);
      if (refusal !== undefined) return pass.tally.report({ refusal, isComplete: false });
      if (options.signal?.aborted === true) {
        return pass.tally.report({ refusal, isComplete: false });
      }
      const startedAt = performance.now();
      await this.#sweepFolder(pass, folder);
      const { removedShards } = pass.tally;
      options.onProgress?.({ foldersDone: folder + 1, foldersTotal: FOLDER_COUNT, removedShards });
      await rest((performance.now() - startedAt) * (options.restFactor ?? 0), options.signal);
    }
    for (const drive of drives) {
      if (!pass.failed.has(drive)) this.#sweptAt.set(drive.store.driveId, clock.monotonic());
    }
    return this.#finish(pass);
  }

  #finish({ tally }: Pass): SweepReport {
    const report = tally.report({ refusal: undefined, isComplete: true });
    const { removedShards, unknownSets } = report;
    const { logger } = this.#context;
    if (removedShards > 0) logger.info({ removedShards }, "the sweep removed orphans");
    if (unknownSets > 0) {
      const fields = { unknownSets, examples: report.unknownExamples };
      logger.warn(fields, "shards of sets or processes that the metadata does not know are kept");
    }
    return report;
  }

  async #sweepFolder(pass: Pass, folder: number): Promise<void> {
    const { tally, options } = pass;
    const { orphans, strays, isWhole } = await this.#look(pass, folder);
    tally.orphanSets += orphans.length;
    const found = [...orphans, ...strays];
    for (const { shards } of found) tally.waitingShards += shards.length;
    if (options.isDryRun === true) return;
    const graceMs = options.graceMs ?? this.#context.limits.trashGraceMs;
    const due = this.#seen.note({ folder, orphans: found, isWhole, graceMs });
    const unclaimed = await this.#unclaimed(
      due.filter((set) => !strays.includes(set)),
      tally,
    );
    let removedShards = await removeOrphans(unclaimed, options.signal);
    // One after the other, each looked at just before it goes: drives may come or go meanwhile.
    for (const stray of due.filter((set) => strays.includes(set))) {
      const needless = await needlessOf(this.#context, stray);
      removedShards += await removeOrphans([needless], options.signal);
    }
    tally.removedShards += removedShards;
    tally.waitingShards -= removedShards;
  }

  async #unclaimed(due: readonly FoundSet[], tally: SweepTally): Promise<readonly FoundSet[]> {
    const unclaimed: FoundSet[] = [];
    for (const set of due) {
      if (!(await isClaimed(this.#context, set))) {
        unclaimed.push(set);
        continue;
      }
      tally.noteUnknown(set.setId);
      tally.orphanSets -= 1;
      // They wait for nothing that time brings.
      tally.waitingShards -= set.shards.length;
    }
    return unclaimed;
  }

  /** Lists a folder of all drives and sorts what is in it. */
  async #look(pass: Pass, folder: number): Promise<SweptFolder> {
    const { metadata, setIds } = this.#context;
    const processes = await metadata.listProcesses();
    const known = new Map(processes.map((row) => [row.incarnation, row.endedAt !== undefined]));
    const found = await listFolder(pass, folder);
    const unnamed = await this.#withoutNamed([...found.values()]);
    const isUnnamed = new Set(unnamed.map(({ setId }) => setId));
    const strays = [...found.values()]
      .filter(({ setId }) => this.#areStraysKnown() && !isUnnamed.has(setId))
      .map((set) => straysOf(this.#context, set))
      .filter(({ shards }) => shards.length > 0);
    const orphans: FoundSet[] = [];
    for (const set of unnamed) {
      const incarnation = incarnationOf(set.setId);
      const hasEnded = known.get(incarnation);
      if (incarnation === setIds.incarnation) pass.tally.ownSets += 1;
      else if (hasEnded === undefined) pass.tally.noteUnknown(set.setId);
      else if (hasEnded) orphans.push(set);
      else pass.tally.livingSets += 1;
    }
    return { orphans, strays, isWhole: pass.failed.size === 0 };
  }

  async #withoutNamed(sets: readonly FoundSet[]): Promise<readonly FoundSet[]> {
    const unnamed: FoundSet[] = [];
    for (let start = 0; start < sets.length; start += NAMES_PER_PAGE) {
      const page = sets.slice(start, start + NAMES_PER_PAGE);
      const named = await this.#context.metadata.findNamedSets(page.map(({ setId }) => setId));
      unnamed.push(...page.filter(({ setId }) => !named.has(setId)));
    }
    return unnamed;
  }

  /** Drives that are there, and whose copy of the metadata, where they hold one, is up to date. */
  #sweepable(): readonly Drive[] {
    const { drives, metadata } = this.#context;
    const report = metadata.journalReport();
    return drives.all.filter((drive) => !drive.isAway && isUpToDate(report, drive.store.driveId));
  }

  #skipped(swept: readonly Drive[]): readonly Drive[] {
    return this.#context.drives.all.filter((drive) => !swept.includes(drive));
  }

  #tell(refusal: string | undefined): void {
    if (refusal !== undefined && refusal !== this.#refusalTold) {
      this.#context.logger.warn({ reason: refusal }, "the drives are not swept");
    }
    this.#refusalTold = refusal;
  }
}

function newPass(drives: readonly Drive[], options: SweepOptions): Pass {
  return { drives, options, tally: new SweepTally(), failed: new Set() };
}

async function listFolder(pass: Pass, folder: number): Promise<ReadonlyMap<SetId, FoundSet>> {
  const found = new Map<SetId, FoundSet>();
  await Promise.all(
    pass.drives.map(async (drive) => {
      if (pass.failed.has(drive)) return;
      try {
        for (const { setId, index } of await drive.store.list(folder)) {
          const set = found.get(setId) ?? { setId, shards: [] };
          set.shards.push({ drive, index });
          found.set(setId, set);
          pass.tally.shardsSeen += 1;
        }
      } catch (error) {
        drive.noteError(error);
        pass.failed.add(drive);
        pass.tally.skippedDrives.add(drive.store.label);
      }
    }),
  );
  return found;
}

/** Ends early when the signal aborts. */
function rest(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms < 1 || signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    timer.unref();
    signal?.addEventListener("abort", end);
  });
}
