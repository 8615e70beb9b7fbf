// Every byte that must survive passes through this seam; only SQLite does not. Two implementations: the file system,
// and SimDrive, which keeps volatile and durable state apart and injects faults. One contract suite runs on both.
//
// Paths are relative to the disk's root, "/"-separated, made of names that we choose: never an object key.
// Each call has a deadline; past it the call rejects with DiskError "TIMEOUT", whatever the kernel does later.

export type DiskErrorCode = "EEXIST" | "EIO" | "ENOENT" | "ENOSPC" | "EROFS" | "OTHER" | "TIMEOUT";

/** A file call that failed. `code` folds the errno into what callers tell apart; `cause` has the original. */
export class DiskError extends Error {
  readonly code: DiskErrorCode;

  constructor(code: DiskErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "DiskError";
    this.code = code;
  }
}

export interface SpaceInfo {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Undefined where the file system has no fixed number. */
  readonly freeInodes: number | undefined;
  /** Undefined where `freeInodes` is. */
  readonly totalInodes: number | undefined;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** A file being written. After any error it is unusable: nothing is retried on it, least of all a sync. */
export interface AppendFile {
  /** Appends all chunks in order; resolves when the kernel has them (not yet durable). */
  append(chunks: readonly Uint8Array[]): Promise<void>;
  /** Makes the bytes so far durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** An open file for reading at any position. */
export interface ReadFile {
  readonly sizeBytes: number;
  /** Fills `target` from `offset`; resolves to the bytes read, fewer only at the end of the file. */
  read(target: Uint8Array, offset: number): Promise<number>;
  close(): Promise<void>;
}

export interface CreateOptions {
  /** Every append will be followed by a sync: a disk that can do both in one call need not be called twice. */
  readonly syncsEach?: boolean;
}

export interface Disk {
  /** Where it is, for messages. */
  readonly root: string;
  /** Creates a new file. @throws DiskError EEXIST when there is one. */
  create(path: string, options?: CreateOptions): Promise<AppendFile>;
  /** @throws DiskError ENOENT when absent. */
  open(path: string): Promise<ReadFile>;
  /** Replaces or makes a small file durably: temporary file, sync, rename, sync of the folder. */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  /** A whole small file. */
  readFile(path: string): Promise<Uint8Array>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; an absent one is no error. */
  unlink(path: string): Promise<void>;
  /** Makes a folder and those above it; not yet durable: `syncDirectory` of the parent is. */
  makeDirectory(path: string): Promise<void>;
  /** Makes creations, renames and removals in a folder durable. */
  syncDirectory(path: string): Promise<void>;
  list(path: string): Promise<readonly DirectoryEntry[]>;
  space(): Promise<SpaceInfo>;
  /** The device number: folders on one device fail together. */
  device(): Promise<number>;
}
