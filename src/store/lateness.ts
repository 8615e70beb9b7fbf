// Whether a drive is slow, or only one of its reads was: under load now and then one takes several times as long as others,
// and to read around the drive for seconds after it costs far more, in reads of parity and in decoding, than it spares.

/** Late reads, beyond those that the answers in time make up for, of a drive that is slow. */
const LATE_COUNT = 3;
/** What each answer makes up for: a drive of which one read in fifty is late is as good as others. */
const ANSWER_WEIGHT = 1 / 50;

export class Lateness {
  #score = 0;

  /** The drive has answered a read. */
  noteAnswer(): void {
    if (this.#score > 0) this.#score -= ANSWER_WEIGHT;
  }

  /** A read is late. Returns whether the drive is slow: at once, where it has answered nothing else since that read began. */
  noteLate(hasAnsweredSince: boolean): boolean {
    this.#score += 1;
    if (hasAnsweredSince && this.#score < LATE_COUNT) return false;
    this.#score = 0;
    return true;
  }
}
