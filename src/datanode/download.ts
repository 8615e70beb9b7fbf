// A long answer of a data node, taken as it comes: the next piece is asked for when the last one has been used. What
// it holds is for the caller to check, by a digest that he knows; here it is only sure that the node answers.

import type { Dispatcher } from "undici";
import { JournalError } from "../journal/journal-member.ts";
import { withDeadline } from "../util/deadline.ts";
import { ConnectionError } from "./exchange.ts";
import { PROOF_HEADER, PROTOCOL_HEADER, PROTOCOL_VERSION } from "./protocol.ts";
import { ShardError } from "./shard-store.ts";

/** Largest body of an answer that is an error, in bytes. */
const ERROR_BYTES_MAX = 64 * 1024;

export interface DownloadRequest {
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** How long each piece may take, in milliseconds. */
  readonly deadlineMs: number;
  readonly sizeBytes: number;
}

export interface DownloadHead {
  readonly status: number;
  readonly proof: string;
  /** Of an answer that is not 200. */
  readonly body: Uint8Array;
}

/**
 * Yields the body of a 200 that `accept` lets pass, to its declared end.
 * @throws ConnectionError; what `accept` throws.
 */
export async function* download(
  dispatcher: Dispatcher,
  request: DownloadRequest,
  accept: (head: DownloadHead) => void,
): AsyncGenerator<Uint8Array> {
  const { url, path, headers, deadlineMs, sizeBytes } = request;
  const aborting = new AbortController();
  const inTime = <Value>(work: Promise<Value>): Promise<Value> => {
    work.catch(() => undefined);
    const onTimeout = () => new ConnectionError(`${url}: no progress within ${deadlineMs} ms`);
    return withDeadline(work, { timeoutMs: deadlineMs, onTimeout });
  };
  let receivedBytes = 0;
  try {
    const answer = await inTime(
      dispatcher.request({
        method: "GET",
        path,
        headers,
        signal: aborting.signal,
        headersTimeout: 0,
        bodyTimeout: 0,
      }),
    );
    // Ends of connections are told of where the pieces are taken.
    answer.body.on("error", () => undefined);
    checkProtocol(answer);
    const pieces: AsyncIterator<unknown> = answer.body[Symbol.asyncIterator]();
    const proof = textOf(answer.headers[PROOF_HEADER]);
    if (answer.statusCode !== 200) {
      accept({ status: answer.statusCode, proof, body: await inTime(readError(pieces)) });
      throw new ConnectionError(`${url}: answers with status ${answer.statusCode}`);
    }
    accept({ status: 200, proof, body: new Uint8Array(0) });
    for (;;) {
      const next = await inTime(pieces.next());
      if (next.done === true) break;
      const piece = bytesOf(next.value);
      receivedBytes += piece.length;
      if (receivedBytes > sizeBytes) break;
      yield piece;
    }
  } catch (error) {
    if (error instanceof ShardError || error instanceof JournalError) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new ConnectionError(`the connection failed: ${words}`, error);
  } finally {
    aborting.abort();
  }
  if (receivedBytes !== sizeBytes) {
    throw new ConnectionError(
      `${url}: sends ${receivedBytes} bytes or more instead of ${sizeBytes}`,
    );
  }
}

async function readError(pieces: AsyncIterator<unknown>): Promise<Uint8Array> {
  const read: Uint8Array[] = [];
  let sizeBytes = 0;
  for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
    const piece = bytesOf(next.value);
    sizeBytes += piece.length;
    if (sizeBytes > ERROR_BYTES_MAX) throw new ConnectionError("the node's error is too large");
    read.push(piece);
  }
  return Buffer.concat(read);
}

function checkProtocol({ headers }: Dispatcher.ResponseData): void {
  const protocol = textOf(headers[PROTOCOL_HEADER]);
  if (protocol === PROTOCOL_VERSION) return;
  throw new ConnectionError(`what answers there does not speak ${PROTOCOL_VERSION}`);
}

function textOf(value: string[] | string | undefined): string {
  return typeof value === "string" ? value : "";
}

function bytesOf(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  throw new ConnectionError("the node's answer is not made of bytes");
}
