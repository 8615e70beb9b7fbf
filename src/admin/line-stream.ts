// An answer that grows while work goes on: one JSON object a line, ended by the report or by an error. A client that goes
// away ends the work; one that reads slowly slows it down; one that stops reading is given up.

import type { ServerResponse } from "node:http";
import type { AdminError } from "./admin-error.ts";

const LINES_TYPE = "application/x-ndjson";

/** A client that takes nothing for this long is cut off: it would hold up the one job of its kind for ever. */
const STALL_MS_MAX = 60_000;
/** So that client and proxies can tell long work from a dead connection. */
const ALIVE_EVERY_MS = 10_000;

export class LineStream {
  readonly #out: ServerResponse;
  readonly #abort = new AbortController();
  readonly #alive: NodeJS.Timeout;

  /** Nothing is sent before the first line: until then another answer may be. */
  constructor(out: ServerResponse) {
    this.#out = out;
    out.once("close", () => this.#abort.abort());
    this.#alive = setInterval(() => {
      if (!out.writableNeedDrain) this.#write({ type: "alive" });
    }, ALIVE_EVERY_MS);
  }

  /** Aborts when the client is gone. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Resolves when the next may come. What only says how far the work is, is left out while the client is behind. */
  async send(type: "finding" | "progress", line: object): Promise<void> {
    if (type === "progress" && this.#out.writableNeedDrain) return;
    if (!this.#write({ type, ...line })) await this.#drained();
  }

  end(report: object): void {
    this.#close({ type: "report", ...report });
  }

  /** Ends with an error; where nothing was sent yet, the error is for the caller to answer with. */
  fail(error: AdminError): void {
    clearInterval(this.#alive);
    if (!this.#out.headersSent) return;
    this.#close({ type: "error", code: error.code, message: error.message });
  }

  #close(last: object): void {
    clearInterval(this.#alive);
    this.#write(last);
    this.#out.end();
  }

  #write(line: object): boolean {
    if (this.#out.destroyed) return true;
    if (!this.#out.headersSent) this.#out.writeHead(200, { "content-type": LINES_TYPE });
    return this.#out.write(`${JSON.stringify(line)}\n`);
  }

  #drained(): Promise<void> {
    if (this.#out.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const stalled = setTimeout(() => this.#out.destroy(), STALL_MS_MAX);
      const go = (): void => {
        clearTimeout(stalled);
        this.#out.off("drain", go);
        this.#out.off("close", go);
        resolve();
      };
      this.#out.once("drain", go);
      this.#out.once("close", go);
    });
  }
}
