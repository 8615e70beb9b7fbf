// A connection whose bytes go where they are wanted, by the system call that reads them: nothing is buffered, nothing is copied,
// and what nobody wants yet stays in the kernel. Node's streams would put every 64 KiB into new memory first.
// Invariant: once it is closed, it touches no memory of its caller.

import { connect, type Socket, type TcpNetConnectOpts } from "node:net";
import { connect as connectTls } from "node:tls";
import { awakeTimeout } from "../util/awake-timeout.ts";
import { ConnectionError } from "./exchange.ts";

export interface DirectSocketOptions {
  /** `http://host:port`, or https. */
  readonly url: URL;
  readonly connectTimeoutMs: number;
  /** Hears once that it is over, and why. */
  readonly onClose: (error: ConnectionError) => void;
}

/** Hears how many bytes have come. */
type OnBytes = (count: number) => void;

const nothing = (): void => undefined;

export class DirectSocket {
  readonly #socket: Socket;
  // Where a byte goes that comes when reading has just begun again: the kernel must be given some memory before it is known which is
  // wanted. One byte, so that it never takes more than that.
  readonly #spare = Buffer.alloc(1);
  readonly #onClose: (error: ConnectionError) => void;
  #given: Uint8Array = this.#spare;
  #wanted: Uint8Array | undefined;
  #onBytes: OnBytes = nothing;
  #onIdle: () => void = nothing;
  #isReading = true;
  #isClosed = false;

  /** Resolves when it is connected. @throws ConnectionError */
  static open(options: DirectSocketOptions): Promise<DirectSocket> {
    return new Promise((resolve, reject) => {
      let isOpen = false;
      const onClose = (error: ConnectionError): void => {
        if (isOpen) options.onClose(error);
        else reject(error);
      };
      const socket = new DirectSocket({ ...options, onClose }, () => {
        isOpen = true;
        resolve(socket);
      });
    });
  }

  private constructor({ url, connectTimeoutMs, onClose }: DirectSocketOptions, onOpen: () => void) {
    this.#onClose = onClose;
    const { hostname: host } = url;
    const isTls = url.protocol === "https:";
    const options: TcpNetConnectOpts = {
      // IPv6 addresses stand in brackets in a URL.
      host: host.replace(/^\[(.*)\]$/, "$1"),
      port: Number(url.port || (isTls ? 443 : 80)),
      onread: { buffer: () => this.#next(), callback: (count) => this.#arrived(count) },
    };
    const servername = /^[\d.]+$|:/.test(options.host ?? "") ? {} : { servername: host };
    this.#socket = isTls ? connectTls({ ...options, ...servername }) : connect(options);
    this.#socket.on("timeout", () => this.#onIdle());
    const timeout = awakeTimeout(connectTimeoutMs, () => {
      // What has come while this process was busy is looked at first.
      setImmediate(() => {
        if (!isOpen) this.#fail("it does not answer in time");
      });
    });
    let isOpen = false;
    this.#socket.once(isTls ? "secureConnect" : "connect", () => {
      isOpen = true;
      timeout.cancel();
      this.#socket.setNoDelay(true);
      onOpen();
    });
    this.#socket.once("close", () => timeout.cancel());
    this.#socket.on("error", (error) => this.#fail(error.message, error));
    this.#socket.on("end", () => this.#fail("it was closed"));
    this.#socket.on("close", () => this.#fail("it was closed"));
  }

  /** Wants the next bytes, from one to all that there is room for, in `target`. One at a time. */
  want(target: Uint8Array, onBytes: OnBytes): void {
    this.#wanted = target;
    this.#onBytes = onBytes;
    if (this.#isReading || this.#isClosed) return;
    this.#isReading = true;
    this.#socket.resume();
  }

  /** Fills all of `target` and calls back. */
  fill(target: Uint8Array, onFull: () => void): void {
    this.want(target, (count) => {
      if (count < target.length) this.fill(target.subarray(count), onFull);
      else onFull();
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** `onSent` hears once that the bytes have left the process: not where the connection ends before. */
  write(bytes: Uint8Array | string, onSent?: () => void): void {
    if (onSent === undefined) this.#socket.write(bytes);
    else this.#socket.write(bytes, (error) => (error ? undefined : onSent()));
  }

  /** Calls back once nothing has moved for so long, in milliseconds; 0: never. */
  setPatience(timeoutMs: number, onIdle: () => void = nothing): void {
    this.#onIdle = onIdle;
    this.#socket.setTimeout(timeoutMs);
  }

  /** Not told to `onClose`. */
  close(): void {
    this.#isClosed = true;
    this.#wanted = undefined;
    this.#socket.destroy();
  }

  #next(): Uint8Array {
    this.#given = this.#wanted ?? this.#spare;
    return this.#given;
  }

  /** False where nothing more is wanted now. */
  #arrived(count: number): boolean {
    const target = this.#wanted;
    if (target === undefined) {
      // Nothing is asked for any more, and nothing was given but the spare byte.
      this.#fail("it sends what nobody asked for");
      return false;
    }
    if (this.#given === this.#spare) target.set(this.#spare);
    this.#wanted = undefined;
    // Whoever hears it may want more at once.
    this.#isReading = true;
    this.#onBytes(count);
    if (this.#wanted === undefined) this.#isReading = false;
    return this.#isReading;
  }

  #fail(words: string, cause?: unknown): void {
    if (this.#isClosed) return;
    this.close();
    this.#onClose(new ConnectionError(`the connection failed: ${words}`, cause));
  }
}
