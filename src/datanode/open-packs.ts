// The shards of packs that a data node keeps open for its gateways. A gateway that finds its pack closed, since the node
// was restarted or has too many of them, begins another: an open pack is never anything but a convenience.

import { RefusedRequestError, type PackAppend } from "./protocol.ts";
import { ShardError, type PackShard, type ShardName, type ShardStore } from "./shard-store.ts";

/** Beyond so many the one that was used longest ago is closed: its gateway may be gone. */
const OPEN_MAX = 256;

interface OpenPack {
  readonly shard: PackShard;
  isBusy: boolean;
}

export class OpenPacks {
  // In order of last use: a Map keeps the order of insertion.
  readonly #open = new Map<string, OpenPack>();

  /** @throws ShardError of the drive; Unavailable when it is not open, or does not end there. */
  async append(
    drive: ShardStore,
    name: ShardName,
    { offset, isLast }: PackAppend,
    chunks: readonly Uint8Array[],
  ): Promise<void> {
    const id = idOf(drive, name);
    if (offset === 0) this.#add(id, await drive.createPack(name));
    const pack = this.#take(id);
    pack.isBusy = true;
    try {
      if (isLast) await pack.shard.seal(offset, chunks);
      else await pack.shard.append(offset, chunks);
    } catch (error) {
      await this.close(drive, name);
      throw error;
    } finally {
      pack.isBusy = false;
    }
    if (isLast) this.#open.delete(id);
  }

  /** Harmless when it is not open. */
  async close(drive: ShardStore, name: ShardName): Promise<void> {
    const id = idOf(drive, name);
    const pack = this.#open.get(id);
    this.#open.delete(id);
    await pack?.shard.close();
  }

  async closeAll(): Promise<void> {
    const packs = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(packs.map(({ shard }) => shard.close()));
  }

  #add(id: string, shard: PackShard): void {
    for (const [oldest, pack] of this.#open) {
      if (this.#open.size < OPEN_MAX) break;
      this.#open.delete(oldest);
      void pack.shard.close();
    }
    this.#open.set(id, { shard, isBusy: false });
  }

  #take(id: string): OpenPack {
    const pack = this.#open.get(id);
    if (pack === undefined) throw new ShardError("Unavailable", "the pack is not open any more");
    if (pack.isBusy) throw new RefusedRequestError("BadRequest", "a pack takes one append a time");
    this.#open.delete(id);
    this.#open.set(id, pack);
    return pack;
  }
}

function idOf(drive: ShardStore, name: ShardName): string {
  return `${drive.driveId}/${name.setId}.${name.index}`;
}
