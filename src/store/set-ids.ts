// Makes ids of shard sets: the incarnation of this process, then random digits. Random bytes are drawn many at a time.

import { randomFillSync } from "node:crypto";
import type { Incarnation, SetId } from "../core/ids.ts";

const RANDOM_BYTES = 8;
const IDS_PER_DRAW = 128;

type FillRandom = (target: Buffer) => void;

const fillSecurely: FillRandom = (target) => void randomFillSync(target);

/** A name for this life of this process. */
export function makeIncarnation(fill: FillRandom = fillSecurely): Incarnation {
  const bytes = Buffer.alloc(RANDOM_BYTES);
  fill(bytes);
  return bytes.toString("hex") as Incarnation;
}

export class SetIds {
  /** The first half of every id. */
  readonly incarnation: Incarnation;
  readonly #fill: FillRandom;
  readonly #random = Buffer.alloc(RANDOM_BYTES * IDS_PER_DRAW);
  #used = this.#random.length;

  constructor(incarnation: Incarnation, fill: FillRandom = fillSecurely) {
    this.incarnation = incarnation;
    this.#fill = fill;
  }

  next(): SetId {
    if (this.#used === this.#random.length) {
      this.#fill(this.#random);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += RANDOM_BYTES;
    return `${this.incarnation}${this.#random.toString("hex", start, this.#used)}` as SetId;
  }
}
