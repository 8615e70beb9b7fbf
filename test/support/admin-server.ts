// A server with its admin API open, in the test's own process, and requests to it made by hand: any part of what is signed
// may differ from what is sent.

import { randomUUID } from "node:crypto";
import { onTestFinished } from "vitest";
import { startServer, type StartedServer, type StartServerOptions } from "../../src/index.ts";
import { sendRaw, type RawAnswer, type RawOptions } from "./raw-http.ts";
import { sha256Hex, signV4, wireBytes, type SigningKeys } from "./signing.ts";

export interface AdminSend {
  readonly method?: string;
  readonly path: string;
  readonly query?: string;
  readonly body?: string;
  readonly keys?: SigningKeys;
  readonly service?: string;
  readonly region?: string;
  readonly date?: Date;
  /** What x-amz-content-sha256 says. */
  readonly payload?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Changes the headers after signing. */
  readonly tamper?: (headers: Record<string, string>) => void;
  readonly raw?: RawOptions;
}

export interface AdminLab {
  readonly server: StartedServer;
  readonly endpoint: string;
  readonly port: number;
  readonly keys: SigningKeys;
  /** Keys of another account. */
  readonly otherKeys: SigningKeys;
  /** The bytes of a signed request. */
  readonly render: (request: AdminSend) => Buffer;
  readonly send: (request: AdminSend) => Promise<RawAnswer>;
}

const OTHER = { accessKey: "other-account", secretKey: "secret-of-the-other-account" };

/** `onEnd` is called with what ends the server; with the test when it is not given. */
export async function startAdmin(
  options: StartServerOptions = {},
  onEnd: (end: () => Promise<void>) => void = onTestFinished,
): Promise<AdminLab> {
  const users = [{ name: "other", ...OTHER }];
  const server = await startServer({ adminPort: 0, users, ...options });
  onEnd(() => server.stop());
  const endpoint = server.adminEndpoint ?? "";
  const { host, port } = new URL(endpoint);
  const keys = { accessKey: server.accessKey, secretKey: server.secretKey };
  const render = (request: AdminSend): Buffer => renderRequest(host, keys, request);
  return {
    server,
    endpoint,
    port: Number(port),
    keys,
    otherKeys: OTHER,
    render,
    send: (request) => sendRaw(Number(port), render(request), request.raw),
  };
}

/** The lines of a streamed answer, without its chunks' frames. */
export function linesOfAnswer(answer: RawAnswer): readonly Record<string, unknown>[] {
  return answer.body
    .split(/\r?\n/)
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The code of an error answer; empty without one. */
export function codeOfAnswer(answer: RawAnswer): string {
  return /"code":"([^"]*)"/.exec(answer.body)?.[1] ?? "";
}

function renderRequest(host: string, keys: SigningKeys, request: AdminSend): Buffer {
  const { method = "GET", path, query = "", body = "", headers = {} } = request;
  const length = Buffer.byteLength(body);
  const signed = signV4(request.keys ?? keys, {
    method,
    path,
    query,
    payload: request.payload ?? sha256Hex(body),
    service: request.service ?? "kintsugi",
    ...(request.region === undefined ? {} : { region: request.region }),
    ...(request.date === undefined ? {} : { date: request.date }),
    headers: {
      host,
      // As clients do, so that the same asked twice in a second is not taken for a replay.
      "x-amz-client-nonce": randomUUID(),
      ...headers,
      ...(length > 0 ? { "content-length": String(length) } : {}),
    },
  });
  request.tamper?.(signed.headers);
  return wireBytes(method, query === "" ? path : `${path}?${query}`, signed.headers, body);
}
