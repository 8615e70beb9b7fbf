// One S3 request, top to bottom: wire, address, operation, authentication, bucket, body, work, answer. Errors of every
// step are turned into S3's error document here and nowhere else.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ANONYMOUS } from "../auth/anonymous.ts";
import { authenticateOrAnonymous } from "../auth/authenticate.ts";
import type { Authentication, PayloadPlan } from "../auth/authenticate.ts";
import { withHoistedHeaders } from "../auth/hoisted-headers.ts";
import { readWireRequest } from "../auth/read-wire-request.ts";
import { S3Error } from "../core/s3-error.ts";
import type { WireRequest } from "../core/wire-request.ts";
import { isOwnMachine } from "../util/own-machine.ts";
import { TurnBatch } from "../util/turn-batch.ts";
import { checkActions, enterOperation } from "./access/enter-operation.ts";
import { RequestAccess } from "./access/request-access.ts";
import { resolveAddress } from "./address.ts";
import type { Address } from "./address.ts";
import { AnswerTurns } from "./answer-turns.ts";
import { BucketSettings } from "./bucket-settings.ts";
import { readXmlBody } from "./body/xml-body.ts";
import { endConnection } from "./connection-guard.ts";
import { bringsKey, insecureKey } from "./encryption-headers.ts";
import { corsOfRequest } from "./cors/cors-of-request.ts";
import { endExchange, hasArrived } from "./end-exchange.ts";
import { Exchange } from "./exchange.ts";
import { awaitLongWork } from "./long-answer.ts";
import type { Operation, OperationContext, S3Request, S3Response } from "./operation.ts";
import { OPERATIONS } from "./operations/index.ts";
import { errorResponse, toS3Error } from "./render-error.ts";
import { CHARGED_HEADERS } from "./request-payment.ts";
import type { PipelineSettings } from "./pipeline-settings.ts";
import { RequestContext } from "./request-context.ts";
import type { ContextParts, ContextServices } from "./request-context.ts";
import { matchOperation } from "./router.ts";
import { sendResponse } from "./send-response.ts";

/** Some milliseconds of work. */
const STARTS_PER_TURN = 32;

export class Pipeline {
  readonly #settings: PipelineSettings;
  readonly #services: ContextServices;
  /**
   * What is being answered on each connection that has asked for something: one exchange, more where a client does not
   * wait for answers, none between requests. Connections come and go in it, not exchanges: V8 makes the table of a map
   * that changes all the time anew again and again, each names the next one, and once one of them is old, garbage
   * collection keeps what the later ones named.
   */
  readonly #active = new Map<Duplex, Exchange[]>();
  readonly #turns = new AnswerTurns();
  readonly #batch = new TurnBatch(STARTS_PER_TURN);
  #isClosing = false;

  constructor(settings: PipelineSettings) {
    checkActions(OPERATIONS);
    this.#settings = settings;
    this.#services = { server: settings, settings: new BucketSettings(settings.store) };
  }

  /** Answers one request. Never rejects. `requestTarget` is the second word of the request line, as sent. */
  async serve(message: IncomingMessage, out: ServerResponse, requestTarget: string): Promise<void> {
    const exchange = new Exchange(message, out, requestTarget);
    const { clock, counts } = this.#settings;
    const startedAt = clock.monotonic();
    let answeredAt: number | undefined;
    const { socket } = message;
    this.#enter(socket, exchange);
    const mayBegin = this.#turnOf(out, socket);
    if (mayBegin !== true && !(await mayBegin)) {
      this.#leave(socket, exchange);
      return;
    }
    counts?.begin();
    try {
      exchange.sentBytes = await this.#answer(exchange);
      // What is left of a refused body is read away after that, which is nobody's waiting.
      answeredAt = clock.monotonic();
      // An answer that began before the closing has promised to keep its connection: nobody else would end that.
      if (this.#isClosing) out.once("close", () => message.socket.destroySoon());
      await endExchange(exchange);
    } catch (error) {
      this.#cutOff(exchange, error);
    } finally {
      this.#leave(socket, exchange);
      const durationMs = (answeredAt ?? clock.monotonic()) - startedAt;
      const { operationName, sentBytes, receivedBytes } = exchange;
      counts?.end({ operationName, status: out.statusCode, durationMs, receivedBytes, sentBytes });
      this.#log(exchange, durationMs);
    }
  }

  /**
   * The parser gave up on a connection. What it had given us of a broken request is refused; a whole request before it
   * still gets its answer. False when nothing is being answered there.
   */
  refuseRest(socket: Socket, error: S3Error): boolean {
    const last = this.#active.get(socket)?.at(-1);
    if (last === undefined) return false;
    // The parser says so again of every further packet.
    if (last.isBroken) return true;
    if (!last.message.complete) last.body.fail(error);
    last.isBroken = true;
    last.out.once("finish", () => endConnection(socket));
    return true;
  }

  /** From now on every answer is the last one of its connection. */
  beginClosing(): void {
    this.#isClosing = true;
  }

  /** Whether the request is to be answered, once it may begin: not where the connection has ended meanwhile. */
  #turnOf(out: ServerResponse, socket: Duplex): true | Promise<boolean> {
    if (out.socket === null) return this.#turns.comes(out, socket);
    const turn = this.#batch.turn();
    return turn === undefined || turn.then(() => !socket.destroyed);
  }

  /** Not where the connection has ended: nobody would take it away again, and no parser will complain. */
  #enter(socket: Duplex, exchange: Exchange): void {
    const others = this.#active.get(socket);
    if (others !== undefined) others.push(exchange);
    else if (!socket.destroyed) {
      this.#active.set(socket, [exchange]);
      socket.once("close", () => this.#active.delete(socket));
    }
  }

  #leave(socket: Duplex, exchange: Exchange): void {
    const all = this.#active.get(socket);
    const at = all?.indexOf(exchange) ?? -1;
    if (at >= 0) all?.splice(at, 1);
  }

  async #answer(exchange: Exchange): Promise<number> {
    try {
      this.#checkServing();
      const response = await this.#work(exchange);
      if (typeof response === "number") return response;
      return await this.#send(exchange, response, () => this.#checkServing());
    } catch (error) {
      if (exchange.out.headersSent) throw error;
      const told = this.#refusal() ?? error;
      return this.#send(exchange, errorResponse(this.#note(exchange, told), exchange));
    }
  }

  #checkServing(): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) throw refusal;
  }

  #refusal(): S3Error | undefined {
    if (this.#settings.isServing?.() !== false) return undefined;
    const message = "This server does not know whether it still is the one in charge. Try again.";
    return new S3Error("ServiceUnavailable", { message });
  }

  async #send(exchange: Exchange, response: S3Response, beforeHead?: () => void): Promise<number> {
    const common = exchange.commonHeaders();
    const { message } = exchange;
    const isLast = this.#isClosing || !(message.complete || (await hasArrived(message)));
    return sendResponse(
      exchange.out,
      response,
      isLast ? { ...common, connection: "close" } : common,
      beforeHead,
    );
  }

  /** Everything between the wire and the answer. Authentication comes before anything of the body. */
  async #work(exchange: Exchange): Promise<S3Response | number> {
    const sent = readWireRequest(exchange.message, exchange.requestTarget);
    const address = resolveAddress(sent, this.#settings.domains);
    const wire = withHoistedHeaders(sent);
    await this.#addCors(exchange, wire, address);
    const operation = matchOperation(wire, address.target);
    exchange.operationName = operation.name;
    const authentication =
      operation.isOpen === true
        ? ANONYMOUS
        : authenticateOrAnonymous(sent, this.#settings.auth, address.hostBucket);
    exchange.accountName = authentication.account.name;
    checkPayloadPlan(operation, authentication.payload);
    const access = this.#openAccess(wire, authentication, exchange);
    const bucket = await enterOperation(access, operation, wire, address);
    const xml = await readXml(operation, wire, authentication.payload, exchange);
    const { bucketName, key } = address;
    const { method, rawPath, rawQuery, query, headers, rawHeaders } = wire;
    const { isSecure } = exchange;
    // Written out: spreading costs many times as much.
    const request: S3Request = {
      method,
      rawPath,
      rawQuery,
      query,
      headers,
      rawHeaders,
      bucketName,
      key,
      xml,
      isSecure,
    };
    const context = this.#openContext({ exchange, request, authentication, access, bucket });
    const work = operation.execute(context, request);
    if (operation.mayTakeLong !== true) return work;
    return awaitLongWork(exchange.out, work, {
      common: exchange.commonHeaders(),
      place: exchange,
      onError: (error) => this.#note(exchange, error),
    });
  }

  /** Before anything can be refused: a page of another origin is to see why. */
  async #addCors(exchange: Exchange, request: WireRequest, address: Address): Promise<void> {
    if (!request.headers.has("origin")) return;
    const sources = { store: this.#settings.store, settings: this.#services.settings };
    exchange.addHeaders(await corsOfRequest(sources, request, address.bucketName));
  }

  #openAccess(
    request: WireRequest,
    authentication: Authentication,
    exchange: Exchange,
  ): RequestAccess {
    const { store, clock, region } = this.#settings;
    const { settings } = this.#services;
    return new RequestAccess({
      store,
      settings,
      clock,
      region,
      authentication,
      request,
      connection: exchange.connection,
      onCharged: () => exchange.addHeaders(CHARGED_HEADERS),
    });
  }

  /** @throws S3Error InvalidRequest for a key of the client's that others could have read on its way */
  #openContext(parts: ContextParts): OperationContext {
    const { exchange, request } = parts;
    if (bringsKey(request.headers) && !this.#isPrivate(exchange)) throw insecureKey();
    return new RequestContext(this.#services, parts, (form) => {
      exchange.accountName = form.authentication.account.name;
      const access = this.#openAccess(form.request, form.authentication, exchange);
      return this.#openContext({ ...parts, ...form, access });
    });
  }

  /** Whether nobody between client and server can read the request. */
  #isPrivate({ connection }: Exchange): boolean {
    const { isSecure, remoteAddress } = connection;
    return isSecure || this.#settings.takesKeysOverHttp === true || isOwnMachine(remoteAddress);
  }

  /** Logs what is our fault. */
  #note(exchange: Exchange, error: unknown): S3Error {
    const known = toS3Error(error);
    if (known.status >= 500 && known.code !== "NotImplemented" && !exchange.out.destroyed) {
      const { requestId, operationName: operation } = exchange;
      this.#settings.logger.error({ requestId, operation, err: error }, "a request failed");
    }
    return known;
  }

  /** An answer that has begun and cannot go on must not look whole. */
  #cutOff(exchange: Exchange, error: unknown): void {
    this.#note(exchange, error);
    exchange.out.destroy();
  }

  /** The path alone: a query may hold a signature. */
  #log(exchange: Exchange, durationMs: number): void {
    const { logger } = this.#settings;
    if (!logger.isLevelEnabled("info")) return;
    const { message, out } = exchange;
    logger.info(
      {
        requestId: exchange.requestId,
        method: message.method,
        path: exchange.resource,
        operation: exchange.operationName,
        account: exchange.accountName,
        status: out.statusCode,
        receivedBytes: exchange.receivedBytes,
        sentBytes: exchange.sentBytes,
        durationMs: Math.round(durationMs),
        remote: exchange.connection.remoteAddress,
        isWhole: !out.destroyed || out.writableFinished,
      },
      "request",
    );
  }
}

/** A streamed payload is for uploads: no other operation would check its chunks. */
function checkPayloadPlan(operation: Operation, payload: PayloadPlan): void {
  if (payload.kind === "chunked" && operation.body !== "object") {
    throw new S3Error("InvalidRequest", {
      message: `${operation.name} does not take a streamed payload.`,
    });
  }
}

async function readXml(
  operation: Operation,
  request: WireRequest,
  payload: PayloadPlan,
  exchange: Exchange,
): Promise<string> {
  if (operation.body !== "xml") return "";
  const isDigestRequired = operation.isDigestRequired === true;
  const body = operation.hasObjectChecksum === true ? withoutChecksums(request) : request;
  return readXmlBody({ request: body, payload, source: exchange.body, isDigestRequired });
}

function withoutChecksums(request: WireRequest): WireRequest {
  const headers = [...request.headers].filter(([name]) => !name.startsWith("x-amz-checksum-"));
  return { ...request, headers: new Map(headers) };
}
