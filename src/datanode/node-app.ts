// The HTTP side of a data node, without routes: bounds of connections, heads and times, and what answers where no route does.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { fastify, type FastifyInstance } from "fastify";
import { errorAnswer, sendAnswer } from "./node-answer.ts";
import { RefusedRequestError } from "./protocol.ts";

const CONNECTION_COUNT_MAX = 2048;
const HEAD_BYTES_MAX = 8 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
/** Longer than gateways keep connections: the side that sends next must not be the one that meets a closed one. */
const KEEP_ALIVE_MS = 75_000;
/** A connection in use on which nothing moves; senders with nothing to send give signs of life more often. */
export const SILENCE_MS = 45_000;
/** How soon the kernel asks whether a silent peer is still there. */
const TCP_PROBE_MS = 15_000;
/** How long the rest of a refused body is read, so that the refusal is not lost in a reset. */
const LINGER_MS = 2_000;

export function makeApp(): FastifyInstance {
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    // Uploads last as long as their senders make progress; silence ends them.
    requestTimeout: 0,
    connectionTimeout: SILENCE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: { maxHeaderSize: HEAD_BYTES_MAX, headersTimeout: HEADERS_TIMEOUT_MS },
    frameworkErrors: (_error, _request, reply) => {
      sendAnswer(reply.hijack().raw, undefined, errorAnswer(badUrl()));
    },
    clientErrorHandler: (_error, socket) => rejectSocket(socket),
  });
  app.removeAllContentTypeParsers();
  // Bodies are read by the routes, from the raw stream.
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  return app;
}

export function boundConnections(server: Server): void {
  server.maxConnections = CONNECTION_COUNT_MAX;
  server.on("connection", (socket: Socket) => socket.setKeepAlive(true, TCP_PROBE_MS));
}

/** What is not HTTP gets an answer that is, and no more of our time. */
function rejectSocket(socket: Socket): void {
  if (socket.writable) {
    const body = "{}";
    socket.write(
      `HTTP/1.1 400 Bad Request\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}

export function noRoute(): RefusedRequestError {
  return new RefusedRequestError("BadRequest", "there is no such route");
}

function badUrl(): RefusedRequestError {
  return new RefusedRequestError("BadRequest", "the URL is not one of this protocol");
}

/** Reads what a refused sender still sends, for a while, so that it gets to read the refusal. */
export function lingerOver(raw: IncomingMessage, response: ServerResponse): void {
  raw.resume();
  const timer = setTimeout(() => raw.destroy(), LINGER_MS);
  response.once("close", () => {
    if (raw.complete) clearTimeout(timer);
  });
  raw.once("close", () => clearTimeout(timer));
}
