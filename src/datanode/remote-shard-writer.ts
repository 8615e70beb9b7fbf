// Writes a shard to a data node: frames of gathered chunks as the body of one request, as fast as the node takes them.
// Chunks are copied, once and side by side: they are the caller's again at once, and one large write costs less than
// many small ones and the wait for each.

import type { Authority } from "../journal/journal-member.ts";
import type { BufferPool } from "../util/buffer-pool.ts";
import { crc32c } from "../util/crc32c.ts";
import { ConnectionError } from "./exchange.ts";
import type { NodeLink } from "./node-link.ts";
import { UNSIGNED_BODY } from "./rpc-auth.ts";
import {
  BODY_END_BYTES,
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  PING_FRAME,
  writeFrameHeader,
  type BodyEndKind,
} from "./shard-body.ts";
import type { ShardWriter } from "./shard-store.ts";
import type { WriteCall } from "./write-channel.ts";

/** Frames on their way: while the kernel takes one, the next is made. */
const SENDING_MAX = 2;
/** How often a sender says that it lives; nodes cut silent ones off. */
const PING_MS = 10_000;
/** How long an abort waits for the node to say that the shard is gone. */
const ABORT_DEADLINE_MS = 2_000;
/** Smaller frames are not worth a pooled buffer. */
const POOLED_BYTES_MIN = 128 * 1024;
const EMPTY = new Uint8Array(0);

interface Frame {
  readonly bytes: Uint8Array;
  /** The pooled buffer under it. */
  readonly pooled: Uint8Array | undefined;
}

/** Where it is written to. */
export interface WriteTarget {
  readonly link: NodeLink;
  readonly path: string;
  /** For frames. */
  readonly buffers: BufferPool;
}

export interface RemoteWriteOptions {
  /** PUT where absent. */
  readonly method?: "POST";
  /** SHA-256 of all that is written, in hex, where it is known before. */
  readonly digest?: string;
  /** Who asks for it; the link's owner where absent. */
  readonly owner?: Authority | undefined;
  /** How long the node may take to make it durable while it lives, in milliseconds; the link's deadline where absent. */
  readonly endPatienceMs?: number | undefined;
  /** All of it comes at once: then the node hears of it when it is there. */
  readonly isShort?: true;
}

/** Writes what is there as a whole. @throws ShardError, JournalError */
export async function writeWhole(
  target: WriteTarget,
  chunks: readonly Uint8Array[],
  options: Omit<RemoteWriteOptions, "isShort"> = {},
): Promise<void> {
  const writer = await RemoteShardWriter.begin(target, { ...options, isShort: true });
  try {
    await writer.finish(chunks);
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

export class RemoteShardWriter implements ShardWriter {
  readonly #link: NodeLink;
  readonly #buffers: BufferPool;
  readonly #call: WriteCall;
  readonly #endPatienceMs: number;
  /** What has to be sent before all else, until it is. */
  #head: Uint8Array;
  readonly #pings: NodeJS.Timeout | undefined;
  /** Ends the watch over what is there as a whole, and so has to be done in time as a whole. */
  readonly #stopWatch: () => void = () => undefined;
  #sendingCount = 0;
  #wakeCaller: () => void = () => undefined;
  #isEnded = false;
  #isSettled = false;
  #failure: unknown;
  #dataBytes = 0;
  #checksum = 0;

  private constructor(
    { link, buffers }: WriteTarget,
    call: WriteCall,
    { endPatienceMs = link.deadlineMs, isShort }: RemoteWriteOptions,
  ) {
    this.#link = link;
    this.#buffers = buffers;
    this.#call = call;
    this.#endPatienceMs = endPatienceMs;
    this.#head = call.head;
    call.done.then(
      () => this.#settle(new ConnectionError("the shard was given up")),
      (error: unknown) => this.#settle(error),
    );
    if (isShort === true) {
      this.#stopWatch = this.#watch(this.#endPatienceMs);
      return;
    }
    // The node can begin, while the first bytes are on their way.
    this.#send({ bytes: this.#takeHead(), pooled: undefined });
    this.#pings = setInterval(() => this.#ping(), PING_MS);
    this.#pings.unref();
  }

  /** Resolves before the node has answered. @throws ShardError Unavailable when it is known to be away. */
  static async begin(target: WriteTarget, options: RemoteWriteOptions = {}): Promise<ShardWriter> {
    const { method = "PUT", digest = UNSIGNED_BODY, owner } = options;
    const call = await target.link.beginWrite({ method, path: target.path, body: digest, owner });
    return new RemoteShardWriter(target, call, options);
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    this.#checkOpen();
    const pieces = new Pieces(chunks);
    while (pieces.bytesLeft > 0) {
      await this.#room();
      this.#checkOpen();
      this.#send(this.#gather(pieces));
    }
  }

  async finish(chunks: readonly Uint8Array[]): Promise<void> {
    this.#checkOpen();
    const pieces = new Pieces(chunks);
    do {
      await this.#room();
      this.#checkOpen();
      this.#send(this.#gather(pieces, "finish"));
    } while (pieces.bytesLeft > 0);
    await this.#answered(this.#endPatienceMs);
  }

  async abort(): Promise<void> {
    const isTold = this.#head.length === 0 && !this.#isEnded && !this.#isSettled;
    try {
      if (isTold) {
        this.#send(this.#gather(new Pieces([]), "abort"));
        await this.#answered(ABORT_DEADLINE_MS);
      }
    } catch {
      // The node that cannot be told notices the broken connection.
    } finally {
      this.#isEnded = true;
      this.#call.abort(new ConnectionError("the shard was given up"));
    }
  }

  async #answered(patienceMs: number): Promise<void> {
    this.#isEnded = true;
    const stopWatch = this.#watch(patienceMs);
    try {
      await this.#call.done;
    } finally {
      stopWatch();
    }
  }

  #watch(patienceMs: number): () => void {
    const deadlineMs = Math.min(patienceMs, this.#link.deadlineMs);
    return this.#link.watch(this.#call, patienceMs, deadlineMs);
  }

  #checkOpen(): void {
    if (this.#isSettled) throw this.#failure;
    if (this.#isEnded) throw new ConnectionError("the shard was given up");
  }

  /** Waits until there is room for one more frame on its way. */
  async #room(): Promise<void> {
    const { url, deadlineMs } = this.#link;
    while (this.#sendingCount >= SENDING_MAX) {
      // Nothing is sent any more then, and nobody would wake us.
      this.#checkOpen();
      const timer = setTimeout(() => {
        this.#call.abort(new ConnectionError(`${url}: no progress within ${deadlineMs} ms`));
      }, deadlineMs);
      await new Promise<void>((resolve) => {
        this.#wakeCaller = resolve;
      });
      clearTimeout(timer);
    }
  }

  #send({ bytes, pooled }: Frame): void {
    this.#sendingCount += 1;
    this.#call.send(bytes, () => {
      this.#sendingCount -= 1;
      // That of a broken connection is left to the collector.
      if (pooled !== undefined) this.#buffers.release(pooled);
      this.#wakeCaller();
    });
  }

  #ping(): void {
    if (!this.#isEnded && this.#sendingCount === 0) this.#call.send(PING_FRAME);
  }

  #settle(failure: unknown): void {
    this.#isSettled = true;
    this.#failure = failure;
    clearInterval(this.#pings);
    this.#stopWatch();
    this.#wakeCaller();
  }

  #takeHead(): Uint8Array {
    const head = this.#head;
    this.#head = EMPTY;
    return head;
  }

  /** The next frame, with what has to stand before it, and after the last of `pieces` the end of that kind. */
  #gather(pieces: Pieces, endKind?: BodyEndKind): Frame {
    const head = this.#takeHead();
    const overhead = head.length + FRAME_HEADER_BYTES + BODY_END_BYTES;
    const most = Math.min(this.#buffers.sizeBytes - overhead, FRAME_BYTES_MAX);
    const dataBytes = Math.min(pieces.bytesLeft, most);
    const isPooled = overhead + dataBytes >= POOLED_BYTES_MIN;
    const pooled = isPooled ? this.#buffers.acquire() : undefined;
    const target = pooled ?? Buffer.allocUnsafe(overhead + dataBytes);
    target.set(head);
    let at = head.length;
    if (dataBytes > 0) {
      writeFrameHeader(target.subarray(at), dataBytes);
      const data = target.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + dataBytes);
      pieces.copyTo(data);
      this.#checksum = crc32c(data, this.#checksum);
      this.#dataBytes += dataBytes;
      at += FRAME_HEADER_BYTES + dataBytes;
    }
    if (endKind !== undefined && pieces.bytesLeft === 0) {
      const end = { kind: endKind, dataBytes: this.#dataBytes, checksum: this.#checksum };
      target.set(this.#call.renderEnd(end), at);
      at += BODY_END_BYTES;
    }
    return { bytes: target.subarray(0, at), pooled };
  }
}

/** What is left of chunks that are copied into buffers of other sizes. */
class Pieces {
  readonly #chunks: readonly Uint8Array[];
  #index = 0;
  /** In the chunk that is next. */
  #at = 0;
  bytesLeft = 0;

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks;
    for (const chunk of chunks) this.bytesLeft += chunk.length;
  }

  /** Fills all of it. */
  copyTo(target: Uint8Array): void {
    let filled = 0;
    while (filled < target.length) {
      const chunk = this.#chunks[this.#index] ?? EMPTY;
      const part = chunk.subarray(this.#at, this.#at + target.length - filled);
      target.set(part, filled);
      filled += part.length;
      this.#at += part.length;
      if (this.#at === chunk.length) [this.#index, this.#at] = [this.#index + 1, 0];
    }
    this.bytesLeft -= filled;
  }
}
