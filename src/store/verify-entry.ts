// Verifies one row: the bytes that it names, wherever they are.

import type { SetId } from "../core/ids.ts";
import type { WalkEntry } from "../metadata/metadata-store.ts";
import type { Content } from "../metadata/records.ts";
import { areStored, storedBytesOf, type StoredBytes } from "./encryption/stored-bytes.ts";
import { runOf } from "./set-run.ts";
import type { StoreContext } from "./store-context.ts";
import type { VerifyFinding } from "./verify-report.ts";
import { PackFileChecks } from "./verify-pack-files.ts";
import { verifyRun, type RunCheck } from "./verify-run.ts";

/** Sets that several objects may share are read once while they are among so many. */
const SETS_KEPT_MAX = 10_000;

export type EntryFault = Pick<VerifyFinding, "kind" | "problem" | "setId" | "shards">;

/** What was read for it; none where another row had it read before. */
export interface ReadCounts {
  readonly sets: number;
  readonly shards: number;
  readonly bytes: number;
}

export interface EntryCheck {
  readonly fault: EntryFault | undefined;
  readonly read: ReadCounts;
}

type SetContent = Extract<Content, { readonly kind: "set" }>;
type PackedContent = Extract<Content, { readonly kind: "packed" }>;

const NOTHING: ReadCounts = { sets: 0, shards: 0, bytes: 0 };

export class EntryVerifier {
  readonly #context: StoreContext;
  readonly #signal: AbortSignal | undefined;
  readonly #packFiles: PackFileChecks;
  // In order of first use; what is kept is little, but for sets with findings.
  readonly #sets = new Map<SetId, Promise<RunCheck>>();

  constructor(context: StoreContext, signal: AbortSignal | undefined) {
    this.#context = context;
    this.#signal = signal;
    this.#packFiles = new PackFileChecks(context.clusterId);
  }

  /** @param bucket The bucket's name; undefined when it is gone. */
  async verify(entry: WalkEntry, bucket: string | undefined): Promise<EntryCheck> {
    const { content } = entry;
    if (entry.isDamaged) return { fault: damagedRow(content), read: NOTHING };
    if (content === undefined) return { fault: undefined, read: NOTHING };
    const stored = findStored(entry);
    if (stored === undefined) return { fault: damagedRow(content), read: NOTHING };
    if (content.kind === "inline") return this.#verifyInline(stored, content.dataId);
    if (content.kind === "set") return this.#verifySet(stored, content);
    return this.#verifyPacked(stored, content, { bucket, key: entry.position.key });
  }

  async #verifyInline(stored: StoredBytes, dataId: number): Promise<EntryCheck> {
    const bytes = await this.#context.metadata.readInline(dataId);
    const read = NOTHING;
    if (bytes === undefined) {
      return { fault: inlineFault("unreadable", "its bytes are gone from the metadata"), read };
    }
    if (areStored(bytes, stored)) return { fault: undefined, read };
    const problem = "its bytes in the metadata are not those of its ETag";
    return { fault: inlineFault("damaged-bytes", problem), read };
  }

  async #verifySet(stored: StoredBytes, content: SetContent): Promise<EntryCheck> {
    const setId = content.set.id;
    const known = this.#sets.get(setId);
    const checking =
      known ??
      verifyRun(this.#context, { run: runOf(content, stored), packed: undefined }, this.#signal);
    if (known === undefined) this.#keep(setId, checking);
    const check = await checking;
    const read = known === undefined ? countsOf(check) : NOTHING;
    return { fault: faultOf(setId, check, stored), read };
  }

  async #verifyPacked(
    stored: StoredBytes,
    content: PackedContent,
    name: { readonly bucket: string | undefined; readonly key: string },
  ): Promise<EntryCheck> {
    const { sizeBytes, etag } = stored;
    const entry = { ...name, sizeBytes, etag };
    const check = await verifyRun(
      this.#context,
      { run: runOf(content, stored), packed: { entry, files: this.#packFiles } },
      this.#signal,
    );
    return { fault: faultOf(content.set.id, check, stored), read: countsOf(check) };
  }

  #keep(setId: SetId, checking: Promise<RunCheck>): void {
    this.#sets.set(setId, checking);
    if (this.#sets.size <= SETS_KEPT_MAX) return;
    const [oldest] = this.#sets.keys();
    if (oldest !== undefined) this.#sets.delete(oldest);
  }
}

/** Undefined where what the row says of their encryption makes no sense. */
function findStored(entry: WalkEntry): StoredBytes | undefined {
  try {
    return storedBytesOf(entry);
  } catch {
    return undefined;
  }
}

/** The worst of what is wrong, in words; all its bad shards are named beside it. */
function faultOf(setId: SetId, check: RunCheck, row: StoredBytes): EntryFault | undefined {
  const { shards, found, hasWrongBytes, isReadable } = check;
  const fault = { setId, shards };
  const disagreement = check.disagreement ?? disagreementOf(found, row);
  if (!isReadable) {
    return { ...fault, kind: "unreadable", problem: `too few good shards: ${listed(shards)}` };
  }
  if (disagreement !== undefined) return { ...fault, kind: "disagrees", problem: disagreement };
  if (hasWrongBytes) {
    const problem = "its bytes are not those of its ETag, though every block's checksum is good";
    return { ...fault, kind: "damaged-bytes", problem };
  }
  if (shards.length === 0) return undefined;
  return { ...fault, kind: "below-redundancy", problem: listed(shards) };
}

function disagreementOf(found: RunCheck["found"], row: StoredBytes): string | undefined {
  if (found === undefined) return undefined;
  if (found.sizeBytes === row.sizeBytes && found.etag === row.etag) return undefined;
  const said = `${row.sizeBytes} bytes, ETag ${row.etag}`;
  return `its shards say ${found.sizeBytes} bytes, ETag ${found.etag}, and the metadata says ${said}`;
}

function listed(shards: EntryFault["shards"]): string {
  return shards
    .map(({ index, drive, state }) => `shard ${index} on ${drive ?? "an absent drive"} is ${state}`)
    .join(", ");
}

function damagedRow(content: Content | undefined): EntryFault {
  const setId = content === undefined || content.kind === "inline" ? undefined : content.set.id;
  const problem = "its row in the metadata does not match its checksum";
  return { kind: "damaged-row", setId, shards: [], problem };
}

function inlineFault(kind: EntryFault["kind"], problem: string): EntryFault {
  return { kind, problem, setId: undefined, shards: [] };
}

function countsOf({ shardsRead, bytesRead }: RunCheck): ReadCounts {
  return { sets: 1, shards: shardsRead, bytes: bytesRead };
}
