// Takes HTTP's chunked framing apart as bytes come in, for the benchmark's client.
// https://www.rfc-editor.org/rfc/rfc9112#section-7.1

const LF = 0x0a;

export class ChunkedBody {
  readonly #onBytes: (bytes: Buffer) => void;
  /** What has come of the line that is being read: a chunk's size, the end of a chunk, or a trailer. */
  #line = "";
  #left = 0;
  #state: "data" | "end-of-chunk" | "size" | "trailers" = "size";

  /** `onBytes` is called with views of what was fed; whoever keeps them copies them. */
  constructor(onBytes: (bytes: Buffer) => void) {
    this.#onBytes = onBytes;
  }

  /** @returns whether the body is complete. @throws Error where the framing is broken. */
  feed(bytes: Buffer): boolean {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === "data") {
        const taken = bytes.subarray(at, at + this.#left);
        this.#onBytes(taken);
        at += taken.length;
        this.#left -= taken.length;
        if (this.#left === 0) this.#state = "end-of-chunk";
        continue;
      }
      const end = bytes.indexOf(LF, at);
      this.#line += bytes.toString("latin1", at, end < 0 ? bytes.length : end);
      if (end < 0) return false;
      at = end + 1;
      const line = this.#line.trimEnd();
      this.#line = "";
      if (this.#takeLine(line)) return true;
    }
    return false;
  }

  #takeLine(line: string): boolean {
    if (this.#state === "trailers") return line === "";
    if (this.#state === "end-of-chunk") {
      if (line !== "") throw new Error("a chunk is longer than it said");
      this.#state = "size";
      return false;
    }
    if (!/^[\da-f]+(;|$)/i.test(line)) throw new Error(`not a chunk's size: ${line.slice(0, 40)}`);
    this.#left = Number.parseInt(line, 16);
    this.#state = this.#left === 0 ? "trailers" : "data";
    return false;
  }
}
