// Proof between gateways and nodes: each part of a request and of an answer is covered, time and nonces are judged by
// the node's clock, and the memory for nonces is bounded.

import { expect, test } from "vitest";
import { NonceStore } from "../../../src/datanode/nonce-store.ts";
import {
  ANYONE,
  deriveClusterKeys,
  EMPTY_BODY_DIGEST,
  FRESH_MS,
  isAnswerProven,
  makeNonce,
  proveAnswer,
  renderAuthorization,
  RequestVerifier,
  type SignedRequest,
} from "../../../src/datanode/rpc-auth.ts";

const keys = deriveClusterKeys("the secret of the cluster, long enough");
const session = "a".repeat(32);

class HandClock {
  nowMs = 1_700_000_000_000;
  monotonicMs = 0;
  now = (): number => this.nowMs;
  monotonic = (): number => this.monotonicMs;
  translate = (dateMs: number): number => dateMs;
}

function givenVerifier() {
  const clock = new HandClock();
  const verifier = new RequestVerifier({ keys, nodeId: "node-a", session, clock });
  const requestOf = (change: Partial<SignedRequest> = {}): SignedRequest => ({
    method: "GET",
    url: "/_kintsugi/node/drives/d/space",
    nodeId: "node-a",
    session,
    timeMs: clock.nowMs,
    nonce: makeNonce(),
    body: EMPTY_BODY_DIGEST,
    ...change,
  });
  const verify = (request: SignedRequest, text = renderAuthorization(keys, request)) =>
    verifier.verify({ ...request, isHello: request.url.endsWith("hello") }, text);
  return { clock, verify, requestOf };
}

test("a secret that is too short is refused", () => {
  expect(() => deriveClusterKeys("x".repeat(31))).toThrow(/at least 32 characters/);
});

test("what was signed is let in, and a hello that names nobody", () => {
  const { verify, requestOf } = givenVerifier();
  const request = requestOf();
  expect(verify(request)).toEqual(request);
  const hello = { url: "/_kintsugi/node/hello", nodeId: ANYONE, session: ANYONE };
  expect(verify(requestOf(hello)).nodeId).toBe(ANYONE);
});

test("S88 each part of a request is covered by its signature", () => {
  const { verify, requestOf, clock } = givenVerifier();
  const request = requestOf();
  const text = renderAuthorization(keys, request);
  const changes: readonly Partial<SignedRequest>[] = [{ method: "DELETE" }, { url: "/other" }];
  for (const change of changes)
    expect(() => verify({ ...request, ...change }, text)).toThrow(/proof/);
  const parts = [
    ["node=node-a", "node=node-b"],
    [`session=${session}`, `session=${"b".repeat(32)}`],
    [`time=${clock.nowMs}`, `time=${clock.nowMs + 1}`],
    [`nonce=${request.nonce}`, `nonce=${"0".repeat(32)}`],
    [`body=${EMPTY_BODY_DIGEST}`, "body=UNSIGNED"],
  ] as const;
  for (const [from, to] of parts) {
    expect(text).toContain(from);
    expect(() => verify(request, text.replace(from, to))).toThrow(/proof/);
  }
  expect(() => verify(request, `${text} `)).toThrow(/proof/);
  expect(() => verify(request, text.replace("Kintsugi ", "kintsugi "))).toThrow(/proof/);
});

test("S88 a request is fresh for a minute to either side of the node's clock", () => {
  const { verify, requestOf, clock } = givenVerifier();
  const request = requestOf();
  clock.nowMs += FRESH_MS;
  verify(request);
  clock.nowMs += 1;
  expect(() => verify(request)).toThrow(/compare the clocks/);
  verify(requestOf({ timeMs: clock.nowMs + FRESH_MS }));
  expect(() => verify(requestOf({ timeMs: clock.nowMs + FRESH_MS + 1 }))).toThrow(/clocks/);
});

test("S88 a change is let in once for as long as its signature is fresh", () => {
  const { verify, requestOf, clock } = givenVerifier();
  // Dated ahead, it stays fresh for twice the window.
  const request = requestOf({ method: "DELETE", timeMs: clock.nowMs + FRESH_MS });
  verify(request);
  for (let passedMs = 0; passedMs < 2 * FRESH_MS; passedMs += 10_000) {
    expect(() => verify(request)).toThrow(/came before/);
    clock.nowMs += 10_000;
    clock.monotonicMs += 10_000;
    verify(requestOf({ method: "DELETE" }));
  }
});

test("S88 a request for another node, another life of it, or for anyone is refused", () => {
  const { verify, requestOf } = givenVerifier();
  expect(() => verify(requestOf({ nodeId: "node-b" }))).toThrow(/another node/);
  expect(() => verify(requestOf({ nodeId: ANYONE }))).toThrow(/another node/);
  expect(() => verify(requestOf({ session: "b".repeat(32) }))).toThrow(/earlier life/);
  expect(() => verify(requestOf({ session: ANYONE }))).toThrow(/earlier life/);
});

test("an answer's proof covers the request that it answers, its status and its body", () => {
  const answer = { nonce: makeNonce(), status: 200, body: EMPTY_BODY_DIGEST };
  const proof = proveAnswer(keys, answer);
  expect(isAnswerProven(keys, answer, proof)).toBe(true);
  expect(isAnswerProven(keys, { ...answer, nonce: makeNonce() }, proof)).toBe(false);
  expect(isAnswerProven(keys, { ...answer, status: 404 }, proof)).toBe(false);
  expect(isAnswerProven(keys, { ...answer, body: "UNSIGNED" }, proof)).toBe(false);
  for (const other of ["", "zz", proof.slice(2), `${proof}00`]) {
    expect(isAnswerProven(keys, answer, other)).toBe(false);
  }
});

test("nonces are kept for at least the time asked for, and no more of them than allowed", () => {
  let now = 0;
  const store = new NonceStore({ now: () => now, keepMs: 100, countMax: 3 });
  expect(["a", "b", "c", "d"].map((nonce) => store.take(nonce))).toEqual([
    "new",
    "new",
    "new",
    "full",
  ]);
  now = 100;
  expect(["a", "d", "e", "f", "g"].map((nonce) => store.take(nonce))).toEqual([
    "seen",
    "new",
    "new",
    "new",
    "full",
  ]);
  now = 200;
  expect(["a", "d"].map((nonce) => store.take(nonce))).toEqual(["new", "seen"]);
  now = 1_000;
  expect(store.take("d")).toBe("new");
});

test("nonces differ", () => {
  const nonces = new Set(Array.from({ length: 1_000 }, makeNonce));
  expect(nonces.size).toBe(1_000);
  expect([...nonces].every((nonce) => /^[0-9a-f]{32}$/.test(nonce))).toBe(true);
});
