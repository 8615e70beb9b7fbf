// The rest of a large body, read from its connection past Node's HTTP parser. The parser copies what each read of a socket
// brings, 64 KiB at most, into new memory and hands it through a stream: a sixth of the CPU of a large upload. Here the
// kernel fills one buffer that all connections of the process share, and the parser is told how many bytes of its
// message have passed, so that it knows where the next one begins.
//
// Node has the parts of that for its own use (`onread` of sockets that one opens; parsers that let go of a connection, as
// at an upgrade), not for servers. Where one of them is not as expected, or Node is of a version with which this was not
// tried, bodies come through the parser.

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** What a read may bring, in bytes: four times what comes through the parser, and still in the processor's cache. */
const LANDING_BYTES = 128 * 1024;

/** Versions of Node with which the tests of this have passed. */
const TRIED_VERSIONS: ReadonlySet<string> = new Set(["20", "22", "24"]);
const isTried = TRIED_VERSIONS.has(process.versions.node.split(".", 1)[0] ?? "");

/** Its bytes are gone with the next read of any connection. True asks for more; false until `resume`. */
export type TakeBytes = (bytes: Uint8Array) => boolean;

/** Node's parser of a connection. While it is `consume`d the connection's bytes go to it and to nobody else. */
interface Parser {
  readonly incoming: unknown;
  consume(handle: Handle): void;
  unconsume(): void;
  /** Bytes of the message, however they came. How many it took, or what is wrong with them. */
  execute(bytes: Uint8Array): unknown;
}

/** libuv's end of a connection. */
interface Handle {
  reading: boolean;
  /** 0, or what is wrong. */
  readStart(): number;
  readStop(): void;
  /** Reads go there, from now on. */
  useUserBuffer(bytes: Uint8Array): void;
}

/** What a socket asks when its connection's bytes are in a buffer of its user's. */
interface ReadingSocket {
  readonly landing: symbol;
  readonly onBytes: symbol;
  readonly nextLanding: symbol;
}

/** Never given back: the handles have its address. */
let landing: Buffer | undefined;
let symbols: ReadingSocket | undefined;
const readers = new WeakMap<Socket, PastParser>();
/** Connections whose reads go to the buffer whenever their parser has let go of them. */
const prepared = new WeakSet<Socket>();
/** What reads on in the next turn of the event loop. */
let waiting: PastParser[] = [];

export class PastParser {
  readonly #socket: Socket;
  readonly #parser: Parser;
  readonly #handle: Handle;
  readonly #take: TakeBytes;
  #restBytes: number;
  #isOver = false;
  #isWanted = true;
  #waitsForTurn = false;

  /** Reads nothing more of the message until `begin` or `letGo`; false where it would be in vain. */
  static hold(message: IncomingMessage): boolean {
    if (partsOf(message) === undefined) return false;
    message.socket.pause();
    return true;
  }

  /** Reads on through the parser. */
  static letGo({ socket }: IncomingMessage): void {
    socket.resume();
  }

  /**
   * Reads on past the parser, of a message on hold in which nothing waits, and not from within a call of the parser's.
   * Undefined where it cannot be, or is not worth it.
   * @param restBytes What is to come of the body, all of it.
   */
  static begin(
    message: IncomingMessage,
    restBytes: number,
    take: TakeBytes,
  ): PastParser | undefined {
    // With less left a read could bring bytes of the next message.
    if (restBytes < LANDING_BYTES) return undefined;
    const { socket } = message;
    const parts = partsOf(message);
    if (parts === undefined || !prepare(socket, parts.handle)) return undefined;
    const reading = new PastParser({ socket, ...parts, restBytes, take });
    socket.resume();
    return reading;
  }

  private constructor(options: {
    readonly socket: Socket;
    readonly parser: Parser;
    readonly handle: Handle;
    readonly restBytes: number;
    readonly take: TakeBytes;
  }) {
    this.#socket = options.socket;
    this.#parser = options.parser;
    this.#handle = options.handle;
    this.#restBytes = options.restBytes;
    this.#take = options.take;
    readers.set(this.#socket, this);
    this.#parser.unconsume();
    this.resume();
  }

  /** Reads on after `take` wanted no more. */
  resume(): void {
    this.#isWanted = true;
    if (!this.#waitsForTurn && !this.#isOver && !this.#socket.destroyed) this.#read();
  }

  /** Leaves what is to come of the body to the parser. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    readers.delete(this.#socket);
    if (!this.#isParsers()) return;
    if (!isConsumed(this.#parser)) {
      this.#socket.destroy();
      return;
    }
    this.#parser.consume(this.#handle);
    this.#read();
  }

  /** A read has brought bytes; whether more may come in this turn. */
  receive(bytes: Uint8Array, isFull: boolean): boolean {
    this.#restBytes -= bytes.length;
    this.#isWanted = this.#take(bytes);
    this.#tellParser(bytes);
    if (this.#restBytes === 0) {
      this.end();
      return true;
    }
    if (isFull) this.#awaitTurn();
    return this.#isWanted && !isFull;
  }

  /** A buffer full in a turn, so that all uploads come on, and are hashed beside each other. */
  #awaitTurn(): void {
    if (this.#waitsForTurn) return;
    this.#waitsForTurn = true;
    if (waiting.length === 0) setImmediate(beginTurn);
    waiting.push(this);
  }

  takeTurn(): void {
    this.#waitsForTurn = false;
    if (this.#isWanted) this.resume();
  }

  /** Where the next read goes: never beyond the end of the body. */
  nextLanding(whole: Buffer): Buffer {
    if (this.#isOver || this.#restBytes >= whole.length) return whole;
    return whole.subarray(0, this.#restBytes);
  }

  #read(): void {
    if (this.#handle.reading) return;
    this.#handle.reading = true;
    if (this.#handle.readStart() !== 0) this.#socket.destroy();
  }

  /** It looks at none of the bytes, and is to copy none for anybody. */
  #tellParser(bytes: Uint8Array): void {
    if (!this.#isParsers()) return;
    const parser = this.#parser;
    const name = bodyCallOf(parser);
    const onBody: unknown = Reflect.get(parser, name);
    Reflect.set(parser, name, null);
    try {
      // It takes the bytes of a body as they are; if not, nobody knows where the next message begins.
      if (parser.execute(bytes) !== bytes.length) this.#socket.destroy();
    } finally {
      Reflect.set(parser, name, onBody);
    }
  }

  /** A parser whose connection ended serves another. */
  #isParsers(): boolean {
    const socket = this.#socket;
    return !socket.destroyed && partOf(socket, "parser") === this.#parser;
  }
}

function beginTurn(): void {
  const readings = waiting;
  waiting = [];
  for (const reading of readings) reading.takeTurn();
}

/** Of a message that is still to come, in a connection that is as expected. */
function partsOf(message: IncomingMessage): { parser: Parser; handle: Handle } | undefined {
  const { socket } = message;
  if (!isTried || message.complete || socket.destroyed) return undefined;
  if (socket instanceof TLSSocket) return undefined;
  const parser = partOf(socket, "parser");
  const handle = partOf(socket, "_handle");
  if (!isParser(parser) || parser.incoming !== message || !isHandle(handle)) return undefined;
  return isConsumed(parser) ? { parser, handle } : undefined;
}

/** Whether reads of the connection come here when its parser has let go of it. */
function prepare(socket: Socket, handle: Handle): boolean {
  if (prepared.has(socket)) return true;
  symbols ??= findSymbols(socket);
  if (symbols === undefined) return false;
  landing ??= Buffer.allocUnsafeSlow(LANDING_BYTES);
  const whole = landing;
  Reflect.set(socket, symbols.landing, whole);
  Reflect.set(socket, symbols.onBytes, (count: number, place: Buffer): boolean => {
    const bytes = count === place.length ? place : place.subarray(0, count);
    const reader = readers.get(socket);
    if (reader === undefined) return socket.push(Buffer.from(bytes));
    return reader.receive(bytes, count === place.length);
  });
  Reflect.set(
    socket,
    symbols.nextLanding,
    (): Buffer => readers.get(socket)?.nextLanding(whole) ?? whole,
  );
  handle.useUserBuffer(whole);
  prepared.add(socket);
  return true;
}

function findSymbols(socket: Socket): ReadingSocket | undefined {
  const own = Object.getOwnPropertySymbols(socket);
  const find = (name: string) => own.find(({ description }) => description === name);
  const found = [find("kBuffer"), find("kBufferCb"), find("kBufferGen")];
  const [landingName, onBytes, nextLanding] = found;
  if (landingName === undefined || onBytes === undefined || nextLanding === undefined) {
    return undefined;
  }
  return { landing: landingName, onBytes, nextLanding };
}

/** Whether Node takes the parser for the one that reads the connection, and will see to it at its end. */
function isConsumed(parser: Parser): boolean {
  return partOf(parser, "_consumed") === true;
}

function isParser(found: unknown): found is Parser {
  return (
    hasMethods(found, ["consume", "unconsume", "execute"]) &&
    typeof Reflect.get(found, bodyCallOf(found)) === "function"
  );
}

function isHandle(found: unknown): found is Handle {
  return hasMethods(found, ["readStart", "readStop", "useUserBuffer"]);
}

/** The name under which a parser has the function that it hands bodies to. */
function bodyCallOf(parser: object): number {
  const name = partOf(parser.constructor, "kOnBody");
  return typeof name === "number" ? name : -1;
}

function hasMethods(found: unknown, names: readonly string[]): found is object {
  return names.every((name) => typeof partOf(found, name) === "function");
}

function partOf(whole: unknown, name: string): unknown {
  const hasParts = (typeof whole === "object" && whole !== null) || typeof whole === "function";
  return hasParts ? Reflect.get(whole, name) : undefined;
}
