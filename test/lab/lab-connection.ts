// A connection of the lab's client: one request at a time, over a bare socket, which costs a third of what Node's client
// does.

import { connect, type Socket } from "node:net";
import { AnswerParser } from "./answer-parser.ts";
import type { LabAnswer } from "./lab-client.ts";

/** A server that is silent for so long has hung, in milliseconds. */
export const ANSWER_MS_MAX = 40_000;

interface Waiting {
  readonly parser: AnswerParser;
  readonly resolve: (answer: LabAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export class LabConnection {
  readonly #socket: Socket;
  #waiting: Waiting | undefined;
  #error: Error | undefined;
  #isOver = false;

  constructor(host: string, port: number) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.setTimeout(ANSWER_MS_MAX);
    this.#socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    this.#socket.on("timeout", () =>
      this.#socket.destroy(new Error(`no answer in ${ANSWER_MS_MAX} ms`)),
    );
    this.#socket.on("error", (error) => (this.#error = error));
    this.#socket.on("end", () => this.#socket.destroy());
    this.#socket.on("close", () => this.#close());
  }

  /** Whether it takes another request. */
  get isOpen(): boolean {
    return !this.#isOver;
  }

  /** Resolves to the whole answer. @throws when there is none, or it is cut off. */
  send(head: string, body: Buffer | string, isHeadRequest: boolean): Promise<LabAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return reject(this.#error ?? new Error("the connection has ended"));
      this.#waiting = { parser: new AnswerParser(isHeadRequest), resolve, reject };
      this.#socket.ref();
      if (body.length === 0) this.#socket.write(head, "latin1");
      else {
        this.#socket.cork();
        this.#socket.write(head, "latin1");
        this.#socket.write(body);
        this.#socket.uncork();
      }
    });
  }

  destroy(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    const waiting = this.#waiting;
    // Nobody has asked for it.
    if (waiting === undefined) return this.destroy();
    try {
      const answer = waiting.parser.push(bytes);
      if (answer === undefined) return;
      this.#waiting = undefined;
      // An answer before the request was all sent ends the connection: the server may not read the rest of it.
      if (!waiting.parser.keepsAlive || this.#socket.writableLength > 0) this.destroy();
      else this.#socket.unref();
      waiting.resolve(answer);
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error));
      this.destroy();
    }
  }

  #close(): void {
    this.#isOver = true;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    if (this.#error !== undefined) return waiting.reject(this.#error);
    try {
      waiting.resolve(waiting.parser.end());
    } catch (error) {
      waiting.reject(error);
    }
  }
}
