// Whether the bytes of a snapshot that come over a network are the ones that were asked for.

import { createHash } from "node:crypto";
import { JournalError, type SnapshotInfo } from "../journal/journal-member.ts";

export class SnapshotCheck {
  readonly #info: SnapshotInfo;
  readonly #label: string;
  readonly #hash = createHash("sha256");
  #sizeBytes = 0;

  constructor(info: SnapshotInfo, label: string) {
    this.#info = info;
    this.#label = label;
  }

  add(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.length;
  }

  /** @throws JournalError Corrupt when these were other bytes. */
  end(): void {
    const { sizeBytes, fileDigest, sequence } = this.#info;
    if (this.#sizeBytes === sizeBytes && this.#hash.digest("hex") === fileDigest) return;
    throw new JournalError("Corrupt", `${this.#label}: its snapshot ${sequence} is damaged`);
  }
}
