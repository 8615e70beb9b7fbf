// Bytes that no client would send, over bare sockets: each is refused in JSON or cut off, the server goes on, and what is
// not proven is never read.

import { afterAll, beforeAll, expect, test } from "vitest";
import { exchange, sendRaw } from "../support/raw-http.ts";
import { codeOfAnswer, startAdmin, type AdminLab } from "../support/admin-server.ts";
import { wireBytes } from "../support/signing.ts";

let lab: AdminLab;
const endings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  lab = await startAdmin({}, (end) => endings.push(end));
});
afterAll(async () => {
  // Whatever was tried: it still answers.
  expect((await lab.send({ path: "/v1/status" })).status).toBe(200);
  for (const end of endings) await end();
});

const head = (change: (text: string) => string): string =>
  change(lab.render({ path: "/v1/status" }).toString("latin1"));
const addLine = (line: string) => (text: string) => text.replace("\r\n\r\n", `\r\n${line}\r\n\r\n`);

test.each([
  [
    "Content-Length and Transfer-Encoding",
    addLine("content-length: 3\r\ntransfer-encoding: chunked"),
  ],
  ["two Content-Lengths", addLine("content-length: 3\r\ncontent-length: 4")],
  ["Transfer-Encoding: xchunked", addLine("transfer-encoding: xchunked")],
  ["a folded header", addLine("x-folded: a\r\n b")],
  ["a NUL in a header", addLine("x-nul: a\0b")],
  ["a space before the colon", addLine("x-space : a")],
  ["bare line feeds", (text: string) => text.replaceAll("\r\n", "\n")],
  ["a Content-Length with a sign", addLine("content-length: +3")],
  ["no Host", (text: string) => text.replace(/host: [^\r]*\r\n/, "")],
  ["HTTP/9.9", (text: string) => text.replace("HTTP/1.1", "HTTP/9.9")],
  ["a method that nobody knows", (text: string) => text.replace("GET", "BREW")],
])("%s is refused", async (_name, change) => {
  const answer = await sendRaw(lab.port, head(change), { untilClosed: true });
  expect(answer.status).toBe(400);
  expect(answer.rest).toBe("");
});

test("two Authorization headers are refused: of two one might be judged, the other obeyed", async () => {
  const answer = await sendRaw(lab.port, head(addLine("authorization: AWS4-HMAC-SHA256 x=y")));
  expect(answer.status).toBe(403);
});

test("headers beyond the limit are refused", async () => {
  const large = addLine(`x-filler: ${"f".repeat(20_000)}`);
  const answer = await sendRaw(lab.port, head(large), { untilClosed: true });
  expect([answer.status, codeOfAnswer(answer)]).toEqual([431, "RequestHeaderSectionTooLarge"]);
  const many = addLine(Array.from({ length: 900 }, (_, i) => `x-${i}: 0123456789`).join("\r\n"));
  expect((await sendRaw(lab.port, head(many))).status).toBeGreaterThanOrEqual(400);
});

test("a URL of a megabyte is refused", async () => {
  const bytes = `GET /${"u".repeat(1_000_000)} HTTP/1.1\r\nhost: ${new URL(lab.endpoint).host}\r\n\r\n`;
  expect((await sendRaw(lab.port, bytes)).status).toBe(431);
});

test("a refused request with another one in its body: the other is never seen", async () => {
  const inner = lab.render({ path: "/v1/status" }).toString("latin1");
  const answer = await sendRaw(
    lab.port,
    lab.render({ method: "POST", path: "/v1/sweep", body: inner, keys: lab.otherKeys }),
    { untilClosed: true },
  );
  expect([answer.status, answer.rest]).toEqual([403, ""]);
});

test("100-continue is not given before the proof", async () => {
  const request = { method: "POST", path: "/v1/sweep", headers: { "content-length": "2000000" } };
  const bytes = lab.render({ ...request, keys: lab.otherKeys, tamper: expectContinue });
  // The body is never sent: only an answer without it lets this end.
  expect((await sendRaw(lab.port, bytes)).status).toBe(403);
});

test("100-continue is given to who has the key", async () => {
  const body = '{"dryRun":true}';
  const whole = lab.render({ method: "POST", path: "/v1/sweep", body, tamper: expectContinue });
  const text = whole.toString("latin1");
  const split = text.indexOf("\r\n\r\n") + 4;
  const answer = await exchange(lab.port, (socket) => {
    socket.write(text.slice(0, split));
    socket.once("data", (chunk) => {
      if (chunk.toString().startsWith("HTTP/1.1 100")) socket.write(text.slice(split));
    });
  });
  expect(answer.status).toBe(200);
});

function expectContinue(headers: Record<string, string>): void {
  headers["expect"] = "100-continue";
}

test("a body beyond the limit is refused before it has been sent whole", async () => {
  const body = JSON.stringify({ bucket: "b".repeat(200_000) });
  const answer = await lab.send({ method: "POST", path: "/v1/verify", body });
  expect([answer.status, codeOfAnswer(answer)]).toEqual([413, "EntityTooLarge"]);
});

test("a body that ends early starts nothing", async () => {
  const bytes = lab.render({ method: "POST", path: "/v1/sweep", body: '{"dryRun":true}' });
  await expect(
    exchange(lab.port, (socket) => socket.end(bytes.subarray(0, -3))),
  ).resolves.toMatchObject({ status: 400 });
});

test.each([
  ["not JSON", "{", "MalformedJSON"],
  ["a list", "[]", "MalformedJSON"],
  ["null", "null", "MalformedJSON"],
  ["an unknown field", '{"al":true}', "InvalidArgument"],
  ["a prototype", '{"__proto__":{"all":true}}', "InvalidArgument"],
  ["a field of the wrong kind", '{"all":"yes"}', "InvalidArgument"],
  ["deep nesting", `{"all":${"[".repeat(20_000)}${"]".repeat(20_000)}}`, "InvalidArgument"],
])("%s as body is refused", async (_name, body, code) => {
  const answer = await lab.send({ method: "POST", path: "/v1/compact", body });
  expect([answer.status, codeOfAnswer(answer)]).toEqual([400, code]);
});

test("a query is refused", async () => {
  const answer = await lab.send({ path: "/v1/status", query: "a=b" });
  expect([answer.status, codeOfAnswer(answer)]).toEqual([400, "InvalidArgument"]);
});

test("answers are for no cache, and their type is not guessed at", async () => {
  const { headers } = await sendRaw(lab.port, wireBytes("GET", "/v1/status", { host: "x" }));
  expect(headers.get("cache-control")).toBe("no-store");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
});
