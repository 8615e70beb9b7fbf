// The bodies of requests that are no streams: read whole before anything is done, and compared with what was signed.
// The memory for all of them together is bounded.

import type { IncomingMessage } from "node:http";
import { assert } from "../util/assert.ts";
import { RefusedRequestError } from "./protocol.ts";
import { bodyDigest, EMPTY_BODY_DIGEST, UNSIGNED_BODY, type SignedRequest } from "./rpc-auth.ts";
import { ShardError } from "./shard-store.ts";

const BYTES_IN_USE_MAX = 128 * 1024 * 1024;
const EMPTY = new Uint8Array(0);

export class RequestBodies {
  #bytesInUse = 0;

  /**
   * Hands the body to `work`; an empty one where it is a stream, which the routes read themselves.
   * @throws RefusedRequestError when the body is not the one that was signed, or larger than `bytesMax`.
   */
  async use<Value>(
    raw: IncomingMessage,
    { signed, bytesMax }: { readonly signed: SignedRequest; readonly bytesMax: number },
    work: (body: Uint8Array) => Promise<Value>,
  ): Promise<Value> {
    const isStreamed = raw.method === "PUT";
    if (isStreamed !== (signed.body === UNSIGNED_BODY)) {
      throw new RefusedRequestError("Denied", "bodies that are no streams are signed");
    }
    if (isStreamed) return work(EMPTY);
    const sizeBytes = boundOf(raw, bytesMax);
    if (this.#bytesInUse + sizeBytes > BYTES_IN_USE_MAX) {
      throw new ShardError("Unavailable", "the node is busy: too many large requests");
    }
    this.#bytesInUse += sizeBytes;
    try {
      const body = await readBody(raw, sizeBytes);
      const digest = body.length === 0 ? EMPTY_BODY_DIGEST : bodyDigest(body);
      if (digest !== signed.body) {
        throw new RefusedRequestError("Denied", "the body is not the one that was signed");
      }
      return await work(body);
    } finally {
      this.#bytesInUse -= sizeBytes;
    }
  }
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
