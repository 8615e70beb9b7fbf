// The seam between the object store and the drives: named shards, immutable once finished. A drive folder in this
// process, a drive of a data node over HTTP, and a faulty one in tests behave alike; one contract suite says so.
// Packs are the shards that grow while they are read. A ShardStore keeps bytes; what they mean (header, blocks, footer) is in shard-format.ts.

import type { DriveId, SetId } from "../core/ids.ts";
import type { SpaceInfo } from "../disk/disk.ts";

export type { SpaceInfo } from "../disk/disk.ts";

/** Which shard: its set and its index in it, 0 to k+m-1. On a drive: `shards/<ab>/<setId>.<index>`. */
export interface ShardName {
  readonly setId: SetId;
  readonly index: number;
}

export type ShardErrorCode =
  /** There is no such shard. */
  | "NotFound"
  /** One of that name exists already; sets are never reused. */
  | "Exists"
  /** The drive or node is away, hangs, or answers with an error: it may be well again later. */
  | "Unavailable"
  /** No room. */
  | "Full"
  /** The shard's bytes are not what was written. */
  | "Corrupt"
  /** Proof of belonging to the cluster is missing or wrong. */
  | "Denied"
  /** The drive has promised itself to another gateway: this one must not change anything any more. */
  | "Fenced";

export class ShardError extends Error {
  readonly code: ShardErrorCode;

  constructor(code: ShardErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "ShardError";
    this.code = code;
  }
}

/**
 * "replacement": of a shard that is lost or rotten. What stands under its name stays until `finish`, which puts the whole new
 * file in its place in one step.
 */
export type ShardCreation = "new" | "replacement";

/** A shard being written. Exactly one of `finish` and `abort` ends it; after an error only `abort` is allowed. */
export interface ShardWriter {
  /**
   * Appends chunks in order. Resolves when the next append may come (back-pressure). The chunks are the caller's
   * again once it has resolved.
   */
  append(chunks: readonly Uint8Array[]): Promise<void>;
  /** Appends the last chunks, then makes file and folder durable. */
  finish(chunks: readonly Uint8Array[]): Promise<void>;
  /** Removes what was written; never rejects. */
  abort(): Promise<void>;
  /**
   * After `finish`, where nobody can be told of it: removes the shard durably, unless repair has put another in its place
   * meanwhile. Only drives of this process have it, and only of a new shard.
   */
  undo?(): Promise<void>;
}

/**
 * A shard of a pack, kept open and grown. After an error, and after `seal`, only `close` is allowed. A pack is never opened
 * for growing again: what was appended stays readable, and the shard is removed by its name as any other.
 */
export interface PackShard {
  /**
   * Appends chunks at `offset`, which is where the shard ends. Durable, the file's name too, when it resolves; then
   * `read` sees them, and they are the caller's again.
   */
  append(offset: number, chunks: readonly Uint8Array[]): Promise<void>;
  /** Appends the last chunks, makes them durable and closes. */
  seal(offset: number, chunks: readonly Uint8Array[]): Promise<void>;
  /** Closes without a seal, and removes nothing; never rejects. */
  close(): Promise<void>;
}

export interface ShardStore {
  readonly driveId: DriveId;
  /** For messages and logs: a folder, or a node's address and slot. */
  readonly label: string;
  /**
   * Begins a new shard. For a remote drive this may resolve before the node has answered; a refusal then rejects the
   * next append or finish.
   */
  create(name: ShardName, creation?: ShardCreation): Promise<ShardWriter>;
  /** Begins a shard that is read while it grows. As with `create`, a refusal may come with the first append. */
  createPack(name: ShardName): Promise<PackShard>;
  /**
   * Exactly `length` bytes from `offset`, into `target` (whose length is `length`). After any other error than those
   * below `target` may still be written to, at any later time. `aheadBytes` is a hint: so many bytes after these are there,
   * and likely to be read next.
   * @throws ShardError NotFound; Corrupt when the shard ends before.
   */
  read(name: ShardName, offset: number, target: Uint8Array, aheadBytes?: number): Promise<void>;
  /**
   * Where files are kept open between reads: the next read opens the shard anew. Another process may have put a mended
   * one in its place; so who finds wrong bytes forgets, and reads once more, before it says so.
   */
  forget?(name: ShardName): void;
  /** The size of a shard, in bytes: of a pack's, as it is now. */
  size(name: ShardName): Promise<number>;
  /** Removes a shard, durably when it resolves; an absent one is no error. */
  delete(name: ShardName): Promise<void>;
  /** Every shard here whose folder is `bucket` (0 to 255: the folder's two hex digits), in any order. */
  list(bucket: number): Promise<readonly ShardName[]>;
  space(): Promise<SpaceInfo>;
  /** What identifies the device under it ("node/st_dev"): drives of one device fail together. */
  device(): Promise<string>;
  close(): Promise<void>;
}
