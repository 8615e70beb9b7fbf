// A node's side of the channels for reads (read-frames.ts): takes a request, reads the drive, sends what it says, on as many
// connections as gateways open. Beyond what was asked for it goes on with what is likely to be asked for next, a piece at a time and
// no faster than it is taken, so that the next request need not be made.
// Invariant: of each connection no more than one piece and one request is in memory.

import type { Socket } from "node:net";
import type { Logger } from "../telemetry/logger.ts";
import { ChannelConnection, ChannelConnections, CountBound } from "./channel-connection.ts";
import { nextSequence, renderAnswerHead, renderProvenAnswer } from "./channel-frames.ts";
import { errorAnswer, isKnownError } from "./node-answer.ts";
import { RefusedRequestError } from "./protocol.ts";
import { parseReadRequest, READ_REQUEST_BYTES, type WireRead } from "./read-frames.ts";
import type { ReadMemory } from "./read-memory.ts";
import type { ChannelKeys } from "./rpc-auth.ts";
import { ShardError, type ShardStore } from "./shard-store.ts";

/** Reads at a time. */
const READ_COUNT_MAX = 512;
/** The most that is read and sent at a time of what nobody has asked for yet, in bytes: the buffers of ReadMemory hold as much. */
const AHEAD_PIECE_BYTES_MAX = 512 * 1024;
const AHEAD_PIECE_BYTES_MIN = 64 * 1024;

export interface ReadServiceOptions {
  readonly memory: ReadMemory;
  readonly logger: Logger;
  /** How long nothing may move on a connection, in milliseconds. */
  readonly silenceMs: number;
}

export interface AgreedChannel {
  readonly socket: Socket;
  readonly drive: ShardStore;
  readonly keys: ChannelKeys;
}

export class ReadService {
  readonly #options: ReadServiceOptions;
  readonly #connections = new ChannelConnections();
  readonly #bound = new CountBound(READ_COUNT_MAX);

  constructor(options: ReadServiceOptions) {
    this.#options = options;
  }

  /** Serves a channel until it ends. */
  serve(channel: AgreedChannel): void {
    const parts = { ...this.#options, ...channel, bound: this.#bound };
    this.#connections.add(new ReadConnection(parts), channel.socket);
  }

  /** Ends connections as soon as they answer nothing. */
  close(): void {
    this.#connections.close();
  }

  /** Cuts off the rest. */
  destroy(): void {
    this.#connections.destroy();
  }
}

interface ReadConnectionParts extends AgreedChannel, ReadServiceOptions {
  readonly bound: CountBound;
}

class ReadConnection extends ChannelConnection {
  readonly #parts: ReadConnectionParts;
  #received: Buffer = Buffer.alloc(0);
  #sequence = 0;

  constructor(parts: ReadConnectionParts) {
    super(parts.socket, parts.silenceMs);
    this.#parts = parts;
    parts.socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    parts.socket.resume();
  }

  #receive(bytes: Buffer): void {
    const received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    // The next request is made when the last one was answered.
    if (this.isBusy || received.length > READ_REQUEST_BYTES) return this.destroy();
    this.#received = received;
    if (received.length < READ_REQUEST_BYTES) return;
    this.#received = Buffer.alloc(0);
    this.isBusy = true;
    void this.#answer(received);
  }

  async #answer(frame: Buffer): Promise<void> {
    const { bound, keys } = this.#parts;
    const sequence = this.#sequence;
    this.#sequence = nextSequence(sequence);
    let isHeadSent = false;
    try {
      const read = parseReadRequest(keys.request, sequence, frame);
      await bound.run(async () => {
        const aheadBytes = this.#grant(read);
        const length = read.length + aheadBytes;
        const head = renderAnswerHead(sequence, { status: 200, length });
        await this.#sendPiece(read, read.offset, read.length, () => {
          isHeadSent = true;
          return head;
        });
        await this.#sendAhead(read, aheadBytes);
      });
    } catch (error) {
      // What was to follow can only be cut off: whoever wants it asks for it, and is told.
      if (isHeadSent || this.socket.destroyed) this.destroy();
      else this.#refuse(sequence, error);
    }
    this.isBusy = false;
  }

  /** How much it reads of what is likely to be asked for next: nothing where memory is scarce, or it is about to end. */
  #grant({ aheadBytes }: WireRead): number {
    return this.isEnding || this.#parts.memory.isBusy ? 0 : aheadBytes;
  }

  async #sendAhead({ name, offset, length }: WireRead, aheadBytes: number): Promise<void> {
    const start = offset + length;
    // Twice as much at a time as whoever asked takes at a time.
    const most = Math.min(Math.max(2 * length, AHEAD_PIECE_BYTES_MIN), AHEAD_PIECE_BYTES_MAX);
    for (let at = 0; at < aheadBytes; at += most) {
      await this.#sendPiece({ name }, start + at, Math.min(most, aheadBytes - at));
    }
  }

  /** Resolves when it has left the process. */
  async #sendPiece(
    { name }: Pick<WireRead, "name">,
    offset: number,
    length: number,
    begin?: () => Uint8Array,
  ): Promise<void> {
    const { drive, memory } = this.#parts;
    const buffer = memory.acquire(length);
    try {
      await drive.read(name, offset, buffer.bytes);
    } catch (error) {
      // A read that missed its deadline may still be written into the buffer.
      buffer.release(false);
      throw error;
    }
    const wasSent = await this.#send(begin?.(), buffer.bytes);
    // After a broken connection the kernel may still be reading from it: then it is left to the collector.
    buffer.release(wasSent);
    if (!wasSent) throw new ShardError("Unavailable", "whoever asked went away");
  }

  #send(head: Uint8Array | undefined, body: Uint8Array): Promise<boolean> {
    const { socket } = this;
    return new Promise((resolve) => {
      socket.cork();
      if (head !== undefined) socket.write(head);
      socket.write(body, (error) => resolve(error === null || error === undefined));
      socket.uncork();
    });
  }

  #refuse(sequence: number, error: unknown): void {
    const { keys, logger } = this.#parts;
    if (!isKnownError(error)) {
      logger.error({ err: error }, "a read of a gateway failed");
    }
    this.socket.write(renderProvenAnswer(keys.answer, sequence, errorAnswer(error)));
    // Who asks so is no gateway of ours, or has lost its place.
    if (error instanceof RefusedRequestError) this.socket.end();
  }
}
