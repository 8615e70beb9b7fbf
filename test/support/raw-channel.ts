// A channel for reads made by hand, so that tests can say on it what no gateway would.

import { connect, type Socket } from "node:net";
import { READ_SALT_HEADER, type NodeHello } from "../../src/datanode/protocol.ts";
import {
  parseReadAnswer,
  READ_ANSWER_BYTES,
  READ_UPGRADE,
} from "../../src/datanode/read-frames.ts";
import { deriveReadKeys, makeNonce, type ReadChannelKeys } from "../../src/datanode/rpc-auth.ts";
import { atEnd } from "./at-end.ts";
import { clusterKeys, renderRpc } from "./signed-rpc.ts";

/** The request that asks for a channel. */
export function renderUpgrade(
  hello: Pick<NodeHello, "nodeId" | "session">,
  url: string,
  nonce = makeNonce(),
): Buffer {
  const headers = { connection: "Upgrade", upgrade: READ_UPGRADE };
  return renderRpc(hello, { url, headers, signed: { nonce } });
}

/** An answer on a channel: its status, and what followed. */
export interface ChannelAnswer {
  readonly status: number;
  readonly body: Buffer;
}

export class RawChannel {
  readonly keys: ReadChannelKeys;
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #isClosed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket, keys: ReadChannelKeys, rest: Buffer) {
    this.#socket = socket;
    this.keys = keys;
    this.#received = rest;
    socket.removeAllListeners("data");
    socket.on("data", (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    socket.on("close", () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  /** Opens one with `upgrade`, or with a fresh request for it. */
  static async open(
    port: number,
    hello: NodeHello,
    { upgrade, nonce = makeNonce() }: { readonly upgrade?: Buffer; readonly nonce?: string } = {},
  ): Promise<RawChannel> {
    const socket = connect({ host: "127.0.0.1", port });
    atEnd(() => void socket.destroy());
    socket.on("error", () => undefined);
    socket.write(upgrade ?? renderUpgrade(hello, readsPath(hello), nonce));
    let received = Buffer.alloc(0);
    while (!received.includes("\r\n\r\n")) {
      const [bytes] = await new Promise<[Buffer]>((resolve, reject) => {
        socket.once("data", (piece) => resolve([piece]));
        socket.once("close", () => reject(new Error("the node closed the connection")));
      });
      received = Buffer.concat([received, bytes]);
    }
    const end = received.indexOf("\r\n\r\n") + 4;
    const head = received.toString("latin1", 0, end);
    const salt = new RegExp(`${READ_SALT_HEADER}: ([0-9a-f]+)`).exec(head)?.[1];
    if (salt === undefined) throw new Error(`no channel: ${head}`);
    const keys = deriveReadKeys(clusterKeys, nonce, salt);
    return new RawChannel(socket, keys, received.subarray(end));
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** The next answer, to the request of that number; undefined where the connection ended instead. */
  async answer(sequence: number): Promise<ChannelAnswer | undefined> {
    const head = await this.#take(READ_ANSWER_BYTES);
    const answer = head === undefined ? undefined : parseReadAnswer(sequence, head);
    if (answer === undefined) return undefined;
    const body = await this.#take(answer.length);
    return body === undefined ? undefined : { status: answer.status, body };
  }

  /** Resolves when the node has closed it. */
  async closed(): Promise<void> {
    while (!this.#isClosed) await this.#more();
  }

  async #take(count: number): Promise<Buffer | undefined> {
    while (this.#received.length < count) {
      if (this.#isClosed) return undefined;
      await this.#more();
    }
    const taken = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return taken;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** What asks for a channel to the first drive of a node. */
export function readsPath(hello: NodeHello): string {
  return `/_kintsugi/node/drives/${hello.driveIds[0]}/reads`;
}
