// JSON for documents that decide about access: a name that stands twice in one object, or nesting deeper than any such
// document needs, is refused. Objects become maps, so that no name is special; numbers keep their digits as written.

export type JsonObject = ReadonlyMap<string, JsonValue>;
export type JsonValue = JsonNumber | JsonObject | boolean | null | string | readonly JsonValue[];

export interface JsonNumber {
  readonly digits: string;
}

const DEPTH_MAX = 10;
const SPACES = new Set([" ", "\t", "\n", "\r"]);
const ENDS_OF_WORD = new Set([...SPACES, ",", "]", "}"]);

/** @throws SyntaxError when the text is not JSON, repeats a name or nests too deep. */
export function parseStrictJson(text: string): JsonValue {
  // What follows reads text that is known to be JSON, and need not look for mistakes.
  JSON.parse(text);
  return new Reader(text).read(0);
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(depth: number): JsonValue {
    if (depth > DEPTH_MAX) throw new SyntaxError("nested too deep");
    const first = this.#peek();
    if (first === "{") return this.#readObject(depth);
    if (first === "[") return this.#readList(depth);
    if (first === '"') return this.#readString();
    const word = this.#readWord();
    if (word === "null") return null;
    return word === "true" || word === "false" ? word === "true" : { digits: word };
  }

  #readObject(depth: number): JsonObject {
    const members = new Map<string, JsonValue>();
    this.#at += 1;
    while (this.#peek() !== "}") {
      const name = this.#readString();
      if (members.has(name)) throw new SyntaxError("a name stands twice");
      this.#skip(":");
      members.set(name, this.read(depth + 1));
      if (this.#peek() === ",") this.#at += 1;
    }
    this.#at += 1;
    return members;
  }

  #readList(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.#at += 1;
    while (this.#peek() !== "]") {
      items.push(this.read(depth + 1));
      if (this.#peek() === ",") this.#at += 1;
    }
    this.#at += 1;
    return items;
  }

  #readString(): string {
    this.#peek();
    let end = this.#at + 1;
    while (this.#text[end] !== '"') end += this.#text[end] === "\\" ? 2 : 1;
    const literal = this.#text.slice(this.#at, end + 1);
    this.#at = end + 1;
    return String(JSON.parse(literal));
  }

  #readWord(): string {
    const start = this.#at;
    while (this.#at < this.#text.length && !ENDS_OF_WORD.has(this.#text.charAt(this.#at))) {
      this.#at += 1;
    }
    return this.#text.slice(start, this.#at);
  }

  /** The next character that is not white space, which stays unread. */
  #peek(): string {
    while (SPACES.has(this.#text.charAt(this.#at))) this.#at += 1;
    return this.#text.charAt(this.#at);
  }

  #skip(character: string): void {
    if (this.#peek() === character) this.#at += 1;
  }
}
