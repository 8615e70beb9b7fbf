// What rebuilding has seen and done, as it is told at the end. Lists are bounded: there may be very many of anything.

/** Entries of a list that are told. */
const LISTED_MAX = 1_000;

/** Things of one kind: how many, and the first of them in words. */
class Finding {
  readonly #listed: string[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get listed(): readonly string[] {
    return this.#listed;
  }

  add(words: string): void {
    this.#count += 1;
    if (this.#listed.length < LISTED_MAX) this.#listed.push(words);
  }
}

export class RebuildTally {
  shardFiles = 0;
  sets = 0;
  packs = 0;
  /** Objects and parts that the drives tell of, and that the base does not decide about. */
  claims = 0;
  buckets = 0;
  /** Versions that were put where the base had none, or an older one. */
  objects = 0;
  bytes = 0;
  /** Of those: made of parts. */
  multipart = 0;
  /** Objects and parts of the base that compaction had moved to other packs since. */
  moved = 0;
  /** Sets of the base whose shards lie elsewhere than it said. */
  placed = 0;
  /** Copies of a key that a newer one, or what the base says, supersedes. */
  olderCopies = 0;
  /** Sets, and ends of packs, of writes that were never finished: nothing was acknowledged of them. */
  unfinished = 0;
  /** Fewer shards are there than it takes to read. */
  readonly lost = new Finding();
  /** Parts of uploads that were not completed, or of which nothing says that they were. */
  readonly parts = new Finding();
  /** What cannot be read, or makes no sense. */
  readonly damaged = new Finding();
  /** What the metadata refused. */
  readonly refused = new Finding();
  /** Sets that the base names, and of which no drive has a shard: deleted later, or lost. */
  gone = 0;
}
