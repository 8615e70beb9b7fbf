// The writer thread's own door for other processes of the same server: a Unix socket in a folder that is this user's
// alone. Each says a token first, and is told then what the writer tells its own process. A process has one group under
// way; one that ends, or says anything else, loses its connection, and what it sent is withdrawn unless it has begun.

import { createHash, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import { giveBack } from "../../util/give-back.ts";
import { KeptSocket } from "../../util/kept-socket.ts";
import { FRAME_BYTES_MAX, frameOf, FrameReader, messageIn } from "./write-frames.ts";
import type { SentGroup, WriteMerger } from "./write-merger.ts";
import type { FromWriter, SideNews, WriteGroup } from "./write-protocol.ts";

/** Where other processes of this server reach the writer. */
export interface WriterDoor {
  /** A path of at most 107 bytes in a folder with mode 0700; what lies there is removed. */
  readonly socketPath: string;
  /** Random, and known to those processes alone. */
  readonly token: string;
}

const TOKEN_BYTES_MAX = 1_024;
/** Who has not said the token by then is sent away. */
const TOKEN_MS_MAX = 5_000;
/** So long the last replies may take to be read. */
const CLOSE_MS_MAX = 1_000;

export class WriteListener {
  readonly #token: Buffer;
  readonly #merger: WriteMerger;
  readonly #sockets = new Set<Socket>();
  /** Those who have said the token. */
  readonly #sides = new Set<Side>();
  #door: KeptSocket | undefined;
  /** Told to those who come later: whether there is something to read, and how the members are. */
  #ready: Extract<SideNews, { kind: "ready" }> | undefined;
  #report: Extract<SideNews, { kind: "report" }> | undefined;

  constructor(token: string, merger: WriteMerger) {
    this.#token = digest(token);
    this.#merger = merger;
  }

  /** @throws when there can be no socket at that path. */
  async listen(socketPath: string): Promise<void> {
    const door = new KeptSocket(socketPath, (socket) => this.#welcome(socket));
    await door.open();
    this.#door = door;
  }

  /** How many processes have said the token. */
  get count(): number {
    return this.#sides.size;
  }

  /** What is only for the process itself is passed over. */
  tell(message: FromWriter): void {
    if (message.kind === "ready") this.#ready = { kind: "ready" };
    else if (message.kind === "report") this.#report = message;
    else if (message.kind !== "fenced" && message.kind !== "replaced") return;
    if (this.#ready === undefined) return;
    const news = message.kind === "ready" ? this.#ready : message;
    for (const side of this.#sides) side.send(news);
  }

  /** Sends everybody away. Harmless when it never listened. */
  close(): void {
    this.#door?.close();
    for (const socket of this.#sockets) {
      socket.destroySoon();
      // One that takes nothing keeps nobody here.
      setTimeout(() => socket.destroy(), CLOSE_MS_MAX).unref();
    }
  }

  #welcome(socket: Socket): void {
    const side = new Side(socket, this.#merger, (token) => {
      if (!timingSafeEqual(digest(token), this.#token)) throw new Error("that is not the token");
      this.#sides.add(side);
      if (this.#report !== undefined) side.send(this.#report);
      if (this.#ready !== undefined) side.send(this.#ready);
    });
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#sides.delete(side);
    });
  }
}

/** One process that is connected, or wants to be. */
class Side {
  readonly #socket: Socket;
  readonly #merger: WriteMerger;
  #onToken: ((token: Buffer) => void) | undefined;
  #underway: SentGroup | undefined;

  constructor(socket: Socket, merger: WriteMerger, onToken: (token: Buffer) => void) {
    this.#socket = socket;
    this.#merger = merger;
    this.#onToken = onToken;
    const frames = new FrameReader(TOKEN_BYTES_MAX, (frame) => {
      this.#take(frame);
      frames.maxBytes = FRAME_BYTES_MAX;
    });
    const timer = setTimeout(() => socket.destroy(), TOKEN_MS_MAX);
    socket.on("data", (chunk: Buffer) => {
      if (socket.destroyed) return;
      try {
        frames.push(chunk);
      } catch {
        // Not one of ours, or out of step: what it meant is not known.
        socket.destroy();
      }
      if (this.#onToken === undefined) clearTimeout(timer);
    });
    // What follows is the closing of the socket.
    socket.on("error", () => undefined);
    socket.once("close", () => {
      clearTimeout(timer);
      if (this.#underway !== undefined) this.#merger.withdraw(this.#underway);
    });
  }

  send(message: FromWriter | SideNews): void {
    if (this.#socket.destroyed) return;
    // One that takes nothing hangs, and is not waited for with ever more memory.
    if (this.#socket.writableLength > FRAME_BYTES_MAX) this.#socket.destroy();
    else this.#socket.write(frameOf(message));
  }

  #take(frame: Buffer): void {
    const onToken = this.#onToken;
    if (onToken !== undefined) {
      onToken(frame);
      this.#onToken = undefined;
      return;
    }
    const message = messageIn(frame) as WriteGroup;
    if (message.kind !== "group" || this.#underway !== undefined) {
      throw new Error("one group at a time, and nothing else");
    }
    const sent: SentGroup = {
      source: this,
      group: message,
      reply: (reply) => {
        this.#underway = undefined;
        this.send(reply);
        // All of it: what else lay in its chunk of the socket has been taken by then, for the chunk is read to its end first.
        queueMicrotask(() => giveBack(new Uint8Array(frame.buffer)));
      },
    };
    this.#underway = sent;
    this.#merger.submit(sent);
  }
}

/** Of one length, whatever was said. */
function digest(text: string | Buffer): Buffer {
  return createHash("sha256").update(text).digest();
}
