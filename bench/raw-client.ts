// One keep-alive HTTP/1.1 connection over a bare socket: the least a client can cost, so that on a machine shared with
// the server the server's work is what is measured. Sends one request at a time.

import { connect, type Socket } from "node:net";

export interface RawResponse {
  readonly status: number;
  readonly bodyBytes: number;
  /** Only where it was asked for; otherwise empty. */
  readonly body: Buffer;
  readonly headers: string;
}

export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly body?: Buffer;
  readonly keepBody?: boolean;
}

interface Pending {
  readonly resolve: (response: RawResponse) => void;
  readonly reject: (error: Error) => void;
  readonly keepBody: boolean;
}

const HEAD_END = Buffer.from("\r\n\r\n");

export class RawClient {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #pending: Pending | undefined;
  #head: Buffer = Buffer.alloc(0);
  #status = 0;
  #headers = "";
  /** Bytes of the body still to come; -1 before the head is complete, -2 while it is chunked. */
  #left = -1;
  #bodyBytes = 0;
  #kept: Buffer[] = [];

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  send(request: RawRequest): Promise<RawResponse> {
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject, keepBody: request.keepBody ?? false };
      this.#left = -1;
      this.#bodyBytes = 0;
      this.#kept = [];
      const socket = (this.#socket ??= this.#open());
      const length = request.body?.length ?? 0;
      const lengthLine =
        length > 0 || request.method !== "GET" ? `content-length: ${length}\r\n` : "";
      const head = `${request.method} ${request.target} HTTP/1.1\r\nhost: ${this.#host}:${this.#port}\r\n${lengthLine}\r\n`;
      if (!request.body) {
        socket.write(head);
        return;
      }
      socket.cork();
      socket.write(head);
      socket.write(request.body);
      socket.uncork();
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #open(): Socket {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed the connection")));
    return socket;
  }

  #fail(error: Error): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#head = Buffer.alloc(0);
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(error);
  }

  #take(chunk: Buffer): void {
    let rest = chunk;
    if (this.#left === -1) {
      const joined = this.#head.length > 0 ? Buffer.concat([this.#head, chunk]) : chunk;
      const end = joined.indexOf(HEAD_END);
      if (end < 0) {
        this.#head = joined;
        return;
      }
      this.#head = Buffer.alloc(0);
      this.#readHead(joined.toString("latin1", 0, end));
      rest = joined.subarray(end + HEAD_END.length);
    }
    if (this.#left === -2) this.#takeChunked(rest);
    else this.#takeCounted(rest);
  }

  #readHead(head: string): void {
    this.#headers = head;
    this.#status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (length) this.#left = Number(length[1]);
    else this.#left = /\r\ntransfer-encoding: *chunked/i.test(head) ? -2 : 0;
    if (this.#status === 204 || this.#status === 304) this.#left = 0;
  }

  #takeCounted(bytes: Buffer): void {
    this.#left -= bytes.length;
    this.#bodyBytes += bytes.length;
    if (this.#pending?.keepBody === true) this.#kept.push(Buffer.from(bytes));
    if (this.#left === 0) this.#finish();
    else if (this.#left < 0) this.#fail(new Error("more bytes came than were announced"));
  }

  /** Chunked answers are rare (pages of a listing) and kept whole until their end is seen. */
  #takeChunked(bytes: Buffer): void {
    this.#kept.push(Buffer.from(bytes));
    const all = Buffer.concat(this.#kept);
    if (!all.subarray(-5).equals(Buffer.from("0\r\n\r\n"))) return;
    const parts: Buffer[] = [];
    for (let at = 0; ;) {
      const lineEnd = all.indexOf("\r\n", at);
      const size = Number.parseInt(all.toString("latin1", at, lineEnd), 16);
      if (!(size > 0)) break;
      parts.push(all.subarray(lineEnd + 2, lineEnd + 2 + size));
      at = lineEnd + 2 + size + 2;
    }
    this.#kept = parts;
    this.#bodyBytes = parts.reduce((sum, part) => sum + part.length, 0);
    this.#finish();
  }

  #finish(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    const closes = /\r\nconnection: *close/i.test(this.#headers);
    if (closes) {
      this.#socket?.removeAllListeners("close");
      this.#socket?.destroy();
      this.#socket = undefined;
    }
    pending?.resolve({
      status: this.#status,
      bodyBytes: this.#bodyBytes,
      body: Buffer.concat(this.#kept),
      headers: this.#headers,
    });
  }
}
