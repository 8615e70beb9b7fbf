// The S3 port. Fastify carries the server and answers the health checks; every other request goes, untouched, to the
// pipeline: Fastify never sees it, nor takes time to decode, route or parse anything of it.

import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { fastify } from "fastify";
import type { FastifyInstance } from "fastify";
import { CONNECTIONS_MAX, HTTP_HEAD_BYTES_MAX, LISTEN_BACKLOG } from "../core/limits.ts";
import { findHostBucket } from "./address.ts";
import { ConnectionGuard, errorOfParser, refuseConnection } from "./connection-guard.ts";
import { nextRequestId } from "./exchange.ts";
import { Pipeline } from "./pipeline.ts";
import type { PipelineSettings } from "./pipeline-settings.ts";

/** A certificate chain and its private key, in PEM. */
interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

export interface S3ServerOptions extends PipelineSettings {
  /** HTTPS with this certificate; plain HTTP without. */
  readonly tls?: TlsPair | undefined;
  /** What `/_kintsugi/ready` tells: whether requests can be served. */
  readonly isReady: () => Promise<boolean> | boolean;
}

export interface S3Server {
  /** Port 0 takes a free one. On `socket` where one is given, which is bound. @throws when the address is taken. */
  listen(host: string, port: number, socket?: object): Promise<{ readonly port: number }>;
  /** New connections get the new certificate. */
  setTls(tls: TlsPair): void;
  /** So many connections end with their next answer: their clients come again, and may find another worker. */
  shed(count: number): void;
  /** Takes no new connections, lets requests end within the time given in milliseconds, then cuts them off. */
  close(graceMs: number): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 75_000;
/** How often Node looks for clients that are too slow with their headers. */
const TIMEOUT_CHECK_MS = 5_000;
const HEALTH_PREFIX = "/_kintsugi/";
/** A path that Fastify would have to decode, and may not be able to, is none of ours. */
const HEALTH_TARGET = /^\/_kintsugi\/[^%?]*(?:\?|$)/;
const NOT_FOUND = { status: "not found" } as const;
const REQUEST_ID = "x-amz-request-id";

type RawServer = Server | TlsServer;

/** No route has a schema; loading Fastify's compilers would be a tenth of the time that a start takes. */
const NO_COMPILERS = { buildValidator: noSchema, buildSerializer: noSchema };

function noSchema(): never {
  throw new Error("a route has a schema, and nothing to compile it");
}

export async function openS3Server(options: S3ServerOptions): Promise<S3Server> {
  const pipeline = new Pipeline(options);
  let toShed = 0;
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    schemaController: { compilersFactory: NO_COMPILERS },
    serverFactory: (health) => {
      const serve: Handler = (message, out) => {
        const target = message.url ?? "";
        if (toShed > 0) {
          toShed -= 1;
          out.shouldKeepAlive = false;
        }
        if (isHealthCheck(target, message.headers.host, options.domains)) health(message, out);
        else void pipeline.serve(message, out, target);
      };
      return openRawServer(serve, options.tls);
    },
    clientErrorHandler: (error, socket) => onParserError(pipeline, error, socket),
  });
  app.addHook("onRequest", (_request, reply, done) => {
    reply.header(REQUEST_ID, nextRequestId());
    done();
  });
  addHealthChecks(app, options.isReady);
  await app.ready();
  return {
    ...asS3Server(app, pipeline),
    shed: (count) => (toShed = count),
  };
}

function asS3Server(app: FastifyInstance, pipeline: Pipeline): Omit<S3Server, "shed"> {
  return {
    async listen(host, port, socket) {
      // Node's servers take `handle`; Fastify's types do not name it.
      const address = { host, port, backlog: LISTEN_BACKLOG };
      const place = socket === undefined ? address : { ...address, handle: socket };
      await app.listen(place);
      return { port: (app.server.address() as AddressInfo).port };
    },
    setTls(tls) {
      if ("setSecureContext" in app.server) (app.server as TlsServer).setSecureContext({ ...tls });
    },
    async close(graceMs) {
      pipeline.beginClosing();
      const cutOff = setTimeout(() => app.server.closeAllConnections(), graceMs);
      await app.close();
      clearTimeout(cutOff);
    },
  };
}

type Handler = (message: IncomingMessage, out: ServerResponse) => void;

function openRawServer(handler: Handler, tls: TlsPair | undefined): RawServer {
  const settings = {
    maxHeaderSize: HTTP_HEAD_BYTES_MAX,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // A body may take as long as it makes progress: see RequestBody.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    noDelay: true,
    // A request without a Host is refused by the pipeline, in S3's words and with an id.
    requireHostHeader: false,
  };
  const server: RawServer =
    tls === undefined
      ? createServer(settings, handler)
      : createTlsServer({ ...settings, cert: tls.cert, key: tls.key }, handler);
  server.maxConnections = CONNECTIONS_MAX;
  // Headers beyond a count would be dropped without a word, signed ones too; their bytes are bounded already.
  server.maxHeadersCount = 0;
  // With these listeners nothing is sent on its own: 100-continue waits for the signature, other expectations for nothing.
  server.on("checkContinue", handler);
  server.on("checkExpectation", handler);
  const guard = new ConnectionGuard();
  server.on("connection", (socket: Socket) => guard.admit(socket));
  return server;
}

/** A request that turns out to be broken is refused by the pipeline; what is no request at all is answered here. */
function onParserError(pipeline: Pipeline, error: Error, socket: Socket): void {
  const refusal = errorOfParser(error);
  if (!pipeline.refuseRest(socket, refusal)) refuseConnection(socket, refusal);
}

function isHealthCheck(
  target: string,
  host: string | undefined,
  domains: readonly string[],
): boolean {
  // Below a bucket's own host name the same path is a key.
  return HEALTH_TARGET.test(target) && findHostBucket(host, domains) === undefined;
}

function addHealthChecks(app: FastifyInstance, isReady: () => Promise<boolean> | boolean): void {
  // Load balancers ask with HEAD too.
  const method = ["GET", "HEAD"];
  app.route({
    method,
    url: `${HEALTH_PREFIX}live`,
    handler: (_request, reply) => reply.send({ status: "live" }),
  });
  app.route({
    method,
    url: `${HEALTH_PREFIX}ready`,
    handler: async (_request, reply) => {
      const ready = await isReady();
      return reply.code(ready ? 200 : 503).send({ status: ready ? "ready" : "not ready" });
    },
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(NOT_FOUND));
  // Nobody asks with a body; what comes with one is not looked at.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
}
