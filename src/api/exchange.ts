// One request and its answer, from arrival to log line: what the steps of the pipeline note down for each other.

import type { IncomingMessage, ServerResponse } from "node:http";
import { randomBytes } from "node:crypto";
import { TLSSocket } from "node:tls";
import type { Connection } from "./access/condition-keys.ts";
import { RequestBody } from "./request-body.ts";

/** A client that sends next to nothing of a body for this long is given up. */
const BODY_IDLE_MS = 60_000;

/** Differs from process to process, so that ids of several gateways do not meet. */
const PROCESS_PREFIX = randomBytes(4).toString("hex").toUpperCase();
const HOST_ID = randomBytes(36).toString("base64");
let exchangeCount = 0;

export class Exchange {
  readonly message: IncomingMessage;
  readonly out: ServerResponse;
  /** The second word of the request line, as sent. */
  readonly requestTarget: string;
  readonly requestId: string;
  readonly hostId = HOST_ID;
  /** What policies may ask about the connection: as it was when the request came, for one that has ended says nothing any more. */
  readonly connection: Connection;
  /** For the log; empty until the router has chosen. */
  operationName = "";
  /** For the log; empty until the signature has been checked. */
  accountName = "";
  sentBytes = 0;
  /** What further answers to this request carry, whichever they are. */
  #addedHeaders: Readonly<Record<string, string>> | undefined;
  /** The parser has given up on the connection: nothing more can be read from it. */
  isBroken = false;
  /** Made when it is asked for: most requests have none. */
  #body: RequestBody | undefined;

  constructor(message: IncomingMessage, out: ServerResponse, requestTarget: string) {
    this.message = message;
    this.out = out;
    this.requestTarget = requestTarget;
    this.requestId = nextRequestId();
    this.connection = connectionOf(message);
  }

  get body(): RequestBody {
    this.#body ??= new RequestBody(this.message, {
      beforeFirstRead: () => this.#continue(),
      idleMs: BODY_IDLE_MS,
    });
    return this.#body;
  }

  /** Of the body, so far. */
  get receivedBytes(): number {
    return this.#body?.receivedBytes ?? 0;
  }

  /** The path as it was sent, without the query: queries carry signatures. */
  get resource(): string {
    const mark = this.requestTarget.indexOf("?");
    return mark === -1 ? this.requestTarget : this.requestTarget.slice(0, mark);
  }

  /** Whether the request came over TLS. */
  get isSecure(): boolean {
    return this.connection.isSecure;
  }

  /** What every answer carries. */
  commonHeaders(): Record<string, string> {
    const common = {
      "x-amz-request-id": this.requestId,
      "x-amz-id-2": this.hostId,
      server: "Kintsugi",
    };
    return this.#addedHeaders === undefined ? common : { ...common, ...this.#addedHeaders };
  }

  /** Lower-case names, sendable values: from now on every answer carries them, errors too. */
  addHeaders(headers: Readonly<Record<string, string>>): void {
    this.#addedHeaders = { ...this.#addedHeaders, ...headers };
  }

  #continue(): void {
    const expect = this.message.headers.expect;
    if (expect?.toLowerCase() === "100-continue" && !this.out.headersSent) this.out.writeContinue();
  }
}

function connectionOf({ socket }: IncomingMessage): Connection {
  const tls = socket instanceof TLSSocket ? socket : undefined;
  return {
    isSecure: tls !== undefined,
    tlsVersion: tls?.getProtocol() ?? undefined,
    remoteAddress: socket.remoteAddress,
  };
}

/** Sixteen hex digits, upper case, as S3's are. */
export function nextRequestId(): string {
  exchangeCount = (exchangeCount + 1) % 0x1_00_00_00_00;
  return PROCESS_PREFIX + exchangeCount.toString(16).toUpperCase().padStart(8, "0");
}
