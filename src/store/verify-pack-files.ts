// The files of a pack, looked at once for all objects in it: whether each is there, and begins with the pack's header. A
// header that is damaged is told of, and spoils no object: a GET does not read it.

import { readShardHeader } from "../datanode/read-shard.ts";
import { ShardError, type ShardName, type ShardStore } from "../datanode/shard-store.ts";
import type { SetId } from "../core/ids.ts";
import type { ShardSetRecord } from "../metadata/records.ts";
import type { ShardCheck } from "./shard-check.ts";

/** Packs whose files are not looked at again. */
const PACKS_KEPT_MAX = 10_000;

interface PackFiles {
  /** What is wrong with files that are gone or cannot be read, by index. */
  readonly missing: ReadonlyMap<number, string>;
  readonly badHeaders: ReadonlyMap<number, string>;
  /** Drives that were away may be back: then they are looked at again. */
  readonly isCertain: boolean;
}

export class PackFileChecks {
  readonly #packs = new Map<SetId, Promise<PackFiles>>();
  readonly #clusterId: string;

  constructor(clusterId: string) {
    this.#clusterId = clusterId;
  }

  /** Notes files that are missing on the shards; resolves to bad headers by index. */
  async check(
    shards: readonly ShardCheck[],
    set: ShardSetRecord,
  ): Promise<ReadonlyMap<number, string>> {
    const known = this.#packs.get(set.id);
    const looking = known ?? this.#look(shards, set);
    if (known === undefined) this.#keep(set.id, looking);
    const { missing, badHeaders, isCertain } = await looking;
    if (!isCertain) this.#packs.delete(set.id);
    for (const shard of shards) {
      const problem = missing.get(shard.index);
      if (problem !== undefined) shard.note("missing", problem);
    }
    return badHeaders;
  }

  async #look(shards: readonly ShardCheck[], set: ShardSetRecord): Promise<PackFiles> {
    const missing = new Map<number, string>();
    const badHeaders = new Map<number, string>();
    await Promise.all(
      shards.map(async (shard) => {
        // Opens the file anew: one that was read before may be gone, and still be open.
        await shard.ask(({ store }) => store.size(shard.name));
        if (shard.finding?.state === "missing") missing.set(shard.index, shard.finding.problem);
        const problem = await shard.ask(({ store }) => this.#headerProblem(store, shard.name, set));
        if (problem !== undefined) badHeaders.set(shard.index, problem);
      }),
    );
    const isCertain = shards.every(({ finding }) => finding?.state !== "away");
    return { missing, badHeaders, isCertain };
  }

  async #headerProblem(
    store: ShardStore,
    name: ShardName,
    set: ShardSetRecord,
  ): Promise<string | undefined> {
    const header = await readShardHeader(store, name).catch((error: unknown) => {
      if (error instanceof ShardError && error.code === "Corrupt") return undefined;
      throw error;
    });
    if (header === undefined) return "the header of its pack is damaged";
    const { clusterId, dataShards, parityShards, unitBytes, pack } = header;
    const found = [clusterId, dataShards, parityShards, unitBytes, pack === true];
    const said = [this.#clusterId, set.dataShards, set.parityShards, set.unitBytes, true];
    if (found.join() === said.join()) return undefined;
    return `the header of its pack says ${found.join()}, where the metadata says ${said.join()}`;
  }

  #keep(setId: SetId, looking: Promise<PackFiles>): void {
    this.#packs.set(setId, looking);
    if (this.#packs.size <= PACKS_KEPT_MAX) return;
    const [oldest] = this.#packs.keys();
    if (oldest !== undefined) this.#packs.delete(oldest);
  }
}
