// One request to a data node and its answer, over undici's dispatcher.
// Invariant: after an exchange has settled, by answer, error or abort, it touches no memory of its caller.

import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import { ANSWER_BYTES_MAX, PROOF_HEADER, PROTOCOL_HEADER, PROTOCOL_VERSION } from "./protocol.ts";
import { ShardError } from "./shard-store.ts";

export interface ExchangeRequest {
  readonly method: "DELETE" | "GET" | "POST";
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
}

export interface ExchangeAnswer {
  readonly status: number;
  readonly proof: string;
  readonly body: Uint8Array;
}

/** The node could not be asked, or did not answer to the end. */
export class ConnectionError extends ShardError {
  constructor(message: string, cause?: unknown) {
    super("Unavailable", message, { cause });
    this.name = "ConnectionError";
  }
}

export class Exchange implements Dispatcher.DispatchHandler {
  /** Rejects with a ShardError. */
  readonly answer: Promise<ExchangeAnswer>;
  #resolve: (answer: ExchangeAnswer) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #abortedBy: Error | undefined;
  #isSettled = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #pieces: Uint8Array[] = [];

  constructor(dispatcher: Dispatcher, request: ExchangeRequest) {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { method, path, headers, body = null } = request;
    dispatcher.dispatch({ method, path, headers, body, ...TIMERS_OFF }, this);
  }

  /** Ends it: the answer rejects with `error` and the connection is closed. */
  abort(error: Error): void {
    if (this.#isSettled) return;
    this.#abortedBy = error;
    this.#settle();
    this.#reject(error);
    this.#controller?.abort(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Given up while it waited for a connection.
    if (this.#abortedBy !== undefined) controller.abort(this.#abortedBy);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (this.#isSettled || status < 200) return;
    this.#status = status;
    this.#headers = headers;
    const failure = checkHead(headers);
    if (failure !== undefined) this.abort(failure);
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Uint8Array): void {
    if (this.#isSettled) return;
    this.#pieces.push(piece);
  }

  onResponseEnd(): void {
    if (this.#isSettled) return;
    const pieces = this.#pieces;
    this.#settle();
    this.#resolve({
      status: this.#status,
      proof: headerText(this.#headers, PROOF_HEADER),
      body: Buffer.concat(pieces),
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isSettled) return;
    this.#settle();
    this.#reject(new ConnectionError(`the connection failed: ${error.message}`, error));
  }

  #settle(): void {
    this.#isSettled = true;
    this.#pieces = [];
  }
}

// Deadlines are the callers': undici's timers are coarse and see only silence, not slowness.
const TIMERS_OFF = { headersTimeout: 0, bodyTimeout: 0 } as const;

/** What is wrong with the head of an answer. */
function checkHead(headers: IncomingHttpHeaders): ShardError | undefined {
  const protocol = headerText(headers, PROTOCOL_HEADER);
  if (protocol !== PROTOCOL_VERSION) {
    const what = protocol === "" ? "no data node" : `a data node of protocol ${protocol}`;
    return new ConnectionError(`what answers there is ${what}; ${PROTOCOL_VERSION} is needed`);
  }
  const length = Number(headers["content-length"]);
  if (!(length <= ANSWER_BYTES_MAX)) {
    return new ConnectionError("the node's answer has no length, or is too large");
  }
  return undefined;
}

function headerText(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : "";
}
