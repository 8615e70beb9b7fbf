// How a data node answers: status, JSON or a stream, and the proof that it is the node that was asked.
// Written to the raw response: the routes take it from Fastify, which would only buffer and copy.

import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { JournalError } from "../journal/journal-member.ts";
import {
  PROOF_HEADER,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  RefusedRequestError,
  renderError,
  statusOf,
  type WireErrorCode,
} from "./protocol.ts";
import { bodyDigest, proveAnswer, UNSIGNED_BODY, type ClusterKeys } from "./rpc-auth.ts";
import { ShardError } from "./shard-store.ts";

/** Who asked: present once the request's signature was found good. */
export interface Asker {
  readonly keys: ClusterKeys;
  readonly nonce: string;
}

export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
  /** The rest of the request is unread: the connection can take no other. */
  readonly isLast?: boolean;
}

/** Bytes that whoever asked can check by himself: their digest is known to him. */
export interface AnswerStream {
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export function sendAnswer(
  response: ServerResponse,
  asker: Asker | undefined,
  answer: Answer,
): void {
  if (response.headersSent || response.destroyed) return;
  const { status, body, isLast = false } = answer;
  setHead(response, { status, sizeBytes: body.length, type: "application/json", isLast });
  if (asker !== undefined) {
    const { keys, nonce } = asker;
    const proof = proveAnswer(keys, { nonce, status, body: bodyDigest(body) });
    response.setHeader(PROOF_HEADER, proof);
  }
  response.end(body);
}

/** Resolves when all of it has left; cuts the connection when it fails. @throws what went wrong */
export async function sendStream(
  response: ServerResponse,
  asker: Asker,
  { sizeBytes, chunks }: AnswerStream,
): Promise<void> {
  const status = 200;
  setHead(response, { status, sizeBytes, type: "application/octet-stream", isLast: false });
  const signed = { nonce: asker.nonce, status, body: UNSIGNED_BODY };
  response.setHeader(PROOF_HEADER, proveAnswer(asker.keys, signed));
  await pipeline(chunks, response);
}

interface AnswerHead {
  readonly status: number;
  readonly sizeBytes: number;
  readonly type: string;
  readonly isLast: boolean;
}

function setHead(response: ServerResponse, { status, sizeBytes, type, isLast }: AnswerHead) {
  response.statusCode = status;
  response.setHeader(PROTOCOL_HEADER, PROTOCOL_VERSION);
  response.setHeader("content-type", type);
  response.setHeader("content-length", sizeBytes);
  if (isLast) response.setHeader("connection", "close");
}

/** What an error says to the other side: nothing of errors that are not of this protocol. */
export function errorAnswer(error: unknown): Answer & { readonly code: WireErrorCode } {
  const isOurs = isKnownError(error);
  const code = isOurs ? error.code : "Unavailable";
  const message = isOurs ? error.message : "the node failed; its log says why";
  return { code, status: statusOf(code), body: renderError(code, message) };
}

/** Whether an error is one of this protocol, and not a fault of the node. */
export function isKnownError(
  error: unknown,
): error is JournalError | RefusedRequestError | ShardError {
  return (
    error instanceof ShardError ||
    error instanceof RefusedRequestError ||
    error instanceof JournalError
  );
}
