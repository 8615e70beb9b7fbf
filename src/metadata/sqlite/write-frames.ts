// How messages travel over a socket between processes: the length in four bytes, then the message: groups and replies
// packed (write-messages.ts), others as a structured clone, as a thread's port would have brought them. Frames are bounded,
// and read one after the other.

import { DefaultSerializer, deserialize } from "node:v8";
import { isPacked, isWriteMessage, packMessage, unpackMessage } from "./write-messages.ts";

/** Of one message: a group with as much inline data as groups may hold takes a small part of it. */
export const FRAME_BYTES_MAX = 64 * 1024 * 1024;
const LENGTH_BYTES = 4;

/** @throws when the message cannot be cloned, or is too long. */
export function frameOf(message: unknown): Buffer {
  if (isWriteMessage(message)) return withLength(packMessage(message, LENGTH_BYTES));
  const serializer = new DefaultSerializer();
  // Room for the length, so that both are written at once.
  serializer.writeRawBytes(Buffer.alloc(LENGTH_BYTES));
  serializer.writeHeader();
  serializer.writeValue(message);
  return withLength(serializer.releaseBuffer());
}

/** Bytes that are no message yet: what proves who speaks. */
export function rawFrameOf(text: string): Buffer {
  return withLength(Buffer.concat([Buffer.alloc(LENGTH_BYTES), Buffer.from(text)]));
}

function withLength(frame: Buffer): Buffer {
  const sizeBytes = frame.length - LENGTH_BYTES;
  if (sizeBytes > FRAME_BYTES_MAX) throw new Error(`a message of ${sizeBytes} bytes is too long`);
  frame.writeUInt32BE(sizeBytes, 0);
  return frame;
}

/** @throws when the bytes are no message. */
export function messageIn(frame: Buffer): unknown {
  return isPacked(frame) ? unpackMessage(frame) : deserialize(frame);
}

/** Puts frames together from the chunks of a socket. */
export class FrameReader {
  readonly #onFrame: (frame: Buffer) => void;
  /** Longer frames are refused. */
  maxBytes: number;
  /** The length, as far as it is there. */
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  #lengthBytes = 0;
  /** The frame that is only partly there. */
  #frame: Buffer | undefined;
  #frameBytes = 0;

  constructor(maxBytes: number, onFrame: (frame: Buffer) => void) {
    this.maxBytes = maxBytes;
    this.#onFrame = onFrame;
  }

  /** @throws when a frame is too long, and whatever `onFrame` throws. */
  push(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length) {
      offset = this.#frame === undefined ? this.#begin(chunk, offset) : this.#go(chunk, offset);
    }
  }

  /** Reads the length, and the whole frame where it lies in the chunk. */
  #begin(chunk: Buffer, start: number): number {
    const taken = chunk.copy(this.#length, this.#lengthBytes, start);
    this.#lengthBytes += taken;
    const offset = start + taken;
    if (this.#lengthBytes < LENGTH_BYTES) return offset;
    this.#lengthBytes = 0;
    const sizeBytes = this.#length.readUInt32BE(0);
    if (sizeBytes > this.maxBytes) throw new Error(`a message of ${sizeBytes} bytes is too long`);
    if (chunk.length - offset < sizeBytes) {
      this.#frame = Buffer.allocUnsafeSlow(sizeBytes);
      this.#frameBytes = 0;
      return offset;
    }
    this.#onFrame(chunk.subarray(offset, offset + sizeBytes));
    return offset + sizeBytes;
  }

  #go(chunk: Buffer, start: number): number {
    const frame = this.#frame ?? this.#length;
    const taken = chunk.copy(frame, this.#frameBytes, start);
    this.#frameBytes += taken;
    if (this.#frameBytes === frame.length) {
      this.#frame = undefined;
      this.#onFrame(frame);
    }
    return start + taken;
  }
}
