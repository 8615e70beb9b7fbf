// A channel made by hand, so that tests can say on it what no gateway would.

import { connect, type Socket } from "node:net";
import { SALT_HEADER, WRITES_PATH, type NodeHello } from "../../src/datanode/protocol.ts";
import { ANSWER_HEAD_BYTES, parseAnswerHead } from "../../src/datanode/channel-frames.ts";
import { READ_UPGRADE } from "../../src/datanode/read-frames.ts";
import {
  deriveReadKeys,
  deriveWriteKeys,
  makeNonce,
  type ChannelKeys,
  type ClusterKeys,
  type WriteChannelKeys,
} from "../../src/datanode/rpc-auth.ts";
import { WRITE_UPGRADE } from "../../src/datanode/write-frames.ts";
import { atEnd } from "./at-end.ts";
import { clusterKeys, renderRpc } from "./signed-rpc.ts";

/** The request that asks for a channel. */
export function renderUpgrade(
  hello: Pick<NodeHello, "nodeId" | "session">,
  url: string,
  nonce = makeNonce(),
  protocol = READ_UPGRADE,
): Buffer {
  const headers = { connection: "Upgrade", upgrade: protocol };
  return renderRpc(hello, { url, headers, signed: { nonce } });
}

/** An answer on a channel: its status, and what followed. */
export interface ChannelAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** What opens a channel, where it is not a fresh request. */
export interface Opening {
  readonly upgrade?: Buffer;
  readonly nonce?: string;
}

type Derive<Keys> = (keys: ClusterKeys, nonce: string, salt: string) => Keys;

export class RawChannel<Keys extends ChannelKeys = ChannelKeys> {
  readonly keys: Keys;
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #isClosed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket, keys: Keys, rest: Buffer) {
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

  /** Opens one for reads of the node's first drive. */
  static open(port: number, hello: NodeHello, opening: Opening = {}): Promise<RawChannel> {
    const { nonce = makeNonce(), upgrade = renderUpgrade(hello, readsPath(hello), nonce) } =
      opening;
    return RawChannel.#open(port, { upgrade, nonce }, deriveReadKeys);
  }

  /** Opens one for writes. */
  static openWrites(
    port: number,
    hello: NodeHello,
    opening: Opening = {},
  ): Promise<RawChannel<WriteChannelKeys>> {
    const { nonce = makeNonce() } = opening;
    const { upgrade = renderUpgrade(hello, WRITES_PATH, nonce, WRITE_UPGRADE) } = opening;
    return RawChannel.#open(port, { upgrade, nonce }, deriveWriteKeys);
  }

  static async #open<Keys extends ChannelKeys>(
    port: number,
    { upgrade, nonce }: Required<Opening>,
    derive: Derive<Keys>,
  ): Promise<RawChannel<Keys>> {
    const socket = connect({ host: "127.0.0.1", port });
    atEnd(() => void socket.destroy());
    socket.on("error", () => undefined);
    socket.write(upgrade);
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
    const salt = new RegExp(`${SALT_HEADER}: ([0-9a-f]+)`).exec(head)?.[1];
    if (salt === undefined) throw new Error(`no channel: ${head}`);
    const keys = derive(clusterKeys, nonce, salt);
    return new RawChannel(socket, keys, received.subarray(end));
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Says that nothing more will come. */
  end(): void {
    this.#socket.end();
  }

  /** The next answer, to the request of that number; undefined where the connection ended instead. */
  async answer(sequence: number): Promise<ChannelAnswer | undefined> {
    const head = await this.#take(ANSWER_HEAD_BYTES);
    const answer = head === undefined ? undefined : parseAnswerHead(sequence, head);
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
