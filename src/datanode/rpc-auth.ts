// Proof of belonging to the cluster, on both sides of every request. A key derived from the cluster secret signs
// method, raw URL, node, the node's session, time, a nonce, the digest of the body and the owner; another each answer.
// Invariant: a signature is good for one request to one life of one node, within FRESH_MS. What it cannot do is hide
// bytes or protect those of shards in flight: shards carry checksums of their own, and a network that others can
// read needs encryption below.

import {
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomFillSync,
  timingSafeEqual,
} from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Clock } from "../util/clock.ts";
import { SHORT_MAC_KEY_BYTES, shortMacKey, type ShortMacKey } from "../util/short-mac.ts";
import { NonceStore } from "./nonce-store.ts";
import { RefusedRequestError } from "./protocol.ts";

const CLUSTER_SECRET_LENGTH_MIN = 32;
/** How far a request's time may be from the node's, in milliseconds. */
export const FRESH_MS = 60_000;
/** Node id and session of a hello, which is said before either is known. */
export const ANYONE = "*";
/** Stands for the digest of what is streamed. */
export const UNSIGNED_BODY = "UNSIGNED";
export const EMPTY_BODY_DIGEST = bodyDigest(new Uint8Array(0));

// A request dated ahead of the node's clock stays fresh for twice the window.
const NONCE_KEEP_MS = 2 * FRESH_MS;
const NONCE_COUNT_MAX = 250_000;
const AUTHORIZATION =
  /^Kintsugi node=([A-Za-z0-9._*-]{1,64}),session=([0-9a-f]{32}|\*),time=([0-9]{1,15}),nonce=([0-9a-f]{32}),body=([0-9a-f]{64}),signature=([0-9a-f]{64})$/;

/** The keys that a cluster secret stands for, one a purpose, so that no message of one kind passes as another. */
export interface ClusterKeys {
  readonly request: KeyObject;
  readonly answer: KeyObject;
  readonly reads: KeyObject;
  readonly writes: KeyObject;
}

/** What a signature covers. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, as on the wire. */
  readonly url: string;
  readonly nodeId: string;
  readonly session: string;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  readonly nonce: string;
  /** SHA-256 of the body in hex. */
  readonly body: string;
  /** The owner header, where there is one. */
  readonly owner?: string | undefined;
}

/** What an answer's proof covers. */
export interface SignedAnswer {
  /** Of the request that is answered. */
  readonly nonce: string;
  readonly status: number;
  /** SHA-256 of the body in hex, or `UNSIGNED_BODY` for bytes of a shard. */
  readonly body: string;
}

/** @throws RangeError when the secret is shorter than `CLUSTER_SECRET_LENGTH_MIN`. */
export function deriveClusterKeys(secret: string): ClusterKeys {
  if (secret.length < CLUSTER_SECRET_LENGTH_MIN) {
    throw new RangeError(
      `a cluster secret has at least ${CLUSTER_SECRET_LENGTH_MIN} characters, this one has ${secret.length}`,
    );
  }
  const derive = (purpose: string): KeyObject =>
    createSecretKey(Buffer.from(hkdfSync("sha256", secret, "kintsugi-node/1", purpose, 32)));
  return {
    request: derive("request"),
    answer: derive("answer"),
    reads: derive("reads"),
    writes: derive("writes"),
  };
}

// Random bytes are fetched for many nonces at once: a call for each costs more than the signature's arithmetic.
const NONCE_BYTES = 16;
const randomPool = Buffer.allocUnsafeSlow(NONCE_BYTES * 256);
let randomUsed = randomPool.length;

/** 128 random bits in hex. */
export function makeNonce(): string {
  if (randomUsed >= randomPool.length) {
    randomFillSync(randomPool);
    randomUsed = 0;
  }
  randomUsed += NONCE_BYTES;
  return randomPool.toString("hex", randomUsed - NONCE_BYTES, randomUsed);
}

export function bodyDigest(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}

/** The value of the `authorization` header. */
export function renderAuthorization(keys: ClusterKeys, request: SignedRequest): string {
  const { nodeId, session, timeMs, nonce, body } = request;
  const signature = requestMac(keys, request).toString("hex");
  return `Kintsugi node=${nodeId},session=${session},time=${timeMs},nonce=${nonce},body=${body},signature=${signature}`;
}

/** The value of the proof header of an answer, in hex. */
export function proveAnswer(keys: ClusterKeys, answer: SignedAnswer): string {
  return answerMac(keys, answer).toString("hex");
}

export function isAnswerProven(keys: ClusterKeys, answer: SignedAnswer, proof: string): boolean {
  return isSameMac(answerMac(keys, answer), Buffer.from(proof, "hex"));
}

/** The keys of one channel, one a direction. */
export interface ChannelKeys {
  readonly request: ShortMacKey;
  readonly answer: ShortMacKey;
}

export interface WriteChannelKeys extends ChannelKeys {
  /** Of what says that a body is whole. */
  readonly bodyEnd: ShortMacKey;
}

/** Both sides have given a random part of them, so that what was said on another channel is refused. */
export function deriveReadKeys(keys: ClusterKeys, nonce: string, salt: string): ChannelKeys {
  const [request, answer] = deriveTwo(keys.reads, `${nonce}\n${salt}`);
  return { request, answer };
}

/** The same for a channel for writes. */
export function deriveWriteKeys(keys: ClusterKeys, nonce: string, salt: string): WriteChannelKeys {
  const [request, answer] = deriveTwo(keys.writes, `${nonce}\n${salt}`);
  const [bodyEnd] = deriveTwo(keys.writes, `${nonce}\n${salt}\nbody end`);
  return { request, answer, bodyEnd };
}

function deriveTwo(key: KeyObject, message: string): readonly [ShortMacKey, ShortMacKey] {
  const both = createHmac("sha256", key).update(message).digest();
  const [one, two] = [both.subarray(0, SHORT_MAC_KEY_BYTES), both.subarray(SHORT_MAC_KEY_BYTES)];
  return [shortMacKey(one), shortMacKey(two)];
}

/** Compares in a time that tells nothing of where two differ. */
function isSameMac(expected: Uint8Array, given: Uint8Array): boolean {
  return expected.length === given.length && timingSafeEqual(expected, given);
}

export interface RequestVerifierOptions {
  readonly keys: ClusterKeys;
  readonly nodeId: string;
  readonly session: string;
  readonly clock: Clock;
}

/** The node's side: lets a request in, or says why not. */
export class RequestVerifier {
  readonly #options: RequestVerifierOptions;
  readonly #nonces: NonceStore;

  constructor(options: RequestVerifierOptions) {
    this.#options = options;
    this.#nonces = new NonceStore({
      now: () => options.clock.monotonic(),
      keepMs: NONCE_KEEP_MS,
      countMax: NONCE_COUNT_MAX,
    });
  }

  /**
   * `isHello`: said to any node. The caller still has to compare the body with `body` of the result.
   * @throws RefusedRequestError Denied; Unavailable when too many changes come at once.
   */
  verify(
    line: {
      readonly method: string;
      readonly url: string;
      readonly isHello: boolean;
      /** Asks for a channel: once, lest whoever heard it opens any number of them. */
      readonly isUpgrade?: boolean;
      readonly owner?: string | undefined;
    },
    authorization: string | undefined,
  ): SignedRequest {
    const [, nodeId = "", session = "", time, nonce = "", body = "", signature = ""] =
      AUTHORIZATION.exec(authorization ?? "") ?? [];
    const { method, url, owner } = line;
    const request = { method, url, nodeId, session, timeMs: Number(time), nonce, body, owner };
    // The signature first: who cannot sign learns nothing about node, session or clock.
    if (!isSameMac(requestMac(this.#options.keys, request), Buffer.from(signature, "hex"))) {
      throw denied("proof of the cluster secret is missing or wrong");
    }
    this.#checkAddressee(request, line.isHello);
    // Reads may be repeated: they change nothing, and whoever could replay them saw the answer.
    if (method !== "GET" || line.isUpgrade === true) this.#takeNonce(nonce);
    return request;
  }

  #checkAddressee(request: SignedRequest, isHello: boolean): void {
    const { nodeId, session, clock } = this.#options;
    if (request.nodeId !== (isHello ? ANYONE : nodeId)) {
      throw denied(`the request is meant for another node; this is ${nodeId}`);
    }
    if (request.session !== (isHello ? ANYONE : session)) {
      throw denied("the request is meant for an earlier life of this node");
    }
    const ageMs = clock.now() - request.timeMs;
    if (Math.abs(ageMs) > FRESH_MS) {
      throw denied(
        `the request's time is ${Math.round(ageMs / 1000)} s off, of which ${FRESH_MS / 1000} are allowed: compare the clocks of gateway and node`,
      );
    }
  }

  #takeNonce(nonce: string): void {
    const verdict = this.#nonces.take(nonce);
    if (verdict === "seen") throw denied("this very request came before");
    if (verdict === "full") {
      throw new RefusedRequestError("Unavailable", "too many changes in too short a time");
    }
  }
}

function denied(message: string): RefusedRequestError {
  return new RefusedRequestError("Denied", message);
}

function requestMac(keys: ClusterKeys, request: SignedRequest): Buffer {
  const { method, url, nodeId, session, timeMs, nonce, body, owner } = request;
  const lines = `${method}\n${url}\n${nodeId}\n${session}\n${timeMs}\n${nonce}\n${body}`;
  return createHmac("sha256", keys.request)
    .update(owner === undefined ? lines : `${lines}\n${owner}`)
    .digest();
}

function answerMac(keys: ClusterKeys, answer: SignedAnswer): Buffer {
  return createHmac("sha256", keys.answer)
    .update(`${answer.nonce}\n${answer.status}\n${answer.body}`)
    .digest();
}
