// Makes ids of shard sets: the incarnation of this process, then random digits. Random bytes are drawn many at a time.

import { randomFillSync, randomBytes } from "node:crypto";
import type { Incarnation, SetId } from "../core/ids.ts";

const RANDOM_BYTES = 8;
const IDS_PER_DRAW = 128;

/** A name for this life of this process. */
export function makeIncarnation(): Incarnation {
  return randomBytes(RANDOM_BYTES).toString("hex") as Incarnation;
}

export class SetIds {
  readonly #incarnation: Incarnation;
  readonly #random = Buffer.alloc(RANDOM_BYTES * IDS_PER_DRAW);
  #used = this.#random.length;

  constructor(incarnation: Incarnation) {
    this.#incarnation = incarnation;
  }

  next(): SetId {
    if (this.#used === this.#random.length) {
      randomFillSync(this.#random);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += RANDOM_BYTES;
    return `${this.#incarnation}${this.#random.toString("hex", start, this.#used)}` as SetId;
  }
}
