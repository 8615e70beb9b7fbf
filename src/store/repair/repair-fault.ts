// Why a set could not be made whole.

/**
 * "waits": drives that it needs are away, or its pack still grows; nothing is wrong with it as far as is known.
 * "lost": fewer shards are good than it takes. "disagrees": what its shards say does not fit together, or not the
 * metadata: nothing is written then, for nobody can say what is right. "refused": a drive does not take the new shard.
 */
export type RepairFaultKind = "disagrees" | "lost" | "refused" | "waits";

export class RepairFault extends Error {
  readonly kind: RepairFaultKind;

  constructor(kind: RepairFaultKind, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "RepairFault";
    this.kind = kind;
  }
}

/** What an error of a drive says. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
