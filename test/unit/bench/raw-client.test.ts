// The benchmark's client: it must cost little, and yet not take a wrong answer for a right one.

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { RawClient } from "../../../bench/raw-client.ts";
import { fire, type Shot } from "../../../bench/works/work.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Answers each request with the pieces, each in a write of its own; keeps what came. */
async function answering(...pieces: readonly string[]) {
  const received: Buffer[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      received.push(chunk);
      void (async () => {
        for (const piece of pieces) {
          socket.write(piece, "latin1");
          await new Promise(setImmediate);
        }
        if (pieces.at(-1) === "") socket.destroy();
      })();
    });
  }).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { client: new RawClient("127.0.0.1", address.port), received };
}

const get = { method: "GET", target: "/a", keepBody: true };

test("an answer with a length is taken whole, wherever its pieces part, and the connection serves on", async () => {
  const { client } = await answering("HTTP/1.1 200 OK\r\nContent-", "Length: 5\r\n\r\nhe", "llo");
  for (let turn = 0; turn < 3; turn += 1) {
    const answer = await client.send(get);
    expect([answer.status, answer.bodyBytes, answer.body.toString()]).toEqual([200, 5, "hello"]);
  }
  client.close();
});

test.each([
  ["at once", ["4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n"]],
  ["byte by byte", "4\r\nWiki\r\n5\r\npedia\r\n0\r\nA: b\r\n\r\n".split("")],
  ["with an end of message inside of a chunk", ["9\r\nW\r\n0\r\n\r\na\r\n0\r", "\n\r\n"]],
])("a chunked answer is taken apart: %s", async (_name, pieces) => {
  const { client } = await answering(
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    ...pieces,
  );
  const answer = await client.send(get);
  const expected = pieces.length === 2 ? "W\r\n0\r\n\r\na" : "Wikipedia";
  expect([answer.bodyBytes, answer.body.toString()]).toEqual([9, expected]);
  client.close();
});

test.each([
  [
    "a chunk's size that is none",
    ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "zz\r\n"],
  ],
  ["more bytes than were announced", ["HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab"]],
  ["an end before the body's", ["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab", ""]],
])("%s fails the request", async (_name, pieces) => {
  const { client } = await answering(...pieces);
  await expect(client.send(get)).rejects.toThrow(/./);
  client.close();
});

test("a small body leaves with its head, stamped; the body that was given stays as it is", async () => {
  const { client, received } = await answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  const body = Buffer.alloc(16, "x");
  const head = Buffer.from("PUT /a HTTP/1.1\r\ncontent-length: 16\r\n\r\n");
  await client.shoot({ head, body, stamp: 7 });
  client.close();
  const sent = Buffer.concat(received);
  expect(sent.subarray(0, head.length)).toEqual(head);
  expect(sent.readDoubleLE(head.length)).toBe(7);
  expect(sent.toString("latin1", head.length + 8)).toBe("x".repeat(8));
  expect(body).toEqual(Buffer.alloc(16, "x"));
});

function refuse(): void {
  throw new Error("wrong");
}

const shot: Shot = {
  method: "GET",
  path: "/a",
  head: Buffer.from("GET /a HTTP/1.1\r\n\r\n"),
  status: 200,
  answerBytes: 2,
  keepBody: true,
};

test.each([
  ["the status", "HTTP/1.1 503 Slow Down\r\ncontent-length: 2\r\n\r\nno", /503 instead of 200/],
  ["the length", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", /3 bytes instead of 2/],
  ["the bytes", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab", /wrong/],
])("an operation fails where %s is not what it must be", async (_name, answer, words) => {
  const { client } = await answering(answer);
  await expect(fire(client, { ...shot, verify: refuse })).rejects.toThrow(words);
  client.close();
});
