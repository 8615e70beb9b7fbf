// The laboratory's light client: it signs as the careful one does, and takes an answer however its bytes are cut, but none
// that is cut off, too long or no HTTP.

import { expect, test, vi, onTestFinished } from "vitest";
import { AnswerParser } from "../../lab/answer-parser.ts";
import { LabSigner } from "../../lab/lab-signer.ts";
import { signV4 } from "../../support/signing.ts";

const KEYS = { accessKey: "access", secretKey: "secret" };

function answerOf(text: string, cuts: readonly number[] = [], isHead = false) {
  const bytes = Buffer.from(text, "latin1");
  const parser = new AnswerParser(isHead);
  const ends = [...cuts, bytes.length];
  let from = 0;
  let answer: ReturnType<AnswerParser["push"]>;
  for (const end of ends) {
    answer = parser.push(bytes.subarray(from, end));
    from = end;
  }
  return { parser, answer };
}

test("requests are signed as by the signer with every ingredient open", () => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  onTestFinished(() => void vi.useRealTimers());
  const signer = new LabSigner(KEYS);
  for (const [method, path, query] of [
    ["PUT", "/bucket/odd/a%20b", ""],
    ["POST", "/bucket", "delete="],
    ["GET", "/bucket", "prefix=a&list-type=2&max-keys=3&delimiter"],
    ["GET", "/bucket", "uploads"],
  ] as const) {
    const headers = { "x-amz-meta-op": "7", host: "localhost:1", "if-match": '"e"' };
    const payload = "UNSIGNED-PAYLOAD";
    const signed = signV4(KEYS, { method, path, query, headers, payload });
    const lines = signer.linesFor({ method, path, query, headers });
    const wanted = Object.entries(signed.headers).map(([name, value]) => `${name}: ${value}`);
    expect(lines.split("\r\n").filter(Boolean).toSorted()).toEqual(wanted.toSorted());
    vi.setSystemTime(Date.now() + 86_400_000);
  }
});

const PLAIN = 'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 5\r\nX: 1\r\nx: 2\r\n\r\nhello';
const CHUNKED =
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\nA\r\nello\r\n\r\n45\r\n0\r\n\r\n";

test("an answer is the same however its bytes are cut", () => {
  for (const [text, body] of [
    [PLAIN, "hello"],
    [`HTTP/1.1 100 Continue\r\n\r\n${PLAIN}`, "hello"],
    [CHUNKED, "hello\r\n\r\n45"],
  ] as const) {
    for (let first = 1; first < text.length; first += 1) {
      for (const cuts of [[first], [first, Math.min(first + 3, text.length - 1)]]) {
        const { answer, parser } = answerOf(text, cuts);
        expect(answer?.body.toString()).toBe(body);
        expect(answer?.status).toBe(200);
        expect(parser.keepsAlive).toBe(true);
      }
      expect(() => answerOf(text.slice(0, first)).parser.end()).toThrow(/no answer|cut off/);
    }
  }
  expect(answerOf(PLAIN).answer?.headers).toMatchObject({ etag: '"e"', x: "1, 2" });
});

test("an answer without a body has none, and one without a length ends with its connection", () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
  expect(answerOf(head, [], true).answer?.body.length).toBe(0);
  expect(answerOf("HTTP/1.1 204 No Content\r\n\r\n").answer?.status).toBe(204);
  const { answer, parser } = answerOf("HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\nwords");
  expect(answer).toBeUndefined();
  expect(parser.keepsAlive).toBe(false);
  expect(parser.end().body.toString()).toBe("words");
});

test.each([
  "HTTP/1.0 200 OK\r\n\r\n",
  "SMTP\r\n\r\n",
  "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
  "HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
  "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nabc",
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nHTTP",
])("%j is no answer", (text) => {
  expect(() => answerOf(text)).toThrow(/answer|header|chunk/);
});
