// A drive of a data node as a ShardStore: each method one call to the node.

import type { DriveId } from "../core/ids.ts";
import type { SpaceInfo } from "../disk/disk.ts";
import type { BufferPool } from "../util/buffer-pool.ts";
import type { NodeLink } from "./node-link.ts";
import {
  drivePath,
  parseDevice,
  parseNames,
  parseSize,
  parseSpace,
  READ_BYTES_MAX,
  renderCreation,
} from "./protocol.ts";
import { READ_AHEAD_BYTES_MAX } from "./read-frames.ts";
import { RemotePackShard } from "./remote-pack-shard.ts";
import { RemoteShardWriter } from "./remote-shard-writer.ts";
import {
  ShardError,
  type PackShard,
  type ShardCreation,
  type ShardName,
  type ShardStore,
  type ShardWriter,
} from "./shard-store.ts";

export interface RemoteDriveOptions {
  readonly link: NodeLink;
  readonly driveId: DriveId;
  readonly label: string;
  /** For frames of shards being written. */
  readonly buffers: BufferPool;
  /** Fails when the node no longer has this drive. @throws ShardError Unavailable */
  readonly check: () => void;
}

export class RemoteDrive implements ShardStore {
  readonly driveId: DriveId;
  readonly label: string;
  readonly #options: RemoteDriveOptions;
  /** What opens the channels that it is read on. */
  readonly #reads: string;
  #isClosed = false;

  constructor(options: RemoteDriveOptions) {
    this.#options = options;
    this.driveId = options.driveId;
    this.label = options.label;
    this.#reads = drivePath("reads", options.driveId);
  }

  async create(name: ShardName, creation: ShardCreation = "new"): Promise<ShardWriter> {
    const { link, driveId, buffers } = this.#options;
    this.#checkOpen();
    const path = drivePath("shard", driveId, { shard: name }) + renderCreation(creation);
    return RemoteShardWriter.begin({ link, path, buffers });
  }

  async createPack(name: ShardName): Promise<PackShard> {
    const { link, driveId, buffers } = this.#options;
    this.#checkOpen();
    return new RemotePackShard({
      link,
      buffers,
      path: drivePath("pack", driveId, { shard: name }),
    });
  }

  async read(name: ShardName, offset: number, target: Uint8Array, aheadBytes = 0): Promise<void> {
    this.#checkOpen();
    const { link } = this.#options;
    let at = 0;
    while (target.length - at > READ_BYTES_MAX) {
      const part = target.subarray(at, at + READ_BYTES_MAX);
      await link.read(this.#reads, { name, offset: offset + at, target: part, aheadBytes: 0 });
      at += part.length;
    }
    const last = { name, offset: offset + at, target: target.subarray(at) };
    const likelyBytes = Math.min(aheadBytes, READ_AHEAD_BYTES_MAX);
    await link.read(this.#reads, { ...last, aheadBytes: likelyBytes });
  }

  async size(name: ShardName): Promise<number> {
    return parseSize(await this.#call("GET", drivePath("size", this.driveId, { shard: name })));
  }

  async delete(name: ShardName): Promise<void> {
    await this.#call("DELETE", drivePath("shard", this.driveId, { shard: name }));
  }

  async list(bucket: number): Promise<readonly ShardName[]> {
    return parseNames(await this.#call("GET", drivePath("bucket", this.driveId, { bucket })));
  }

  async space(): Promise<SpaceInfo> {
    return parseSpace(await this.#call("GET", drivePath("space", this.driveId)));
  }

  async device(): Promise<string> {
    return parseDevice(await this.#call("GET", drivePath("device", this.driveId)));
  }

  /** The connections are the node's client's, which closes them. */
  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new ShardError("Unavailable", `${this.label} is closed`);
    this.#options.check();
  }

  async #call(method: "DELETE" | "GET", path: string): Promise<Uint8Array> {
    this.#checkOpen();
    return this.#options.link.call({ method, path });
  }
}
