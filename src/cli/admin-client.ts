// Asks a server's admin API, for the commands. What goes wrong is told in words that say what to do. Loads nothing but
// Node's own client, so that a command is quick.

import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { linesOf } from "./lines-of.ts";
import { signRequest, type RootKey } from "./sign-request.ts";

/** The server could not be asked, or refused. The message is for whoever typed the command. */
export class AdminRefusal extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "AdminRefusal";
  }
}

export interface AdminClientOptions {
  /** Such as http://127.0.0.1:9001. */
  readonly endpoint: string;
  readonly key: RootKey;
  /** Whether any certificate will do. */
  readonly isInsecure: boolean;
}

export interface AdminLine {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Answers that come at once. A server whose drives hang takes its time to say so. */
const ANSWER_MS_MAX = 30_000;
/** Long work gives a sign of life more often than that. */
const SILENCE_MS_MAX = 60_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export class AdminClient {
  readonly #options: AdminClientOptions;

  constructor(options: AdminClientOptions) {
    this.#options = options;
  }

  /** @throws AdminRefusal */
  async get(path: string): Promise<unknown> {
    const response = await this.#send({ method: "GET", path, body: "", silenceMs: ANSWER_MS_MAX });
    return parseJson(await this.#read(response), this.#options.endpoint);
  }

  /** Calls `onLine` for each line; resolves to the report that ends them. @throws AdminRefusal */
  async run(
    path: string,
    query: object,
    onLine: (line: AdminLine) => Promise<void> | void,
  ): Promise<AdminLine> {
    const body = JSON.stringify(query);
    const response = await this.#send({ method: "POST", path, body, silenceMs: SILENCE_MS_MAX });
    try {
      for await (const text of linesOf(response)) {
        const line = lineOf(text);
        if (line.type === "report") return line;
        if (line.type === "error") throw new AdminRefusal(`the server gave up: ${wordsOf(line)}`);
        await onLine(line);
      }
    } catch (error) {
      throw this.#explain(error);
    } finally {
      response.destroy();
    }
    throw new AdminRefusal("the server ended the answer before its report: did it stop?");
  }

  /** Resolves to an answer with status 200. */
  async #send(request: {
    readonly method: "GET" | "POST";
    readonly path: string;
    readonly body: string;
    readonly silenceMs: number;
  }): Promise<IncomingMessage> {
    let response: IncomingMessage;
    try {
      response = await this.#open(request);
    } catch (error) {
      throw this.#explain(error);
    }
    if (response.statusCode === 200) return response;
    throw this.#refusalOf(response.statusCode ?? 0, await this.#read(response));
  }

  #open(request: {
    readonly method: "GET" | "POST";
    readonly path: string;
    readonly body: string;
    readonly silenceMs: number;
  }): Promise<IncomingMessage> {
    const { endpoint, key, isInsecure } = this.#options;
    const { method, path, body, silenceMs } = request;
    const url = new URL(path, endpoint);
    const headers = {
      ...signRequest(key, { method, host: url.host, path, body, now: Date.now() }),
      ...(body === "" ? {} : { "content-length": String(Buffer.byteLength(body)) }),
    };
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    const options = { method, headers, agent: false, rejectUnauthorized: !isInsecure };
    return new Promise((resolve, reject) => {
      const sent = send(url, options, resolve);
      sent.setTimeout(silenceMs, () => {
        sent.destroy(new AdminRefusal(`${endpoint} has not answered for ${silenceMs / 1_000} s`));
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  async #read(response: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        sizeBytes += chunk.length;
        if (sizeBytes > ANSWER_BYTES_MAX) throw new AdminRefusal("the answer is far too long");
      }
    } catch (error) {
      throw this.#explain(error);
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  #refusalOf(status: number, text: string): AdminRefusal {
    const { endpoint, key } = this.#options;
    const answer = findError(text);
    if (answer === undefined) {
      return new AdminRefusal(
        `what answers at ${endpoint} is not Kintsugi's admin API (status ${status}): is that its S3 port, or an older version?`,
      );
    }
    const { code, message } = answer;
    switch (code) {
      case "InvalidAccessKeyId":
        return new AdminRefusal(`${key.accessKey} is not the root account's access key there`);
      case "SignatureDoesNotMatch":
        return new AdminRefusal(`the secret key of ${key.accessKey} is not the right one`);
      case "RequestTimeTooSkewed":
        return new AdminRefusal("the clocks of this machine and the server differ too much");
      case "NotFound":
        return new AdminRefusal(`the server at ${endpoint} is older and does not know this`);
      default:
        return new AdminRefusal(`the server refuses: ${message} (${code})`);
    }
  }

  #explain(error: unknown): AdminRefusal {
    if (error instanceof AdminRefusal) return error;
    const { endpoint } = this.#options;
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const words = error instanceof Error ? error.message : String(error);
    if (code === "ECONNREFUSED") {
      return new AdminRefusal(
        `nothing answers at ${endpoint}: is the server running? Its banner names its admin API; --endpoint URL asks another`,
        { cause: error },
      );
    }
    return new AdminRefusal(`${endpoint} could not be asked: ${words}`, { cause: error });
  }
}

function lineOf(text: string): AdminLine {
  const value = parseJson(text, "the server");
  if (typeof value === "object" && value !== null && "type" in value) {
    const { type } = value;
    if (typeof type === "string") return { ...value, type };
  }
  throw new AdminRefusal("the server says something that this version does not understand");
}

function wordsOf({ message, code }: AdminLine): string {
  return `${String(message)} (${String(code)})`;
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AdminRefusal(`${source} does not answer in JSON`, { cause: error });
  }
}

function findError(text: string): { readonly code: string; readonly message: string } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    if (!("code" in value) || !("message" in value)) return undefined;
    return { code: String(value.code), message: String(value.message) };
  } catch {
    return undefined;
  }
}
