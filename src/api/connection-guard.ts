// What happens to connections below the level of requests: how many there may be, and what a client is told when the
// HTTP parser refuses what it sent.

import type { Socket } from "node:net";
import { S3Error } from "../core/s3-error.ts";
import type { S3ErrorCode } from "../core/s3-error.ts";
import { nextRequestId } from "./exchange.ts";
import { renderError } from "./render-error.ts";

/** Generous: behind a proxy all clients share an address. */
const PER_ADDRESS_MAX = 4_096;

/** Counts connections by remote address, and closes those beyond what one address may have. */
export class ConnectionGuard {
  readonly #counts = new Map<string, number>();

  admit(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const count = (this.#counts.get(address) ?? 0) + 1;
    this.#counts.set(address, count);
    socket.once("close", () => this.#leave(address));
    if (count > PER_ADDRESS_MAX) socket.destroy();
  }

  #leave(address: string): void {
    const count = (this.#counts.get(address) ?? 1) - 1;
    if (count > 0) this.#counts.set(address, count);
    else this.#counts.delete(address);
  }
}

interface ParserError extends Error {
  readonly code?: string;
}

const PARSER_CODES: ReadonlyMap<string, S3ErrorCode> = new Map([
  ["ERR_HTTP_REQUEST_TIMEOUT", "RequestTimeout"],
  ["HPE_HEADER_OVERFLOW", "RequestHeaderSectionTooLarge"],
  ["HPE_INVALID_EOF_STATE", "IncompleteBody"],
  ["HPE_INVALID_METHOD", "MethodNotAllowed"],
]);

/** What the parser's refusal is in S3's words. */
export function errorOfParser(error: ParserError): S3Error {
  return new S3Error(PARSER_CODES.get(error.code ?? "") ?? "BadRequest", { cause: error });
}

const LINGER_MS_MAX = 2_000;
const REASONS: Readonly<Record<number, string>> = { 400: "Bad Request", 405: "Method Not Allowed" };

/** Those whose last words are written: the parser complains about every further packet. */
const ending = new WeakSet<Socket>();

/** Answers on a connection that has no request, and closes it. */
export function refuseConnection(socket: Socket, error: S3Error): void {
  if (ending.has(socket)) return;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const requestId = nextRequestId();
  const body = renderError(error, { resource: "", requestId, hostId: "" });
  const head = [
    `HTTP/1.1 ${error.status} ${REASONS[error.status] ?? "Error"}`,
    "content-type: application/xml",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-amz-request-id: ${requestId}`,
    `date: ${new Date().toUTCString()}`,
    "server: Kintsugi",
    "connection: close",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  endConnection(socket);
}

/**
 * Ends a connection whose client may still be sending: what comes is thrown away for a moment, since a socket that is
 * closed on unread bytes resets the connection, and with it what the client has not read of its answer.
 */
export function endConnection(socket: Socket): void {
  if (ending.has(socket)) return;
  ending.add(socket);
  // Whatever the client does, the socket ends.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS_MAX);
  socket.once("close", () => clearTimeout(timer));
  socket.end();
  socket.resume();
}
