// The admin port: a small HTTP server of its own, so that a busy S3 port holds up no question about how things are. For
// every request in this order: route, proof, body, work. All answers are JSON, but for the metrics and the page's files.
// Invariant: nothing of a body is read, and no work is done, for a request that is not proven.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import { readWireRequest } from "../auth/read-wire-request.ts";
import type { WireRequest } from "../core/wire-request.ts";
import type { Logger } from "../telemetry/logger.ts";
import { assert } from "../util/assert.ts";
import type { Clock } from "../util/clock.ts";
import type { AdminAccess } from "./admin-access.ts";
import { AdminError, toAdminError } from "./admin-error.ts";
import { readBody } from "./admin-request.ts";
import type { AdminContext, AdminRoute } from "./admin-route.ts";
import { ADMIN_ROUTES } from "./admin-routes.ts";
import { BrowserSessions, namesSession } from "./browser-sessions.ts";
import { findPageFile, sendPageFile } from "./page-files.ts";
import { ReplayGuard } from "./replay-guard.ts";
import { sendJson } from "./send-json.ts";
import { SignInLimit } from "./sign-in-limit.ts";

/** A certificate chain and its private key, in PEM. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

export interface AdminServerOptions {
  readonly context: Omit<AdminContext, "closing" | "sessions">;
  readonly access: AdminAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  /** HTTPS with this certificate; plain HTTP without. */
  readonly tls: TlsPair | undefined;
}

export interface AdminServer {
  /** Port 0 takes a free one. @throws when the address is taken. */
  listen(host: string, port: number): Promise<{ readonly port: number }>;
  /** New connections get the new certificate. */
  setTls(tls: TlsPair): void;
  /** Ends jobs under way and all connections. */
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 128;
const HEAD_BYTES_MAX = 16 * 1024;
const HEADERS_MS_MAX = 10_000;
/** Bodies are small. What is answered after that may take as long as it makes progress. */
const REQUEST_MS_MAX = 30_000;
const KEEP_ALIVE_MS = 5_000;
const TIMEOUT_CHECK_MS = 2_000;
/** Nothing of an answer is for a cache, for being looked at as something else, or for another site's page. */
const SAFE_HEADERS = [
  ["cache-control", "no-store"],
  ["x-content-type-options", "nosniff"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"],
  ["x-frame-options", "DENY"],
  ["cross-origin-resource-policy", "same-origin"],
  ["referrer-policy", "no-referrer"],
] as const;
/** How long the rest of a refused body is read, so that the refusal is not lost in a reset. */
const LINGER_MS_MAX = 2_000;

export function openAdminServer(options: AdminServerOptions): AdminServer {
  const desk = new AdminDispatcher(options);
  const { tls } = options;
  const settings = {
    maxHeaderSize: HEAD_BYTES_MAX,
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  };
  const handler = (message: IncomingMessage, out: ServerResponse): void =>
    void desk.serve(message, out);
  const server: Server | TlsServer =
    tls === undefined
      ? createServer(settings, handler)
      : createTlsServer({ ...settings, cert: tls.cert, key: tls.key }, handler);
  server.maxConnections = CONNECTIONS_MAX;
  // Headers beyond a count would be dropped without a word, signed ones too; their bytes are bounded already.
  server.maxHeadersCount = 0;
  // With these listeners nothing is sent on its own: 100-continue waits for the proof, other expectations for nothing.
  server.on("checkContinue", handler);
  server.on("checkExpectation", handler);
  server.on("clientError", (error: Error & { code?: string }, socket: Socket) =>
    refuseConnection(socket, error.code),
  );
  return {
    listen: (host, port) => listen(server, host, port),
    setTls: (pair) => {
      if ("setSecureContext" in server) server.setSecureContext({ ...pair });
    },
    close: () =>
      new Promise((resolve) => {
        desk.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Exchange {
  readonly message: IncomingMessage;
  readonly out: ServerResponse;
}

class AdminDispatcher {
  readonly #options: AdminServerOptions;
  readonly #context: AdminContext;
  readonly #replays: ReplayGuard;
  readonly #signIns: SignInLimit;
  readonly #closing = new AbortController();

  constructor(options: AdminServerOptions) {
    this.#options = options;
    const { context, clock } = options;
    const sessions = new BrowserSessions(clock, context.facts.clusterId);
    this.#context = { ...context, sessions, closing: this.#closing.signal };
    this.#replays = new ReplayGuard(clock);
    this.#signIns = new SignInLimit(clock);
  }

  /** Never rejects. */
  async serve(message: IncomingMessage, out: ServerResponse): Promise<void> {
    for (const [name, value] of SAFE_HEADERS) out.setHeader(name, value);
    out.on("error", () => out.destroy());
    try {
      await this.#answer(message, out);
    } catch (error) {
      this.#refuse(message, out, error);
    }
  }

  close(): void {
    this.#closing.abort();
  }

  async #answer(message: IncomingMessage, out: ServerResponse): Promise<void> {
    const request = readWireRequest(message, message.url ?? "");
    const file = findPageFile(request);
    if (file !== undefined) {
      message.resume();
      await sendPageFile(file, out);
      return;
    }
    const route = findRoute(request);
    const body = await this.#admit(route, request, { message, out });
    const query = readQuery(route, request);
    await route.handle({ context: this.#context, request, query, body, out });
  }

  /** Resolves to the body. @throws AdminError */
  async #admit(route: AdminRoute, request: WireRequest, parts: Exchange): Promise<Buffer> {
    const { message, out } = parts;
    const sha256Hex = this.#prove(route, request, message.socket.remoteAddress ?? "");
    if (sha256Hex === undefined) {
      message.resume();
      return Buffer.alloc(0);
    }
    if (message.headers.expect?.toLowerCase() === "100-continue") out.writeContinue();
    const body = await readBody(message, sha256Hex);
    if (route.method === "POST") this.#replays.take(request.headers.get("authorization") ?? "");
    return body;
  }

  /** What the body's SHA-256 must be, in hex; undefined where no body is looked at. @throws AdminError without proof */
  #prove(route: AdminRoute, request: WireRequest, address: string): string | undefined {
    const { access } = this.#options;
    const { sessions } = this.#context;
    if (route.access === "public") return undefined;
    const isByBrowser = route.method === "GET" && namesSession(request);
    if (route.access === "session" || isByBrowser) {
      sessions.admit(request);
      return undefined;
    }
    if (route.access === "root") return this.#proveSigned(route, request, address);
    access.admitToMetrics(request);
    return undefined;
  }

  #proveSigned({ isSignIn }: AdminRoute, request: WireRequest, address: string): string {
    if (isSignIn !== true) return this.#options.access.admit(request);
    this.#signIns.check(address);
    try {
      return this.#options.access.admit(request);
    } catch (error) {
      this.#signIns.failed(address);
      throw error;
    }
  }

  #refuse(message: IncomingMessage, out: ServerResponse, error: unknown): void {
    const known = toAdminError(error);
    if (known.status >= 500) {
      const { method, url } = message;
      this.#options.logger.error(
        { err: error, method, path: pathOf(url) },
        "an admin request failed",
      );
    }
    if (out.headersSent) {
      // An answer that has begun and cannot go on must not look whole; one that said so itself has ended.
      if (!out.writableEnded) out.destroy();
      return;
    }
    if (!message.complete) {
      out.setHeader("connection", "close");
      message.resume();
      const timer = setTimeout(() => message.destroy(), LINGER_MS_MAX);
      message.once("close", () => clearTimeout(timer));
    }
    sendJson(out, known.status, { code: known.code, message: known.message });
  }
}

/** @throws AdminError 404 or 405 */
function findRoute(request: WireRequest): AdminRoute {
  const here = ADMIN_ROUTES.filter(({ path }) => path === request.rawPath);
  const route = here.find(({ method }) => method === request.method);
  if (route !== undefined) return route;
  if (here.length === 0) throw new AdminError(404, "NotFound", "there is nothing of that name");
  const methods = here.map(({ method }) => method).join(", ");
  throw new AdminError(405, "MethodNotAllowed", `${request.rawPath} takes ${methods} only`);
}

/** @throws AdminError for what the route does not take, or takes once. */
function readQuery({ path, schema }: AdminRoute, request: WireRequest): Map<string, string> {
  const names = schema.query ?? {};
  if (request.rawQuery !== "" && schema.query === undefined) {
    throw new AdminError(400, "InvalidArgument", `${path} takes no query`);
  }
  const query = new Map<string, string>();
  for (const { name, value } of request.query) {
    const words = Object.hasOwn(names, name) ? "stands twice in" : "is nothing for";
    if (!Object.hasOwn(names, name) || query.has(name)) {
      throw new AdminError(400, "InvalidArgument", `${name.slice(0, 100)} ${words} the query`);
    }
    query.set(name, value);
  }
  return query;
}

function pathOf(url: string | undefined): string | undefined {
  return url?.split("?", 1)[0];
}

function listen(
  server: Server | TlsServer,
  host: string,
  port: number,
): Promise<{ readonly port: number }> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      const address = server.address();
      assert(typeof address === "object" && address !== null, "a TCP server has an address");
      resolve({ port: address.port });
    });
  });
}

/** The parser gave up on what a client sent. */
function refuseConnection(socket: Socket, code: string | undefined): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const isTooLarge = code === "HPE_HEADER_OVERFLOW";
  const status = isTooLarge ? "431 Request Header Fields Too Large" : "400 Bad Request";
  const body = JSON.stringify({
    code: isTooLarge ? "RequestHeaderSectionTooLarge" : "BadRequest",
    message: "the request is not HTTP as it should be",
  });
  const head = [
    `HTTP/1.1 ${status}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS_MAX);
  socket.once("close", () => clearTimeout(timer));
  socket.resume();
}
