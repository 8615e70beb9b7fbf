// The bodies of requests that are small: read whole before anything is done, and compared with what was signed.
// The memory for all of them together is bounded.

import type { IncomingMessage } from "node:http";
import { assert } from "../util/assert.ts";
import { RefusedRequestError } from "./protocol.ts";
import { bodyDigest, EMPTY_BODY_DIGEST, type SignedRequest } from "./rpc-auth.ts";
import { ShardError } from "./shard-store.ts";
import type { StreamedBody } from "./streamed-body.ts";

const BYTES_IN_USE_MAX = 128 * 1024 * 1024;
/** What a view of a few bytes costs: of frames of one byte each they are the most. */
const VIEW_BYTES = 128;
const EMPTY = new Uint8Array(0);

interface StreamedChunks {
  readonly chunks: readonly Uint8Array[];
  readonly memory: readonly Uint8Array[];
}

export class RequestBodies {
  #bytesInUse = 0;

  /**
   * Hands the body of an HTTP request to `work`.
   * @throws RefusedRequestError when the body is not the one that was signed, or larger than `bytesMax`.
   */
  async use<Value>(
    raw: IncomingMessage,
    { signed, bytesMax }: { readonly signed: SignedRequest; readonly bytesMax: number },
    work: (body: Uint8Array) => Promise<Value>,
  ): Promise<Value> {
    const sizeBytes = boundOf(raw, bytesMax);
    this.#take(sizeBytes);
    try {
      const body = await readBody(raw, sizeBytes);
      checkDigest(body, signed.body);
      return await work(body);
    } finally {
      this.#bytesInUse -= sizeBytes;
    }
  }

  /**
   * Hands the body of a request on a channel to `work`, in the chunks that came, with all the memory that they lie in; undefined
   * where its sender has given it up.
   * @throws RefusedRequestError when it is malformed, or larger than `bytesMax`; the network's error for a broken one.
   */
  async useStreamed<Value>(
    stream: StreamedBody,
    bytesMax: number,
    work: (body: StreamedChunks | undefined) => Promise<Value>,
  ): Promise<Value> {
    const chunks: Uint8Array[] = [];
    const memory: Uint8Array[] = [];
    let takenBytes = 0;
    try {
      const kind = await stream.receive(bytesMax, (data, under) => {
        // Signs of life hold nothing.
        if (data.length === 0) return undefined;
        const costBytes = under.length + data.length * VIEW_BYTES;
        this.#take(costBytes);
        takenBytes += costBytes;
        memory.push(under);
        chunks.push(...data);
        return undefined;
      });
      return await work(kind === "finish" ? { chunks, memory } : undefined);
    } finally {
      this.#bytesInUse -= takenBytes;
    }
  }

  #take(sizeBytes: number): void {
    if (this.#bytesInUse + sizeBytes > BYTES_IN_USE_MAX) {
      throw new ShardError("Unavailable", "the node is busy: too many large requests");
    }
    this.#bytesInUse += sizeBytes;
  }
}

/** @throws RefusedRequestError Denied */
export function checkDigest(body: Uint8Array, signed: string): void {
  const digest = body.length === 0 ? EMPTY_BODY_DIGEST : bodyDigest(body);
  if (digest === signed) return;
  throw new RefusedRequestError("Denied", "the body is not the one that was signed");
}

/** The most that the body can have, in bytes. */
function boundOf({ headers }: IncomingMessage, bytesMax: number): number {
  const { "content-length": length, "transfer-encoding": encoding } = headers;
  if (length === undefined) return encoding === undefined ? 0 : bytesMax;
  const sizeBytes = Number(length);
  if (sizeBytes > bytesMax) throw tooLarge();
  return sizeBytes;
}

async function readBody(raw: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  if (bytesMax === 0) return EMPTY;
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of raw.iterator({ destroyOnReturn: false })) {
    assert(piece instanceof Uint8Array, "a body without encoding is made of bytes");
    pieces.push(piece);
    sizeBytes += piece.length;
    if (sizeBytes > bytesMax) throw tooLarge();
  }
  return Buffer.concat(pieces);
}

function tooLarge(): RefusedRequestError {
  return new RefusedRequestError("BadRequest", "the body is too large");
}
