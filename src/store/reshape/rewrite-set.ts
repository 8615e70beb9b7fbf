// Cuts the set that a row names anew: its bytes as they lie there, sealed or not, are written as a new set, with all that its
// shards say of the object, and the row names that one instead, if it still names the old one. Who was faster wins: then the
// copy is removed. A set that several rows share stays shared.
//
// Invariant: the old set is let go of only in the transaction that names a copy which is durable and whose digest was compared.

import { createHash } from "node:crypto";
import { S3Error } from "../../core/s3-error.ts";
import type { SetId } from "../../core/ids.ts";
import { parseShardFooter, parseShardHeader } from "../../datanode/shard-format.ts";
import { shardCount } from "../../erasure/geometry.ts";
import type { ReplaceSetInput, WalkEntry } from "../../metadata/metadata-store.ts";
import type { ShardSetRecord } from "../../metadata/records.ts";
import { crashPoint } from "../../util/crash-point.ts";
import { commitContent } from "../commit-content.ts";
import { storedBytesOf, type StoredBytes } from "../encryption/stored-bytes.ts";
import { readSegments } from "../read-segments.ts";
import { discardSet } from "../remove-set.ts";
import { idBefore } from "../repair/id-before.ts";
import type { Pace } from "../repair/pace.ts";
import { RepairFault, wordsOf } from "../repair/repair-fault.ts";
import { planSet } from "../repair/set-plan.ts";
import { SetShards } from "../repair/set-shards.ts";
import { runOf, type ShardContent } from "../set-run.ts";
import { openSetWriter, type SetWriter } from "../set-writer.ts";
import type { StoreContext } from "../store-context.ts";

export interface RewriteOptions {
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

interface SetRewrite {
  readonly isRewritten: boolean;
  /** Of data; none where a copy is shared. */
  readonly writtenBytes: number;
  /** Why it still is as it was; undefined where it is not, or nothing names it any more. */
  readonly problem: string | undefined;
}

/** A copy that other rows may share which name the set still. */
interface Copy {
  readonly setId: SetId;
  readonly source: { readonly bucketId: number; readonly key: string; readonly sequence: number };
}

const NOTHING: SetRewrite = { isRewritten: false, writtenBytes: 0, problem: undefined };
/** Of so many sets that are shared copies are remembered; of others each row gets one of its own. */
const COPIES_MAX = 100_000;

export class SetRewriter {
  readonly #context: StoreContext;
  /** In order of their making. */
  readonly #copies = new Map<SetId, Copy>();
  readonly #underWay = new Map<SetId, Promise<SetRewrite>>();

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** Of a row that names a set of its own. */
  async rewrite(entry: WalkEntry, options: RewriteOptions): Promise<SetRewrite> {
    if (entry.content?.kind !== "set") return NOTHING;
    const { id } = entry.content.set;
    // One that is shared is copied once.
    while (this.#underWay.has(id)) await this.#underWay.get(id);
    const work = this.#rewrite(entry, entry.content, options);
    this.#underWay.set(id, work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(id);
    }
  }

  async #rewrite(
    entry: WalkEntry,
    content: ShardContent,
    options: RewriteOptions,
  ): Promise<SetRewrite> {
    const { bucketId, key, detail } = entry.position;
    const name = { bucketId, key, detail, from: content.set.id };
    try {
      if (await this.#share(name)) return { ...NOTHING, isRewritten: true };
      return await this.#copy(entry, name, options);
    } catch (error) {
      if (options.signal.aborted) return { ...NOTHING, problem: "it was ended" };
      const setId = content.set.id;
      // Whatever it is: the others are cut anew all the same.
      if (!(error instanceof RepairFault)) {
        this.#context.logger.warn({ err: error, setId, key }, "a set could not be cut anew");
      }
      return { ...NOTHING, problem: `${setId}: ${reasonOf(error)}` };
    }
  }

  async #share(name: Omit<ReplaceSetInput, "to">): Promise<boolean> {
    const copy = this.#copies.get(name.from);
    if (copy === undefined) return false;
    try {
      return await this.#context.metadata.replaceSet({ ...name, to: { kind: "share", ...copy } });
    } catch (error) {
      if (!(error instanceof S3Error) || error.code !== "NoSuchKey") throw error;
      this.#copies.delete(name.from);
      return false;
    }
  }

  async #copy(
    entry: WalkEntry,
    name: Omit<ReplaceSetInput, "to">,
    options: RewriteOptions,
  ): Promise<SetRewrite> {
    const { drives, metadata, readings, writings } = this.#context;
    if (drives.lack !== undefined) throw new RepairFault("waits", drives.lack);
    // Begun before it is looked up: what is there then stays until it is over.
    const hold = readings.begin();
    try {
      const set = await this.#standing(name.from);
      if (set === undefined) return NOTHING;
      const stored = storedBytesOf(entry);
      const copy = await writings.run(async () => {
        const made = await this.#write(set, stored, options);
        const { id: setId, layoutVersion, missing } = made;
        const discard = (): Promise<void> =>
          discardSet(this.#context, { setId, layoutVersion, shardCount: shardCount(made) });
        if (missing.length > 0) {
          // The old one may have what it lacks.
          await discard();
          throw new RepairFault("waits", "a drive went away, or is full");
        }
        crashPoint("reshape.copied");
        const to = { kind: "set", set: made } as const;
        const isNamed = await commitContent(this.#context, to, () =>
          metadata.replaceSet({ ...name, to }),
        );
        crashPoint("reshape.named");
        if (isNamed) return made;
        await discard();
        return undefined;
      });
      if (copy === undefined) return NOTHING;
      await this.#remember(name, copy.id);
      return { isRewritten: true, writtenBytes: stored.sizeBytes, problem: undefined };
    } finally {
      hold.close();
    }
  }

  async #standing(setId: SetId): Promise<ShardSetRecord | undefined> {
    const [set] = await this.#context.metadata.listSets(idBefore(setId), 1);
    return set?.id === setId ? set : undefined;
  }

  /** Where others share the set that this row has let go of. */
  async #remember({ bucketId, key, detail, from }: Omit<ReplaceSetInput, "to">, setId: SetId) {
    const [sequence = 0, part] = detail;
    if (part !== undefined || (await this.#standing(from)) === undefined) return;
    this.#copies.set(from, { setId, source: { bucketId, key, sequence } });
    const [oldest] = this.#copies.keys();
    if (this.#copies.size > COPIES_MAX && oldest !== undefined) this.#copies.delete(oldest);
  }

  /** A new set of the same bytes. @throws RepairFault, S3Error; then nothing is left of it */
  async #write(
    set: ShardSetRecord,
    stored: StoredBytes,
    options: RewriteOptions,
  ): Promise<ShardSetRecord> {
    const plan = await planSet(this.#context, new SetShards(this.#context, set));
    const footerText = plan.footer?.(0) ?? new Uint8Array(0);
    const header = parseShardHeader(plan.header(0));
    const footer = parseShardFooter(footerText, plan.endOffset + footerText.length);
    const { bucket, key, part, createdAt } = header;
    const writer = await openSetWriter(this.#context, { bucket, key, part, createdAt });
    try {
      await this.#stream(set, stored, writer, options);
      const { about, attributes, checksums, createdAt: endedAt, etag, seal } = footer;
      const summary = { about, attributes, checksums, etag, seal, createdAt: endedAt };
      return await writer.finish(summary);
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  /** @throws S3Error; RepairFault where the bytes are not those of the row's digest. */
  async #stream(
    set: ShardSetRecord,
    stored: StoredBytes,
    writer: SetWriter,
    { pace, signal }: RewriteOptions,
  ): Promise<void> {
    const digest = stored.hash && createHash(stored.hash);
    const run = runOf({ kind: "set", set }, stored);
    const range = { start: 0, end: stored.sizeBytes };
    const hold = this.#context.readings.begin();
    for await (const window of readSegments(this.#context, [{ kind: "set", run, range }], hold)) {
      try {
        for (const chunk of window.chunks) {
          if (signal.aborted) throw new RepairFault("waits", "it was ended");
          await pace(chunk.length);
          digest?.update(chunk);
          await writer.write(chunk);
        }
      } finally {
        window.release();
      }
    }
    if (digest === undefined || digest.digest("hex").startsWith(stored.etag)) return;
    throw new RepairFault("disagrees", "its bytes are not those of its digest");
  }
}

function reasonOf(error: unknown): string {
  return wordsOf(error instanceof S3Error ? (error.cause ?? error) : error);
}
