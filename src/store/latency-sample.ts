// The last read times of a drive, for the question when a read is late enough to ask another shard.

const SAMPLE_SIZE = 64;
/** The percentile is worked out anew after so many reads: sorting at every read would cost more than it tells. */
const REFRESH_EVERY = 16;

export class LatencySample {
  readonly #samples = new Float64Array(SAMPLE_SIZE);
  #count = 0;
  #p95 = 0;

  add(ms: number): void {
    this.#samples[this.#count % SAMPLE_SIZE] = ms;
    this.#count += 1;
    if (this.#count % REFRESH_EVERY !== 0) return;
    const sorted = this.#samples.slice(0, Math.min(this.#count, SAMPLE_SIZE)).toSorted();
    this.#p95 = sorted[Math.floor(sorted.length * 0.95)] ?? 0;
  }

  /** In milliseconds; 0 before there are enough reads. */
  get p95(): number {
    return this.#p95;
  }
}
