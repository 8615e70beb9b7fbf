// Writes a shard to a data node: frames of gathered chunks in the body of one request, as fast as the node takes them.
// Chunks are copied, once and side by side: they are the caller's again at once, and one large write costs less than
// many small ones and the wait for each.

import type { Authority } from "../journal/journal-member.ts";
import { assert } from "../util/assert.ts";
import type { BufferPool } from "../util/buffer-pool.ts";
import { crc32c } from "../util/crc32c.ts";
import { ConnectionError } from "./exchange.ts";
import type { NodeLink, NodeStream } from "./node-link.ts";
import {
  FRAME_HEADER_BYTES,
  PING_FRAME,
  renderBodyEnd,
  writeFrameHeader,
  type BodyEndKind,
  type BodyKey,
} from "./shard-body.ts";
import type { ShardWriter } from "./shard-store.ts";

/** Frames that wait while one is on its way. */
const QUEUE_MAX = 1;
/** How often a sender that has nothing to send says that it lives; nodes cut silent ones off. */
const PING_MS = 10_000;
/** How long an abort waits for the node to say that the shard is gone. */
const ABORT_DEADLINE_MS = 2_000;
/** Larger frames than any stream's buffer: the next one is asked for only when they have left the process. */
const POOLED_BYTES_MIN = 128 * 1024;

interface Frame {
  readonly bytes: Uint8Array;
  /** The pooled buffer under it. */
  readonly pooled?: Uint8Array;
}

export interface RemoteWriteOptions {
  /** Who asks for it; the link's owner where absent. */
  readonly owner?: Authority | undefined;
  /** How long the node may take to make it durable while it lives, in milliseconds; the link's deadline where absent. */
  readonly endPatienceMs?: number | undefined;
}

export class RemoteShardWriter implements ShardWriter {
  readonly #link: NodeLink;
  readonly #endPatienceMs: number;
  readonly #buffers: BufferPool;
  #key: BodyKey | undefined;
  #stream: NodeStream | undefined;
  readonly #queue: Frame[] = [];
  #wakeSender: () => void = () => undefined;
  #wakeCaller: () => void = () => undefined;
  #wasAsked = false;
  #isEnded = false;
  #isSettled = false;
  #failure: unknown;
  #dataBytes = 0;
  #checksum = 0;

  private constructor(link: NodeLink, buffers: BufferPool, endPatienceMs: number) {
    this.#link = link;
    this.#buffers = buffers;
    this.#endPatienceMs = endPatienceMs;
  }

  /** Resolves before the node has answered. @throws ShardError Unavailable when it is known to be away. */
  static async begin(
    link: NodeLink,
    path: string,
    buffers: BufferPool,
    { owner, endPatienceMs = link.deadlineMs }: RemoteWriteOptions = {},
  ): Promise<ShardWriter> {
    const writer = new RemoteShardWriter(link, buffers, endPatienceMs);
    const makeBody = (key: BodyKey): AsyncIterable<Uint8Array> => {
      writer.#key = key;
      return writer.#frames();
    };
    writer.#stream = await link.stream(path, makeBody, owner);
    writer.#stream.done.then(
      () => writer.#settle(new ConnectionError("the node answered before the shard's end")),
      (error: unknown) => writer.#settle(error),
    );
    return writer;
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    this.#checkOpen();
    for (const frame of this.#gather(chunks)) await this.#enqueue(frame);
  }

  async finish(chunks: readonly Uint8Array[]): Promise<void> {
    await this.append(chunks);
    await this.#end("finish", this.#endPatienceMs);
  }

  async abort(): Promise<void> {
    const exchange = this.#stream?.exchange;
    const isTold = this.#wasAsked && !this.#isEnded && !this.#isSettled;
    try {
      this.#queue.length = 0;
      if (isTold) await this.#end("abort", ABORT_DEADLINE_MS);
    } catch {
      // The node that cannot be told notices the broken connection.
    } finally {
      this.#isEnded = true;
      exchange?.abort(new ConnectionError("the shard was given up"));
    }
  }

  async #end(kind: BodyEndKind, patienceMs: number): Promise<void> {
    assert(this.#key !== undefined && this.#stream !== undefined, "a writer has begun");
    const end = { kind, dataBytes: this.#dataBytes, checksum: this.#checksum };
    const { exchange, done } = this.#stream;
    this.#queue.push({ bytes: renderBodyEnd(this.#key, end) });
    this.#isEnded = true;
    this.#wakeSender();
    const deadlineMs = Math.min(patienceMs, this.#link.deadlineMs);
    const stopWatch = this.#link.watch(exchange, patienceMs, deadlineMs);
    try {
      await done;
    } catch (error) {
      exchange.abort(new ConnectionError("the shard was given up"));
      throw error;
    } finally {
      stopWatch();
    }
  }

  #startDeadline(deadlineMs: number): NodeJS.Timeout {
    const { url } = this.#link;
    return setTimeout(() => {
      const error = new ConnectionError(`${url}: no progress within ${deadlineMs} ms`);
      this.#stream?.exchange.abort(error);
    }, deadlineMs);
  }

  #checkOpen(): void {
    if (this.#isSettled) throw this.#failure;
    if (this.#isEnded) throw new ConnectionError("the shard was given up");
  }

  async #enqueue(frame: Frame): Promise<void> {
    if (this.#queue.length >= QUEUE_MAX) {
      const timer = this.#startDeadline(this.#link.deadlineMs);
      await new Promise<void>((resolve) => {
        this.#wakeCaller = resolve;
      });
      clearTimeout(timer);
      this.#checkOpen();
    }
    this.#queue.push(frame);
    this.#wakeSender();
  }

  #settle(failure: unknown): void {
    this.#isSettled = true;
    this.#failure = failure;
    this.#queue.length = 0;
    this.#wakeCaller();
    this.#wakeSender();
  }

  /** Copies chunks into as few frames as fit. */
  *#gather(chunks: readonly Uint8Array[]): Generator<Frame> {
    let bytesLeft = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const capacity = this.#buffers.sizeBytes - FRAME_HEADER_BYTES;
    let [chunkIndex, chunkAt] = [0, 0];
    while (bytesLeft > 0) {
      const frame = this.#makeFrame(Math.min(bytesLeft, capacity));
      let at = FRAME_HEADER_BYTES;
      while (at < frame.bytes.length) {
        const chunk = chunks[chunkIndex]?.subarray(chunkAt) ?? new Uint8Array(0);
        const part = chunk.subarray(0, frame.bytes.length - at);
        frame.bytes.set(part, at);
        at += part.length;
        chunkAt += part.length;
        if (part.length === chunk.length) [chunkIndex, chunkAt] = [chunkIndex + 1, 0];
      }
      const data = frame.bytes.subarray(FRAME_HEADER_BYTES);
      this.#checksum = crc32c(data, this.#checksum);
      this.#dataBytes += data.length;
      bytesLeft -= data.length;
      yield frame;
    }
  }

  #makeFrame(dataBytes: number): Frame {
    const sizeBytes = FRAME_HEADER_BYTES + dataBytes;
    const pooled = sizeBytes >= POOLED_BYTES_MIN ? this.#buffers.acquire() : undefined;
    const bytes = pooled?.subarray(0, sizeBytes) ?? Buffer.allocUnsafe(sizeBytes);
    writeFrameHeader(bytes, dataBytes);
    return pooled === undefined ? { bytes } : { bytes, pooled };
  }

  async *#frames(): AsyncGenerator<Uint8Array> {
    this.#wasAsked = true;
    while (!this.#isSettled) {
      const frame = this.#queue.shift();
      if (frame !== undefined) {
        this.#wakeCaller();
        yield frame.bytes;
        // Only reached when the stream wants more; a broken one leaves the buffer to the collector.
        if (frame.pooled !== undefined) this.#buffers.release(frame.pooled);
      } else if (this.#isEnded) {
        return;
      } else if (!(await this.#nextFrame())) {
        yield PING_FRAME;
      }
    }
  }

  /** False when there was nothing to send for so long that the node wants a sign of life. */
  #nextFrame(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), PING_MS);
      timer.unref();
      this.#wakeSender = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
