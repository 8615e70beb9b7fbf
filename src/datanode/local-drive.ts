// ShardStore on a drive of this process: a folder behind a Disk, formatted before (drive-identity.ts).
// Invariant: a file or folder that is not there means something only while the drive is: before "not found" is said, or
// a missing folder is made, the identity is read again, for the mount may have gone and left an empty folder behind.

import type { DriveId } from "../core/ids.ts";
import { DiskError, type CreateOptions, type Disk, type SpaceInfo } from "../disk/disk.ts";
import { IDENTITY_FILE, readIdentity, SHARDS_FOLDER } from "./drive-identity.ts";
import { LocalPackShard } from "./local-pack-shard.ts";
import { LocalReplacement, removeReplacements, REPLACEMENTS_FOLDER } from "./local-replacement.ts";
import { LocalShardWriter, type NewShardFile } from "./local-shard-writer.ts";
import { OpenShards } from "./open-shards.ts";
import { ReplacedPaths } from "./replaced-paths.ts";
import { shardErrorFrom } from "./shard-fault.ts";
import { bucketFolder, parseShardFile, shardFolder, shardPath } from "./shard-path.ts";
import {
  ShardError,
  type PackShard,
  type ShardCreation,
  type ShardName,
  type ShardStore,
  type ShardWriter,
} from "./shard-store.ts";

export interface LocalDriveOptions {
  readonly disk: Disk;
  /** Whose drive it must be; nothing is written to, or concluded from, another. */
  readonly driveId: DriveId;
  /** For messages and logs; the disk's root where absent. */
  readonly label?: string;
  /** What stands before the device number in `device()`: the node's name. */
  readonly nodeName?: string;
  /** Shard files that are kept open for reading. */
  readonly openMax?: number;
  /** Whether nobody else writes there: then what an earlier process left half made is removed. */
  readonly ownsFolder?: boolean;
}

interface ReadOfShard {
  readonly offset: number;
  readonly target: Uint8Array;
}

const OPEN_MAX_DEFAULT = 64;

/**
 * A formatted drive as a ShardStore.
 * @throws ShardError Unavailable when it is not the drive of that id.
 */
export async function openLocalDrive(options: LocalDriveOptions): Promise<ShardStore> {
  const drive = new LocalDrive(options);
  await drive.prepare();
  return drive;
}

class LocalDrive implements ShardStore {
  readonly driveId: DriveId;
  readonly label: string;
  readonly #disk: Disk;
  readonly #nodeName: string;
  readonly #openShards: OpenShards;
  readonly #ownsFolder: boolean;
  readonly #replaced = new ReplacedPaths();
  // Folders whose names are durable, or will be when the promise resolves.
  readonly #folders = new Map<string, Promise<void>>();
  #closed = false;

  constructor(options: LocalDriveOptions) {
    this.driveId = options.driveId;
    this.label = options.label ?? options.disk.root;
    this.#disk = options.disk;
    this.#nodeName = options.nodeName ?? "local";
    this.#ownsFolder = options.ownsFolder ?? false;
    this.#openShards = new OpenShards(options.disk, options.openMax ?? OPEN_MAX_DEFAULT);
  }

  /** Makes durable what an earlier process may have made and not synced. */
  prepare(): Promise<void> {
    return this.#guard(async () => {
      await this.#checkPresent();
      await this.#disk.makeDirectory(SHARDS_FOLDER);
      await this.#disk.syncDirectory("");
      const folders = await this.#disk.list(SHARDS_FOLDER);
      await this.#disk.syncDirectory(SHARDS_FOLDER);
      for (const { name } of folders) {
        this.#folders.set(`${SHARDS_FOLDER}/${name}`, Promise.resolve());
      }
      if (this.#ownsFolder) await removeReplacements(this.#disk);
    });
  }

  create(name: ShardName, creation: ShardCreation = "new"): Promise<ShardWriter> {
    if (creation === "replacement") return this.#createReplacement(name);
    const path = shardPath(name);
    const { mark } = this.#replaced;
    const own = (remove: () => Promise<void>) => (): Promise<void> =>
      this.#replaced.removeOwn(path, mark, remove);
    const remove = own(() => this.#disk.unlink(path));
    const undo = own(() => this.delete(name));
    return this.#createFile(name).then((file) => new LocalShardWriter({ ...file, remove, undo }));
  }

  createPack(name: ShardName): Promise<PackShard> {
    return this.#createFile(name, { syncsEach: true }).then((file) => new LocalPackShard(file));
  }

  read(name: ShardName, offset: number, target: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closedError());
    const path = shardPath(name);
    return this.#openShards.read(path, offset, target).then(
      (count) => this.#requireAll(path, offset + count, offset + target.length),
      (error: unknown) => this.#readAgain(error, path, { offset, target }),
    );
  }

  forget(name: ShardName): void {
    this.#openShards.forget(shardPath(name));
  }

  size(name: ShardName): Promise<number> {
    // Never from a file that is open already: it may have been opened while it was still growing.
    const ask = async (): Promise<number> => {
      const file = await this.#disk.open(shardPath(name));
      await file.close();
      return file.sizeBytes;
    };
    return this.#guard(() =>
      ask().catch((error: unknown) => this.#whereDriveIsWell(error, shardPath(name), ask)),
    );
  }

  delete(name: ShardName): Promise<void> {
    const path = shardPath(name);
    return this.#guard(async () => {
      await this.#disk.unlink(path);
      // Only now: a read that came before the removal may have opened it again.
      this.#openShards.forget(path);
      // Also where it was gone already: an earlier removal may not have become durable.
      await this.#syncRemoval(shardFolder(name));
    });
  }

  async list(bucket: number): Promise<readonly ShardName[]> {
    const entries = await this.#guard(() => this.#disk.list(bucketFolder(bucket))).catch(
      (error: unknown) => {
        // A folder that nothing was ever written to; the guard has made sure that the drive is there.
        if (error instanceof ShardError && error.code === "NotFound") return [];
        throw error;
      },
    );
    return entries.flatMap(({ name }) => parseShardFile(bucket, name) ?? []);
  }

  /** Asked for all the time: so a drive whose folder was emptied is noticed, also where nothing is written. */
  space(): Promise<SpaceInfo> {
    return this.#guard(async () => {
      await this.#checkPresent();
      return this.#disk.space();
    });
  }

  device(): Promise<string> {
    return this.#guard(async () => `${this.#nodeName}/${await this.#disk.device()}`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#openShards.forgetAll();
  }

  #requireAll(path: string, end: number, wantedEnd: number): void {
    if (end === wantedEnd) return;
    throw new ShardError("Corrupt", `${this.label}: ${path} ends at ${end}`);
  }

  #readAgain(error: unknown, path: string, { offset, target }: ReadOfShard): Promise<void> {
    const read = async (): Promise<void> => {
      const count = await this.#openShards.read(path, offset, target);
      this.#requireAll(path, offset + count, offset + target.length);
    };
    return this.#guard(() => this.#whereDriveIsWell(error, path, read));
  }

  /**
   * A drive that cannot read one file and answers for the rest has a bad block: the shard is lost, and is made anew, but the
   * drive is as good as before. What failed is done once more, for a cable may have been loose.
   * @throws ShardError Corrupt then; Unavailable where the drive as a whole does not answer; and any other error as it is.
   */
  async #whereDriveIsWell<Value>(
    error: unknown,
    path: string,
    again: () => Promise<Value>,
  ): Promise<Value> {
    if (!isReadError(error)) throw error;
    await this.#checkPresent();
    await this.#disk.space();
    try {
      return await again();
    } catch (second) {
      if (!isReadError(second)) throw second;
      const words = `${this.label}: ${path} cannot be read`;
      throw new ShardError("Corrupt", words, { cause: second });
    }
  }

  async #syncRemoval(folder: string): Promise<void> {
    try {
      await this.#disk.syncDirectory(folder);
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== "ENOENT") throw error;
      // Without its folder there is no shard; but only where the drive is there.
      await this.#checkPresent();
    }
  }

  #createFile(name: ShardName, options?: CreateOptions): Promise<NewShardFile> {
    const path = shardPath(name);
    const folder = shardFolder(name);
    return this.#guard(async () => {
      const file = await this.#inFolder(folder, () => this.#disk.create(path, options));
      // Begun now, it is over before the last bytes come.
      const nameSynced = this.#disk.syncDirectory(folder);
      return { label: this.label, path, file, nameSynced };
    });
  }

  #createReplacement(name: ShardName): Promise<ShardWriter> {
    const disk = this.#disk;
    const [path, folder] = [shardPath(name), shardFolder(name)];
    const { label } = this;
    const onReplacing = (): Promise<void> => this.#replaced.replace(path);
    const onReplaced = (): void => this.#openShards.forget(path);
    return this.#guard(async () => {
      await this.#ensureFolder(folder);
      return this.#inFolder(REPLACEMENTS_FOLDER, () =>
        LocalReplacement.begin({ disk, label, name, path, folder, onReplacing, onReplaced }),
      );
    });
  }

  /** Does what makes a file in a folder. One that is known, and gone, was on a drive that was laid out anew meanwhile. */
  async #inFolder<Value>(folder: string, work: () => Promise<Value>): Promise<Value> {
    await this.#ensureFolder(folder);
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== "ENOENT") throw error;
      await this.#checkPresent();
      this.#folders.clear();
      await this.#ensureFolder(folder);
      return work();
    }
  }

  /** Folders are made when the first shard comes, once, and no shard is begun before its folder is durable. */
  #ensureFolder(folder: string): Promise<void> {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const made = this.#makeFolder(folder);
    this.#folders.set(folder, made);
    made.catch(() => this.#folders.delete(folder));
    return made;
  }

  async #makeFolder(folder: string): Promise<void> {
    await this.#checkPresent();
    await this.#disk.makeDirectory(folder);
    await this.#disk.syncDirectory(folder === REPLACEMENTS_FOLDER ? "" : SHARDS_FOLDER);
  }

  async #checkPresent(): Promise<void> {
    const identity = await readIdentity(this.#disk).catch((error: unknown) => {
      throw new ShardError("Unavailable", `${this.label}: ${String(error)}`, { cause: error });
    });
    if (identity?.driveId === this.driveId) return;
    // What is open is no longer what the names say.
    this.#openShards.forgetAll();
    this.#folders.clear();
    const found = identity === undefined ? `it has no ${IDENTITY_FILE}` : "it is another drive";
    throw new ShardError("Unavailable", `${this.label}: ${found}; is its mount missing?`);
  }

  async #guard<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#closed) throw this.#closedError();
    try {
      return await work();
    } catch (error) {
      return this.#translate(error);
    }
  }

  async #translate(error: unknown): Promise<never> {
    if (error instanceof DiskError && error.code === "ENOENT") await this.#checkPresent();
    throw shardErrorFrom(error, this.label);
  }

  #closedError(): ShardError {
    return new ShardError("Unavailable", `${this.label}: it is closed`);
  }
}

function isReadError(error: unknown): boolean {
  return error instanceof DiskError && error.code === "EIO";
}
