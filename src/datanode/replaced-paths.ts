// Which files of a drive have been replaced by ones made anew, and when. Who began the file that stood there before may end
// late, long after it was given up, and then removes by its name what it takes for its own: it must not remove the one that
// stands there now. Bounded: what is forgotten counts as replaced, for what is left over is swept one day.

const REMEMBERED_MAX = 10_000;

export class ReplacedPaths {
  readonly #max: number;
  /** How many replacements there were by then; in the order of the last ones. */
  readonly #replacedAt = new Map<string, number>();
  readonly #removals = new Map<string, Promise<void>>();
  #count = 0;
  /** Of what was replaced by then not everything is known any more. */
  #forgottenAt = 0;

  constructor(max = REMEMBERED_MAX) {
    this.#max = max;
  }

  /** What a file that is begun now is told apart by from those that take its place later. */
  get mark(): number {
    return this.#count;
  }

  /** To be called before a new file takes its place. Resolves once no earlier one is being removed there. */
  async replace(path: string): Promise<void> {
    this.#count += 1;
    this.#replacedAt.delete(path);
    this.#replacedAt.set(path, this.#count);
    this.#forgetOldest();
    await this.#removals.get(path);
  }

  /** Removes a file that was begun at `mark`, unless another may stand there by now. @throws what `remove` throws. */
  async removeOwn(path: string, mark: number, remove: () => Promise<void>): Promise<void> {
    const replacedAt = this.#replacedAt.get(path) ?? this.#forgottenAt;
    if (replacedAt > mark) return;
    const removal = remove();
    const settled = removal.catch(() => undefined);
    this.#removals.set(path, settled);
    try {
      await removal;
    } finally {
      if (this.#removals.get(path) === settled) this.#removals.delete(path);
    }
  }

  #forgetOldest(): void {
    if (this.#replacedAt.size <= this.#max) return;
    const [oldest] = this.#replacedAt;
    if (oldest === undefined) return;
    const [path, at] = oldest;
    this.#replacedAt.delete(path);
    this.#forgottenAt = at;
  }
}
