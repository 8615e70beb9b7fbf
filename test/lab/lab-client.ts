// The lab's S3 client: few bytes of overhead, no retries (an answer that did not come must stay unknown), and the status
// of every answer, good or bad.

import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { signV4, type SigningKeys } from "../support/signing.ts";

export interface LabRequest {
  readonly method: string;
  /** Percent-encoded. */
  readonly path: string;
  /** Encoded, without "?". */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

export interface LabAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** A server that does not answer for so long has hung, in milliseconds. */
const ANSWER_MS_MAX = 40_000;

export class LabClient {
  readonly #agent: Agent;
  readonly #host: string;
  readonly #port: number;
  readonly #keys: SigningKeys;

  constructor(endpoint: string, keys: SigningKeys, connections = 16) {
    const { hostname, port } = new URL(endpoint);
    this.#host = hostname;
    this.#port = Number(port);
    this.#keys = keys;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Resolves to the whole answer. @throws when there is none, or it is cut off: then the outcome is unknown. */
  async send({
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

  close(): void {
    this.#agent.destroy();
  }
}
