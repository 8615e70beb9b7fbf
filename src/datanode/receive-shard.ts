// Stores a shard from the body of a request: hands it to the drive in batches with back-pressure, and
// makes it durable only when its signed end has come. Anything else, a broken connection above all, leaves nothing.

import { giveBack } from "../util/give-back.ts";
import { SHARD_BYTES_MAX } from "./protocol.ts";
import type { BodyEndKind } from "./shard-body.ts";
import type { ShardCreation, ShardName, ShardStore, ShardWriter } from "./shard-store.ts";
import type { StreamedBody } from "./streamed-body.ts";

/** Bytes that are gathered before the drive gets them; twice as many are in memory at most. */
const BATCH_BYTES = 256 * 1024;
const BATCH_CHUNKS_MAX = 1_024;

export interface ReceivedShard {
  readonly drive: ShardStore;
  readonly name: ShardName;
  readonly creation: ShardCreation;
}

export interface ShardReception {
  /** "finish": the shard is durable; "abort": it is gone, as its sender wished. */
  readonly kind: BodyEndKind;
  /** Removes it again, unless another has taken its place; for a shard that was replaced there is nothing to undo. */
  readonly undo: (() => Promise<void>) | undefined;
}

/** @throws ShardError of the drive; RefusedRequestError for a malformed body; the network's error for a broken one. */
export async function receiveShard(
  body: StreamedBody,
  { drive, name, creation }: ReceivedShard,
): Promise<ShardReception> {
  const writer = await drive.create(name, creation);
  const batches = new BatchWriter(writer);
  try {
    const kind = await body.receive(SHARD_BYTES_MAX, (chunks, memory) =>
      batches.add(chunks, memory),
    );
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

/** Lets the drive write one batch while the next one is gathered. */
class BatchWriter {
  readonly #writer: ShardWriter;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  /** What came from the network, of which the batch has views. */
  #memory: Uint8Array[] = [];
  #inFlight: Promise<void> = Promise.resolve();

  constructor(writer: ShardWriter) {
    this.#writer = writer;
  }

  /** Returns a promise when the sender has to wait. */
  add(chunks: readonly Uint8Array[], memory: Uint8Array): Promise<void> | undefined {
    // Signs of life hold nothing.
    if (chunks.length === 0) return undefined;
    this.#memory.push(memory);
    for (const chunk of chunks) {
      this.#batch.push(chunk);
      this.#batchBytes += chunk.length;
    }
    const isFull = this.#batchBytes >= BATCH_BYTES || this.#batch.length >= BATCH_CHUNKS_MAX;
    return isFull ? this.#flush() : undefined;
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
    const memory = this.#memory;
    // After a failure the kernel may read them still.
    this.#inFlight = this.#writer.append(this.#batch).then(() => memory.forEach(giveBack));
    // Its failure is reported by whoever waits for it next.
    this.#inFlight.catch(() => undefined);
    this.#batch = [];
    this.#batchBytes = 0;
    this.#memory = [];
  }
}
