// Disk on the file system: a folder on a real drive. Every call goes through the gate (a bound, a deadline) and every
// path through the check; what is durable after which call is said in disk.ts.

import * as fs from "node:fs";
import { dirname, resolve } from "node:path";
import { threadId } from "node:worker_threads";
import { CallGate, type CallGateOptions, type Done } from "./call-gate.ts";
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
  type CreateOptions,
  type DirectoryEntry,
  type Disk,
  type ReadFile,
  type SpaceInfo,
} from "./disk.ts";
import {
  cachedCalls,
  inMemoryCalls,
  isInMemoryType,
  pooledCalls,
  type FileCalls,
} from "./file-calls.ts";
import { GroupSync } from "./group-sync.ts";
import { OpenFile } from "./open-file.ts";
import { RealAppendFile } from "./real-append-file.ts";
import { readAheadBytes } from "./read-ahead.ts";
import { openReadFile } from "./real-read-file.ts";

export interface RealDiskOptions extends CallGateOptions {
  /** The drive's folder. It need not exist yet: `makeDirectory("")` makes it. */
  readonly root: string;
  /** After so long a call counts as failed, in milliseconds. */
  readonly deadlineMs: number;
  /** Calls in flight at a time: see `callsInFlightMax`. */
  readonly maxInFlight: number;
}

const { O_CREAT, O_DIRECTORY, O_DSYNC, O_EXCL, O_NOATIME, O_RDONLY, O_WRONLY } = fs.constants;
const NEW_FILE = O_CREAT | O_EXCL | O_WRONLY;
/** Elsewhere such a write may stop at the drive's cache, where fsync does not. */
const HAS_SYNCED_WRITES = process.platform === "linux";
/** Shards hold what clients keep private: other users of the machine have no business in them. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** Of the thread, not of one disk: two of them may be on one folder. */
let temporaryCount = 0;

export function openRealDisk(options: RealDiskOptions): Disk {
  return new RealDisk(options);
}

class RealDisk implements Disk {
  readonly root: string;
  readonly #gate: CallGate;
  readonly #folderSync = new GroupSync((path) => this.#syncFolder(path));
  #calls: FileCalls | undefined;
  #notesReads = process.platform !== "linux";

  constructor(options: RealDiskOptions) {
    this.root = resolve(options.root);
    this.#gate = new CallGate(options);
  }

  async create(path: string, { syncsEach = false }: CreateOptions = {}): Promise<AppendFile> {
    checkFilePath(path);
    const isSynced = syncsEach && HAS_SYNCED_WRITES;
    const flags = isSynced ? NEW_FILE | O_DSYNC : NEW_FILE;
    const file = await this.#openFile(path, flags);
    return new RealAppendFile(file, this.#calls ?? (await this.#learnCalls()), isSynced);
  }

  async open(path: string): Promise<ReadFile> {
    checkFilePath(path);
    const file = await this.#openToRead(path);
    const calls = this.#calls ?? (await this.#learnCalls());
    return openReadFile(file, this.#notesReads ? pooledCalls : calls);
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    checkFilePath(path);
    temporaryCount += 1;
    const temporary = `${path}.${process.pid}-${threadId}-${temporaryCount}${TEMPORARY_SUFFIX}`;
    // A process of the same number may have died and left its own.
    await this.unlink(temporary);
    const file = await this.create(temporary);
    try {
      await file.append([bytes]);
      await file.sync();
      await file.close();
      await this.rename(temporary, path);
    } catch (error) {
      await file.close();
      await this.unlink(temporary).catch(() => undefined);
      throw error;
    }
    await this.syncDirectory(parentOf(path));
  }

  async readFile(path: string): Promise<Uint8Array> {
    const file = await this.open(path);
    try {
      if (file.sizeBytes > SMALL_FILE_BYTES_MAX) {
        throw new DiskError(
          "OTHER",
          `${path}: ${file.sizeBytes} bytes are too many to read at once`,
        );
      }
      const bytes = Buffer.allocUnsafe(file.sizeBytes);
      return bytes.subarray(0, await file.read(bytes, 0));
    } finally {
      await file.close();
    }
  }

  async rename(from: string, to: string): Promise<void> {
    checkFilePath(from);
    checkFilePath(to);
    await this.#call<void>(`rename ${from} to ${to}`, (done) => {
      fs.rename(this.#at(from), this.#at(to), (error) => done(error, undefined));
    });
  }

  async unlink(path: string): Promise<void> {
    checkFilePath(path);
    await this.#call<void>(`unlink ${path}`, (done) => {
      fs.unlink(this.#at(path), (error) => {
        done(error?.code === "ENOENT" ? null : error, undefined);
      });
    });
  }

  async makeDirectory(path: string): Promise<void> {
    checkFolderPath(path);
    if (path === "") return this.#makeRoot();
    // Folder by folder, never the root: where a mount has gone, nothing may be made in its place.
    const names = path.split("/");
    for (let depth = 1; depth <= names.length; depth += 1) {
      await this.#makeFolder(names.slice(0, depth).join("/"));
    }
  }

  syncDirectory(path: string): Promise<void> {
    return this.#folderSync.run(path);
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    checkFolderPath(path);
    const entries = await this.#call<fs.Dirent[]>(`list ${path}`, (done) => {
      fs.readdir(this.#at(path), { withFileTypes: true }, done);
    });
    return entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }));
  }

  async space(): Promise<SpaceInfo> {
    const stats = await this.#statfs();
    return {
      freeBytes: stats.bavail * stats.bsize,
      totalBytes: stats.blocks * stats.bsize,
      // File systems that make inodes as they need them report none at all.
      freeInodes: stats.files === 0 ? undefined : stats.ffree,
      totalInodes: stats.files === 0 ? undefined : stats.files,
    };
  }

  async device(): Promise<number> {
    return (await this.#call<fs.Stats>("stat", (done) => fs.stat(this.root, done))).dev;
  }

  /** Asked for when a first file is open: before, there may be no folder. */
  async #learnCalls(): Promise<FileCalls> {
    try {
      const { type } = await this.#statfs();
      this.#calls = isInMemoryType(type) ? inMemoryCalls : await this.#callsOfDevice();
    } catch {
      // Whoever opened the file will learn what is wrong with the drive, and the next one asks again.
    }
    return this.#calls ?? pooledCalls;
  }

  async #callsOfDevice(): Promise<FileCalls> {
    const aheadBytes = await readAheadBytes(await this.device());
    return aheadBytes === undefined ? pooledCalls : cachedCalls(aheadBytes);
  }

  async #openFile(path: string, flags: number): Promise<OpenFile> {
    const descriptor = await this.#open(path, flags);
    return new OpenFile(this.#gate, path, descriptor);
  }

  /** Without a note of when it was read: that is a write, which may wait even where the bytes are there. */
  async #openToRead(path: string): Promise<OpenFile> {
    if (!this.#notesReads) {
      try {
        return await this.#openFile(path, O_RDONLY | O_NOATIME);
      } catch (error) {
        if (!isRefused(error)) throw error;
        // Another user's file; whoever made one has made the others.
        this.#notesReads = true;
      }
    }
    return this.#openFile(path, O_RDONLY);
  }

  #open(path: string, flags: number): Promise<number> {
    return this.#gate.run<number>({
      what: `open ${path}`,
      start: (done) => fs.open(this.#at(path), flags, FILE_MODE, done),
      onLate: (descriptor) => fs.close(descriptor),
    });
  }

  #statfs(): Promise<fs.StatsFs> {
    return this.#call("statfs", (done) => fs.statfs(this.root, done));
  }

  async #syncFolder(path: string): Promise<void> {
    checkFolderPath(path);
    const folder = new OpenFile(this.#gate, path, await this.#open(path, O_RDONLY | O_DIRECTORY));
    try {
      await folder.run<void>("fsync", (descriptor, done) => {
        fs.fsync(descriptor, (error) => done(error, undefined));
      });
    } finally {
      await folder.close();
    }
  }

  async #makeFolder(path: string): Promise<void> {
    await this.#call<void>(`mkdir ${path}`, (done) => {
      fs.mkdir(this.#at(path), FOLDER_MODE, (error) => {
        done(error?.code === "EEXIST" ? null : error, undefined);
      });
    });
  }

  /** The root is made durably at once: its parent is not ours to name. */
  async #makeRoot(): Promise<void> {
    const first = await this.#call<string | undefined>("mkdir", (done) => {
      fs.mkdir(this.root, { recursive: true, mode: FOLDER_MODE }, done);
    });
    if (first === undefined) return;
    for (let folder = this.root; folder !== dirname(first); folder = dirname(folder)) {
      await this.#syncFolderAt(dirname(folder));
    }
  }

  async #syncFolderAt(folder: string): Promise<void> {
    const descriptor = await this.#call<number>(`open ${folder}`, (done) =>
      fs.open(folder, O_RDONLY | O_DIRECTORY, done),
    );
    const file = new OpenFile(this.#gate, folder, descriptor);
    try {
      await file.run<void>("fsync", (opened, done) => {
        fs.fsync(opened, (error) => done(error, undefined));
      });
    } finally {
      await file.close();
    }
  }

  #call<Value>(what: string, start: (done: Done<Value>) => void): Promise<Value> {
    return this.#gate.run({ what, start });
  }

  #at(path: string): string {
    return path === "" ? this.root : `${this.root}/${path}`;
  }
}

function isRefused(error: unknown): boolean {
  const cause = error instanceof DiskError ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "EPERM";
}
