// A drive in memory that can lose power, fill up, rot, hang, fail and lie: the second implementation of Disk. What it
// keeps across `crash()` is exactly what the contract of Disk promises, so that a sync forgotten somewhere loses data in
// a test, not at a user's. Deterministic: the seed alone decides what is torn.

import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom, type SeededRandom } from "../util/seeded-random.ts";
import {
  checkFilePath,
  checkFolderPath,
  parentOf,
  SMALL_FILE_BYTES_MAX,
  TEMPORARY_SUFFIX,
} from "./disk-path.ts";
import {
  DiskError,
  type AppendFile,
  type DirectoryEntry,
  type Disk,
  type ReadFile,
  type SpaceInfo,
} from "./disk.ts";
import { FaultList, type DiskCall, type SimFault, type SimTwist } from "./sim-fault.ts";
import { SimFile, type Unsynced } from "./sim-file.ts";
import { folderAt, SimFolder } from "./sim-tree.ts";
import { flipped, staleBytes, tornOff } from "./sim-twist.ts";

export interface SimDriveOptions {
  readonly seed: number;
  /** For messages. */
  readonly name?: string;
  /** Bytes that fit; any number where absent. */
  readonly capacityBytes?: number;
  /** Files and folders that fit; any number where absent. */
  readonly capacityInodes?: number;
  /** After so long a hung call answers TIMEOUT, in milliseconds. */
  readonly deadlineMs?: number;
  /** Drives of one number are folders of one device. */
  readonly device?: number;
  /** How time passes; a test may let it pass at once. */
  readonly wait?: (ms: number) => Promise<void>;
}

/** What a drive without a limit says of itself. */
const UNLIMITED_BYTES = 1024 ** 4;

/** Rot: what happens to the bytes of a file without any call. */
export type Corruption =
  | { readonly kind: "extend"; readonly bytes: Uint8Array }
  | { readonly kind: "flip"; readonly offset: number; readonly bit?: number }
  | { readonly kind: "truncate"; readonly sizeBytes: number };

export class SimDrive implements Disk {
  readonly root: string;
  readonly #folder = new SimFolder();
  readonly #faults = new FaultList();
  readonly #random: SeededRandom;
  readonly #capacityBytes: number | undefined;
  readonly #capacityInodes: number | undefined;
  readonly #deadlineMs: number;
  readonly #device: number;
  readonly #wait: (ms: number) => Promise<void>;
  #offline = false;
  /** What lies on the platter where a file was removed. */
  #removed: Uint8Array = new Uint8Array(0);
  // Raised by a crash: files that were open before are gone with the process that had them.
  #life = 0;

  constructor(options: SimDriveOptions) {
    this.root = options.name ?? `sim-drive-${options.seed}`;
    this.#random = seededRandom(options.seed);
    this.#capacityBytes = options.capacityBytes;
    this.#capacityInodes = options.capacityInodes;
    this.#deadlineMs = options.deadlineMs ?? 1_000;
    this.#device = options.device ?? options.seed;
    this.#wait = options.wait ?? ((ms) => sleep(ms));
  }

  /** Injects a fault; returns what ends it. */
  inject(fault: SimFault): () => void {
    return this.#faults.add(fault);
  }

  /** Calls that a fault has hit so far. */
  get hitCount(): number {
    return this.#faults.hitCount;
  }

  /** Ends all injected faults. */
  heal(): void {
    this.#faults.clear();
    this.#offline = false;
  }

  /** Pulls the plug out of the drive, or puts it back: meanwhile every call fails with EIO. */
  setOffline(offline: boolean): void {
    this.#offline = offline;
  }

  /** A power cut: what was not synced is lost, or torn; open files are dead. */
  crash(unsynced: Unsynced = "lost"): void {
    this.#life += 1;
    this.#folder.crash(unsynced, this.#random);
  }

  /** Lets a file rot. @throws DiskError ENOENT. */
  corrupt(path: string, corruption: Corruption): void {
    this.#fileAt(path).rot((content) => rotten(content, corruption));
  }

  async create(path: string): Promise<AppendFile> {
    checkFilePath(path);
    await this.#call("create", path);
    const folder = folderAt(this.#folder, parentOf(path));
    const name = nameOf(path);
    if (folder.entries.has(name)) throw new DiskError("EEXIST", `create ${path}: it exists`);
    this.#requireInode(`create ${path}`);
    const file = new SimFile();
    folder.entries.set(name, file);
    return this.#appendFile(path, file);
  }

  async open(path: string): Promise<ReadFile> {
    checkFilePath(path);
    await this.#call("open", path);
    const file = this.#fileAt(path);
    const life = this.#life;
    let closed = false;
    return {
      sizeBytes: file.sizeBytes,
      read: async (target, offset) => {
        this.#checkOpen(path, closed, life);
        const twist = await this.#call("read", path);
        this.#checkOpen(path, closed, life);
        const count = file.read(target, offset);
        if (twist !== undefined) this.#misread(twist, target.subarray(0, count), offset);
        return count;
      },
      close: async () => {
        closed = true;
      },
    };
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    checkFilePath(path);
    const temporary = `${path}${TEMPORARY_SUFFIX}`;
    await this.unlink(temporary);
    const file = await this.create(temporary);
    await file.append([bytes]);
    await file.sync();
    await this.rename(temporary, path);
    await this.syncDirectory(parentOf(path));
  }

  async readFile(path: string): Promise<Uint8Array> {
    const file = await this.open(path);
    if (file.sizeBytes > SMALL_FILE_BYTES_MAX) throw new DiskError("OTHER", `${path}: too large`);
    const bytes = Buffer.alloc(file.sizeBytes);
    return bytes.subarray(0, await file.read(bytes, 0));
  }

  async rename(from: string, to: string): Promise<void> {
    checkFilePath(from);
    checkFilePath(to);
    await this.#call("rename", from);
    const source = folderAt(this.#folder, parentOf(from));
    const node = source.entries.get(nameOf(from));
    if (node === undefined) throw new DiskError("ENOENT", `rename ${from}: there is no such file`);
    const target = folderAt(this.#folder, parentOf(to));
    source.entries.delete(nameOf(from));
    target.entries.set(nameOf(to), node);
  }

  async unlink(path: string): Promise<void> {
    checkFilePath(path);
    await this.#call("unlink", path);
    const entries = this.#findFolder(parentOf(path))?.entries;
    const node = entries?.get(nameOf(path));
    if (node === undefined) return;
    if (node.kind === "folder") throw new DiskError("OTHER", `unlink ${path}: it is a folder`);
    this.#removed = node.content();
    entries?.delete(nameOf(path));
  }

  async makeDirectory(path: string): Promise<void> {
    checkFolderPath(path);
    await this.#call("makeDirectory", path);
    let folder = this.#folder;
    for (const name of path === "" ? [] : path.split("/")) {
      const known = folder.entries.get(name);
      if (known === undefined) this.#requireInode(`mkdir ${path}`);
      const next = known ?? new SimFolder();
      if (next.kind === "file") throw new DiskError("OTHER", `mkdir ${path}: a file is in the way`);
      folder.entries.set(name, next);
      folder = next;
    }
  }

  async syncDirectory(path: string): Promise<void> {
    checkFolderPath(path);
    const twist = await this.#call("syncDirectory", path);
    const folder = folderAt(this.#folder, path);
    if (twist === undefined) folder.sync();
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    checkFolderPath(path);
    await this.#call("list", path);
    const entries = [...folderAt(this.#folder, path).entries];
    return entries.map(([name, node]) => ({ name, isDirectory: node.kind === "folder" }));
  }

  async space(): Promise<SpaceInfo> {
    await this.#call("space", "");
    const totalBytes = this.#capacityBytes ?? UNLIMITED_BYTES;
    const freeBytes = Math.max(0, totalBytes - this.#folder.usedBytes());
    return {
      freeBytes,
      totalBytes,
      freeInodes: this.#freeInodes(),
      totalInodes: this.#capacityInodes,
    };
  }

  async device(): Promise<number> {
    await this.#call("device", "");
    return this.#device;
  }

  #appendFile(path: string, file: SimFile): AppendFile {
    const life = this.#life;
    let closed = false;
    let failed = false;
    const guarded = async (
      call: "append" | "sync",
      work: (twist: SimTwist | undefined) => void,
    ): Promise<void> => {
      this.#checkOpen(path, closed || failed, life);
      try {
        const twist = await this.#call(call, path);
        this.#checkOpen(path, closed, life);
        work(twist);
      } catch (error) {
        failed = true;
        throw error;
      }
    };
    return {
      append: (chunks) =>
        guarded("append", (twist) => {
          const stored = twist === undefined ? chunks : this.#twisted(chunks, file, twist);
          this.#append(path, file, stored);
          if (twist?.kind === "short") throw new DiskError(twist.code, `append ${path}: injected`);
        }),
      sync: () =>
        guarded("sync", (twist) => {
          if (twist === undefined) file.sync();
        }),
      close: async () => {
        closed = true;
      },
    };
  }

  /** What becomes of the bytes of an append. */
  #twisted(chunks: readonly Uint8Array[], file: SimFile, twist: SimTwist): readonly Uint8Array[] {
    const bytes = Buffer.concat(chunks);
    const random = this.#random;
    if (twist.kind === "flip") return [flipped(bytes, random)];
    if (twist.kind === "torn") return [tornOff(bytes, random)];
    if (twist.kind === "short") return [bytes.subarray(0, random.below(bytes.length + 1))];
    if (twist.kind !== "misdirected") return chunks;
    const others = [...this.#folder.files()].filter(
      (other) => other.file !== file && other.path.startsWith(twist.within ?? ""),
    );
    const other = others[random.below(others.length)]?.file;
    other?.overwrite(random.below(other.sizeBytes + 1), bytes);
    return [staleBytes(this.#removed, file.sizeBytes, bytes.length)];
  }

  #misread(twist: SimTwist, target: Uint8Array, offset: number): void {
    if (twist.kind === "flip") target.set(flipped(target, this.#random));
    else target.set(staleBytes(this.#removed, offset, target.length));
  }

  #freeInodes(): number | undefined {
    if (this.#capacityInodes === undefined) return undefined;
    return Math.max(0, this.#capacityInodes - this.#folder.usedInodes());
  }

  #requireInode(what: string): void {
    if (this.#freeInodes() === 0) throw new DiskError("ENOSPC", `${what}: no inode is left`);
  }

  /** Like a real drive, a full one takes what still fits before it fails. */
  #append(path: string, file: SimFile, chunks: readonly Uint8Array[]): void {
    const capacityBytes = this.#capacityBytes;
    let freeBytes =
      capacityBytes === undefined ? Infinity : capacityBytes - this.#folder.usedBytes();
    for (const chunk of chunks) {
      file.append(chunk.subarray(0, Math.max(0, freeBytes)));
      freeBytes -= chunk.length;
      if (freeBytes < 0) throw new DiskError("ENOSPC", `write ${path}: the drive is full`);
    }
  }

  /** Lets a call take its time and its fault; resolves to what else is to happen to its bytes. */
  async #call(call: DiskCall, path: string): Promise<SimTwist | undefined> {
    if (this.#offline) throw new DiskError("EIO", `${call} ${path}: the drive is offline`);
    const effect = this.#faults.effectOn(call, path);
    if (effect === undefined) return undefined;
    const what = `${call} ${path}`;
    if (effect.kind === "error") throw new DiskError(effect.code, `${what}: injected`);
    if (effect.kind !== "slow" && effect.kind !== "hang") return effect;
    const delayMs = effect.kind === "slow" ? effect.delayMs : Infinity;
    await this.#wait(Math.min(delayMs, this.#deadlineMs));
    if (delayMs > this.#deadlineMs) throw new DiskError("TIMEOUT", `${what}: no answer`);
    return undefined;
  }

  #checkOpen(path: string, ended: boolean, life: number): void {
    if (ended || life !== this.#life) throw new DiskError("OTHER", `${path}: it is not open`);
  }

  #findFolder(path: string): SimFolder | undefined {
    try {
      return folderAt(this.#folder, path);
    } catch (error) {
      if (error instanceof DiskError && error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  #fileAt(path: string): SimFile {
    const node = folderAt(this.#folder, parentOf(path)).entries.get(nameOf(path));
    if (node === undefined) throw new DiskError("ENOENT", `open ${path}: there is no such file`);
    if (node.kind === "folder") throw new DiskError("OTHER", `open ${path}: it is no plain file`);
    return node;
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function rotten(content: Buffer, corruption: Corruption): Buffer {
  if (corruption.kind === "truncate") return content.subarray(0, corruption.sizeBytes);
  if (corruption.kind === "extend") return Buffer.concat([content, corruption.bytes]);
  const { offset, bit = 0 } = corruption;
  content.writeUInt8(content.readUInt8(offset) ^ (1 << bit), offset);
  return content;
}
