// Requests to a data node made by hand, so that tests can send what no client would: any part of what is signed may
// differ from what is sent.

import {
  bodyDigest,
  deriveClusterKeys,
  makeNonce,
  renderAuthorization,
  type ClusterKeys,
  type SignedRequest,
} from "../../src/datanode/rpc-auth.ts";
import { HELLO_PATH, parseHello, type NodeHello } from "../../src/datanode/protocol.ts";
import { CLUSTER_SECRET } from "./data-node.ts";
import { sendRaw, type RawAnswer } from "./raw-http.ts";

export interface RpcRequest {
  readonly method?: string;
  readonly url: string;
  readonly body?: Buffer;
  /** Headers in place of those that a client sends; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** What is signed in place of what is true. */
  readonly signed?: Partial<SignedRequest>;
  readonly keys?: ClusterKeys;
}

export const clusterKeys = deriveClusterKeys(CLUSTER_SECRET);

/** A request as bytes. */
export function renderRpc(
  hello: Pick<NodeHello, "nodeId" | "session">,
  request: RpcRequest,
): Buffer {
  const { method = "GET", url, body = Buffer.alloc(0), keys = clusterKeys } = request;
  const authorization = renderAuthorization(keys, {
    method,
    url,
    nodeId: hello.nodeId,
    session: hello.session,
    timeMs: Date.now(),
    nonce: makeNonce(),
    body: bodyDigest(body),
    ...request.signed,
  });
  const headers: Record<string, string | undefined> = {
    host: "node",
    authorization,
    "kintsugi-protocol": "kintsugi-node/4",
    "content-length": body.length === 0 ? undefined : String(body.length),
    ...request.headers,
  };
  const lines = Object.entries(headers)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${url} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}

/** What the node at a port says of itself. */
export async function hearHello(port: number): Promise<NodeHello> {
  const anyone = { nodeId: "*", session: "*" };
  const answer = await sendRaw(port, renderRpc(anyone, { url: HELLO_PATH }));
  return parseHello(Buffer.from(answer.body));
}

export function codeOf(answer: RawAnswer): unknown {
  const parsed: unknown = JSON.parse(answer.body);
  return typeof parsed === "object" && parsed !== null && "code" in parsed
    ? parsed.code
    : undefined;
}
