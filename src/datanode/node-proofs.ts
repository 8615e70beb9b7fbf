// What a gateway proves to a node with each request, and what it wants proven of each answer.

import type { Authority } from "../journal/journal-member.ts";
import type { Clock } from "../util/clock.ts";
import { ConnectionError, type ExchangeAnswer } from "./exchange.ts";
import { OWNER_HEADER, renderOwner } from "./owner-header.ts";
import { parseError, PROTOCOL_HEADER, PROTOCOL_VERSION, type NodeHello } from "./protocol.ts";
import {
  ANYONE,
  bodyDigest,
  EMPTY_BODY_DIGEST,
  isAnswerProven,
  renderAuthorization,
  UNSIGNED_BODY,
  type ClusterKeys,
} from "./rpc-auth.ts";

export interface NodeProofsOptions {
  /** For messages. */
  readonly url: string;
  readonly keys: ClusterKeys;
  readonly clock: Clock;
  /** For whom changes are asked that name nobody themselves; undefined: for nobody in particular. */
  readonly owner?: (() => Authority | undefined) | undefined;
}

export interface SignedCall {
  readonly method: "DELETE" | "GET" | "POST";
  readonly path: string;
  readonly nonce: string;
  readonly hello: NodeHello | undefined;
  /** SHA-256 of the body, in hex. */
  readonly body: string;
  readonly owner?: Authority | undefined;
}

export class NodeProofs {
  readonly #options: NodeProofsOptions;

  constructor(options: NodeProofsOptions) {
    this.#options = options;
  }

  /** For whom something is asked, as the node is told. */
  standingOf(asked: Authority | undefined): string | undefined {
    const standing = asked ?? this.#options.owner?.();
    return standing === undefined ? undefined : renderOwner(standing);
  }

  /** The headers of a request in HTTP. */
  sign(request: SignedCall): Record<string, string> {
    const { method, path, nonce, hello, body } = request;
    const owner = method === "GET" ? undefined : this.standingOf(request.owner);
    const authorization = renderAuthorization(this.#options.keys, {
      method,
      url: path,
      nodeId: hello?.nodeId ?? ANYONE,
      session: hello?.session ?? ANYONE,
      timeMs: this.#options.clock.now(),
      nonce,
      body,
      owner,
    });
    const headers = { authorization, [PROTOCOL_HEADER]: PROTOCOL_VERSION };
    return owner === undefined ? headers : { ...headers, [OWNER_HEADER]: owner };
  }

  /** The same of one that only asks. */
  signGet(request: Pick<SignedCall, "hello" | "nonce" | "path">): Record<string, string> {
    return this.sign({ ...request, method: "GET", body: EMPTY_BODY_DIGEST });
  }

  /** The body of an answer that is the node's own and good. @throws ShardError, JournalError */
  accept(answer: ExchangeAnswer, nonce: string, isShard: boolean): Uint8Array {
    const { keys, url } = this.#options;
    const { status, proof, body } = answer;
    const digest = isShard && status === 200 ? UNSIGNED_BODY : bodyDigest(body);
    if (isAnswerProven(keys, { nonce, status, body: digest }, proof)) {
      if (status === 200) return body;
      throw parseError(status, body);
    }
    // A node that does not trust us proves nothing, and what it says is only passed on in words.
    if (status === 400 || status === 401) throw parseError(status, body);
    throw new ConnectionError(`${url} does not prove that it belongs to the cluster`);
  }

  /** Of an agreement to a channel the proof is over the node's salt. @throws ShardError, JournalError */
  acceptUpgrade(answer: ExchangeAnswer, nonce: string, salt: string): void {
    const { keys, url } = this.#options;
    const { status, proof } = answer;
    if (status === 101 && isAnswerProven(keys, { nonce, status, body: salt }, proof)) return;
    this.accept(answer, nonce, false);
    throw new ConnectionError(`${url} opens no channel`);
  }
}
