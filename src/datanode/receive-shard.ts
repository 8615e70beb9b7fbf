// Stores a shard from the body of a request: takes it apart, hands it to the drive in batches with back-pressure, and
// makes it durable only when its signed end has come. Anything else, a broken connection above all, leaves nothing.

import type { IncomingMessage } from "node:http";
import { giveBack } from "../util/give-back.ts";
import { eachPiece } from "./each-piece.ts";
import { RefusedRequestError } from "./protocol.ts";
import { ShardBodyParser, type BodyEndKind, type BodyKey } from "./shard-body.ts";
import type { ShardCreation, ShardName, ShardStore, ShardWriter } from "./shard-store.ts";

/** Bytes that are gathered before the drive gets them; twice as many are in memory at most. */
const BATCH_BYTES = 256 * 1024;

export interface ReceivedShard {
  readonly drive: ShardStore;
  readonly name: ShardName;
  readonly creation: ShardCreation;
  readonly key: BodyKey;
}

export interface ShardReception {
  /** "finish": the shard is durable; "abort": it is gone, as its sender wished. */
  readonly kind: BodyEndKind;
  /** Removes it again, unless another has taken its place; for a shard that was replaced there is nothing to undo. */
  readonly undo: (() => Promise<void>) | undefined;
}

/** @throws ShardError of the drive; RefusedRequestError for a malformed body; the network's error for a broken one. */
export async function receiveShard(
  request: IncomingMessage,
  { drive, name, creation, key }: ReceivedShard,
): Promise<ShardReception> {
  const writer = await drive.create(name, creation);
  const batches = new BatchWriter(writer);
  try {
    const parser = new ShardBodyParser(key);
    await eachPiece(request, (piece) => batches.add(parser.push(piece), piece));
    const kind = parser.end();
    const rest = await batches.drain();
    if (kind === "finish") await writer.finish(rest);
    else await writer.abort();
    // What was made anew does no harm where nobody knows of it: the next repair makes it once more.
    const isUndone = kind === "finish" && creation === "new";
    return { kind, undo: isUndone ? () => undo(writer, drive, name) : undefined };
  } catch (error) {
    await batches.settle();
    await writer.abort();
    throw error;
  }
}

function undo(writer: ShardWriter, drive: ShardStore, name: ShardName): Promise<void> {
  return writer.undo === undefined ? drive.delete(name) : writer.undo();
}

/**
 * The whole body of an append to a pack, once its signed end has come; undefined when its sender has given it up.
 * @throws RefusedRequestError for a malformed body, or one that is too large; the network's error for a broken one.
 */
export async function receiveChunks(
  request: IncomingMessage,
  key: BodyKey,
  bytesMax: number,
): Promise<readonly Uint8Array[] | undefined> {
  const parser = new ShardBodyParser(key);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  await eachPiece(request, (piece) => {
    for (const chunk of parser.push(piece)) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
    }
    if (sizeBytes > bytesMax) {
      throw new RefusedRequestError("BadRequest", "an append to a pack is bounded");
    }
    return undefined;
  });
  return parser.end() === "finish" ? chunks : undefined;
}

/** Lets the drive write one batch while the next one is gathered. */
class BatchWriter {
  readonly #writer: ShardWriter;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  /** What came from the network, of which the batch has views. */
  #pieces: Uint8Array[] = [];
  #inFlight: Promise<void> = Promise.resolve();

  constructor(writer: ShardWriter) {
    this.#writer = writer;
  }

  /** Returns a promise when the sender has to wait. */
  add(chunks: readonly Uint8Array[], piece: Uint8Array): Promise<void> | undefined {
    this.#pieces.push(piece);
    for (const chunk of chunks) {
      this.#batch.push(chunk);
      this.#batchBytes += chunk.length;
    }
    return this.#batchBytes >= BATCH_BYTES ? this.#flush() : undefined;
  }

  /** Waits for what was handed over; the chunks that were not are returned. */
  async drain(): Promise<readonly Uint8Array[]> {
    await this.#inFlight;
    return this.#batch;
  }

  async settle(): Promise<void> {
    await this.#inFlight.catch(() => undefined);
  }

  async #flush(): Promise<void> {
    await this.#inFlight;
    const pieces = this.#pieces;
    // After a failure the kernel may read them still.
    this.#inFlight = this.#writer.append(this.#batch).then(() => pieces.forEach(giveBack));
    // Its failure is reported by whoever waits for it next.
    this.#inFlight.catch(() => undefined);
    this.#batch = [];
    this.#batchBytes = 0;
    this.#pieces = [];
  }
}
