// The lab's S3 client: few bytes of overhead, no retries (an answer that did not come must stay unknown), and the status
// of every answer, good or bad. Most requests go over bare sockets; one in so many over Node's own client, whose parser
// is another.

import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { signV4, type SigningKeys } from "../support/signing.ts";
import { ANSWER_MS_MAX, LabConnection } from "./lab-connection.ts";
import { LabSigner } from "./lab-signer.ts";

export interface LabRequest {
  readonly method: string;
  /** Percent-encoded. */
  readonly path: string;
  /** Encoded, without "?". */
  readonly query?: string;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

export interface LabAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

const NODE_CLIENT_EVERY = 20;

export class LabClient {
  readonly #agent: Agent;
  readonly #host: string;
  readonly #port: number;
  readonly #keys: SigningKeys;
  readonly #signer: LabSigner;
  readonly #connectionsMax: number;
  readonly #connections = new Set<LabConnection>();
  readonly #idle: LabConnection[] = [];
  readonly #queue: ((connection: LabConnection) => void)[] = [];
  #requestCount = 0;

  constructor(endpoint: string, keys: SigningKeys, connections = 16) {
    const { hostname, port } = new URL(endpoint);
    this.#host = hostname;
    this.#port = Number(port);
    this.#keys = keys;
    this.#signer = new LabSigner(keys);
    this.#connectionsMax = connections;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Resolves to the whole answer. @throws when there is none, or it is cut off: then the outcome is unknown. */
  async send(request: LabRequest): Promise<LabAnswer> {
    this.#requestCount += 1;
    if (this.#requestCount % NODE_CLIENT_EVERY === 0) return this.#sendByNode(request);
    const connection = await this.#take();
    try {
      const { method, path, query = "", headers = {}, body = "" } = request;
      const host = `${this.#host}:${this.#port}`;
      const lines = this.#signer.linesFor({ method, path, query, headers: { ...headers, host } });
      const target = query === "" ? path : `${path}?${query}`;
      const head = `${method} ${target} HTTP/1.1\r\n${lines}content-length: ${Buffer.byteLength(body)}\r\n\r\n`;
      return await connection.send(head, body, method === "HEAD");
    } finally {
      this.#giveBack(connection);
    }
  }

  close(): void {
    for (const connection of this.#connections) connection.destroy();
    this.#agent.destroy();
  }

  #take(): LabConnection | Promise<LabConnection> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.isOpen) return idle;
      this.#connections.delete(idle);
    }
    if (this.#connections.size < this.#connectionsMax) return this.#open();
    return new Promise((resolve) => this.#queue.push(resolve));
  }

  #open(): LabConnection {
    const connection = new LabConnection(this.#host, this.#port);
    this.#connections.add(connection);
    return connection;
  }

  #giveBack(connection: LabConnection): void {
    if (!connection.isOpen) this.#connections.delete(connection);
    const next = this.#queue.shift();
    if (next !== undefined) next(connection.isOpen ? connection : this.#open());
    else if (connection.isOpen) this.#idle.push(connection);
  }

  async #sendByNode({
    method,
    path,
    query = "",
    headers = {},
    body = "",
  }: LabRequest): Promise<LabAnswer> {
    const signed = signV4(this.#keys, {
      method,
      path,
      query,
      headers: { ...headers, host: `${this.#host}:${this.#port}` },
      payload: "UNSIGNED-PAYLOAD",
    });
    const length = String(Buffer.byteLength(body));
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const call = httpRequest({
        agent: this.#agent,
        host: this.#host,
        port: this.#port,
        method,
        path: query === "" ? path : `${path}?${query}`,
        headers: { ...signed.headers, "content-length": length },
        timeout: ANSWER_MS_MAX,
      });
      call.on("timeout", () => call.destroy(new Error(`no answer in ${ANSWER_MS_MAX} ms`)));
      call.on("error", reject);
      call.on("response", resolve);
      call.end(body);
    });
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) };
  }
}
