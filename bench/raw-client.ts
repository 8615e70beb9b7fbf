// One keep-alive HTTP/1.1 connection over a bare socket: the least a client can cost, so that on a machine shared with
// the server the server's work is what is measured. Writes bytes that were prepared, and reads only the status line, the
// length and the framing of what comes back. One request at a time.

import { connect, type Socket } from "node:net";
import { ChunkedBody } from "./chunked-body.ts";

export interface RawResponse {
  readonly status: number;
  readonly bodyBytes: number;
  /** Only where it was asked for; otherwise empty. */
  readonly body: Buffer;
  readonly headers: string;
}

/** A request as it goes over the wire. */
export interface WireRequest {
  /** Request line and headers, with the empty line. */
  readonly head: Buffer;
  readonly body?: Buffer | undefined;
  /** The body is sent so many times in a row: bodies larger than memory. */
  readonly repeat?: number | undefined;
  /** Written over the first eight bytes of a small body, so that bodies differ. */
  readonly stamp?: number | undefined;
  readonly keepBody?: boolean | undefined;
}

export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly keepBody?: boolean;
}

interface Pending {
  readonly resolve: (response: RawResponse) => void;
  readonly reject: (error: Error) => void;
  readonly keepBody: boolean;
}

const HEAD_END = Buffer.from("\r\n\r\n");
const EMPTY = Buffer.alloc(0);
/** Smaller bodies are copied behind their head and leave in one write, which costs less than a vectored one. */
const COPIED_BYTES_MAX = 16 * 1024;
/** All connections read into this one: what is in it is used up before the next read. */
const readBuffer = Buffer.alloc(256 * 1024);
const LOOPBACK = "127.0.0.1";
/** As many as there may be clients behind one address: servers take a few thousand connections from each. */
const LOCAL_ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"];
let openedCount = 0;

/** Where the next connection to loopback comes from: elsewhere than on Linux only one address is there. */
function nextLocalAddress(): { readonly localAddress?: string } {
  const count = process.platform === "linux" ? LOCAL_ADDRESSES.length : 1;
  openedCount += 1;
  return { localAddress: LOCAL_ADDRESSES[openedCount % count] ?? LOOPBACK };
}

/** The bytes of a request's head. */
export function wireHead(
  host: string,
  {
    method,
    target,
    headers = {},
    bodyBytes = 0,
  }: Omit<RawRequest, "body"> & { bodyBytes?: number },
): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, `host: ${host}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (bodyBytes > 0 || method !== "GET") lines.push(`content-length: ${bodyBytes}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

export class RawClient {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #pending: Pending | undefined;
  #scratch = EMPTY;
  #head = EMPTY;
  #status = 0;
  #headers = "";
  /** Bytes of the body still to come; -1 before the head is complete. */
  #left = -1;
  #chunked: ChunkedBody | undefined;
  #bodyBytes = 0;
  #kept: Buffer[] = [];

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  send(request: RawRequest): Promise<RawResponse> {
    const { body, keepBody } = request;
    const bodyBytes = body?.length ?? 0;
    const head = wireHead(`${this.#host}:${this.#port}`, { ...request, bodyBytes });
    return this.shoot({ head, body, keepBody });
  }

  /** Sends what was prepared. Rejects where the connection breaks before the answer is complete. */
  shoot(request: WireRequest): Promise<RawResponse> {
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject, keepBody: request.keepBody === true };
      this.#left = -1;
      this.#bodyBytes = 0;
      if (this.#kept.length > 0) this.#kept = [];
      this.#write((this.#socket ??= this.#open()), request);
    });
  }

  close(): void {
    // Reset, for the kernel looks at every one that it still remembers when the next of thousands is opened.
    this.#socket?.resetAndDestroy();
    this.#socket = undefined;
  }

  #write(socket: Socket, { head, body, repeat = 1, stamp }: WireRequest): void {
    if (body === undefined || body.length === 0) {
      socket.write(head);
      return;
    }
    if (body.length <= COPIED_BYTES_MAX && repeat === 1) {
      socket.write(this.#copied(head, body, stamp));
      return;
    }
    socket.cork();
    socket.write(head);
    socket.write(body);
    socket.uncork();
    if (repeat > 1) this.#writeOn(socket, body, repeat - 1);
  }

  /** The scratch is free again once the answer to it is here. */
  #copied(head: Buffer, body: Buffer, stamp: number | undefined): Buffer {
    const length = head.length + body.length;
    if (this.#scratch.length < length) this.#scratch = Buffer.allocUnsafeSlow(length + 256);
    head.copy(this.#scratch);
    body.copy(this.#scratch, head.length);
    if (stamp !== undefined) this.#scratch.writeDoubleLE(stamp, head.length);
    return this.#scratch.subarray(0, length);
  }

  #writeOn(socket: Socket, body: Buffer, times: number): void {
    if (times === 0 || socket.destroyed) return;
    if (socket.writableNeedDrain) socket.once("drain", () => this.#writeOn(socket, body, times));
    else {
      socket.write(body);
      // Not at once: a stack as deep as the body is long.
      setImmediate(() => this.#writeOn(socket, body, times - 1));
    }
  }

  #open(): Socket {
    const socket = connect({
      host: this.#host,
      port: this.#port,
      ...(this.#host === LOOPBACK ? nextLocalAddress() : {}),
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (bytes) => {
          this.#take(readBuffer.subarray(0, bytes));
          return true;
        },
      },
    });
    const broken = (error: Error) => {
      if (this.#socket === socket) this.#fail(error);
    };
    socket.on("error", broken);
    socket.on("close", () => broken(new Error("the server closed the connection")));
    return socket;
  }

  #fail(error: Error): void {
    this.close();
    this.#head = EMPTY;
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
        this.#head = Buffer.from(joined);
        return;
      }
      this.#head = EMPTY;
      this.#readHead(joined.toString("latin1", 0, end));
      rest = joined.subarray(end + HEAD_END.length);
    }
    if (this.#chunked) this.#takeChunked(rest, this.#chunked);
    else this.#takeCounted(rest);
  }

  #readHead(head: string): void {
    this.#headers = head;
    this.#status = Number(head.slice(9, 12));
    this.#chunked = undefined;
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (this.#status === 204 || this.#status === 304) this.#left = 0;
    else if (length) this.#left = Number(length[1]);
    else {
      this.#left = 0;
      if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return;
      this.#chunked = new ChunkedBody((bytes) => this.#note(bytes));
    }
  }

  #note(bytes: Buffer): void {
    this.#bodyBytes += bytes.length;
    // A copy: the buffer is read into again.
    if (this.#pending?.keepBody === true) this.#kept.push(Buffer.from(bytes));
  }

  #takeCounted(bytes: Buffer): void {
    this.#left -= bytes.length;
    this.#note(bytes);
    if (this.#left === 0) this.#finish();
    else if (this.#left < 0) this.#fail(new Error("more bytes came than were announced"));
  }

  #takeChunked(bytes: Buffer, chunked: ChunkedBody): void {
    try {
      if (chunked.feed(bytes)) this.#finish();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #finish(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (/\r\nconnection: *close/i.test(this.#headers)) this.close();
    pending?.resolve({
      status: this.#status,
      bodyBytes: this.#bodyBytes,
      body: this.#kept.length > 0 ? Buffer.concat(this.#kept) : EMPTY,
      headers: this.#headers,
    });
  }
}
