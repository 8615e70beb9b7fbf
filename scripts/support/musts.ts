// What a script must show: each figure with its limit, printed as it is known; the exit code says whether all hold.

export interface Must {
  readonly what: string;
  readonly figure: number;
  readonly limit: number;
  readonly isMost: boolean;
  readonly digits?: number;
}

export class Musts {
  #failed = 0;

  check({ what, figure, limit, isMost, digits = 2 }: Must): void {
    const holds = isMost ? figure <= limit : figure >= limit;
    if (!holds) this.#failed += 1;
    const bound = `${isMost ? "at most" : "at least"} ${limit}`;
    console.log(`${holds ? "holds " : "FAILS "} ${what}: ${figure.toFixed(digits)} (${bound})`);
  }

  /** Sets the exit code. */
  end(): void {
    console.log(this.#failed === 0 ? "all of it holds" : `${this.#failed} did not hold`);
    if (this.#failed > 0) process.exitCode = 1;
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
