// The body of a request from the socket: whole and in order, with back-pressure, 100-continue only when it is wanted,
// and an end to clients that stop sending.

import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RequestBody } from "../../../src/api/request-body.ts";
import { S3Error } from "../../../src/core/s3-error.ts";
import { serveWith } from "../../support/http-handler.ts";
import type { HandlerLab } from "../../support/http-handler.ts";

interface Given {
  readonly body: RequestBody;
  readonly message: IncomingMessage;
  readonly out: ServerResponse;
  readonly socket: Socket;
  readonly started: () => number;
}

const IDLE_MS = 60_000;

let lab: HandlerLab | undefined;
// The time that a client is given passes by the tests' hand; everything else is real.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["clearInterval", "setInterval"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await lab?.stop();
  lab = undefined;
});

/** A server that has got the head of a request, and the client's end of the connection. */
async function givenRequest(head: string): Promise<Given> {
  let starts = 0;
  let arrive: ((message: IncomingMessage, out: ServerResponse) => void) | undefined;
  lab = await serveWith((message, out) => arrive?.(message, out));
  const socket = connect(lab.port, "127.0.0.1");
  socket.on("error", () => undefined);
  return new Promise((resolve) => {
    arrive = (message, out) => {
      const body = new RequestBody(message, {
        idleMs: IDLE_MS,
        beforeFirstRead: () => {
          starts += 1;
          if (message.headers.expect !== undefined) out.writeContinue();
        },
      });
      resolve({ body, message, out, socket, started: () => starts });
    };
    socket.write(`${head}\r\nHost: h\r\n\r\n`);
  });
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const PUT = (length: number, more = "") => `PUT / HTTP/1.1\r\nContent-Length: ${length}${more}`;

test("a body comes whole and in order", async () => {
  const { body, socket } = await givenRequest(PUT(300_000));
  for (let part = 0; part < 30; part += 1) socket.write(String(part % 10).repeat(10_000));
  const text = await readAll(body);
  expect(text).toHaveLength(300_000);
  expect(text.slice(9_999, 10_001)).toBe("01");
  expect(body.receivedBytes).toBe(300_000);
});

test("of a body that passes, chunks are there until the next is asked for", async () => {
  const size = 4 * 1024 * 1024;
  const { body, socket } = await givenRequest(PUT(size));
  const sent = randomBytes(size);
  socket.write(sent);
  const seen: Uint8Array[] = [];
  const copies: Buffer[] = [];
  for await (const chunk of body.passing()) {
    seen.push(chunk);
    copies.push(Buffer.from(chunk));
  }
  expect(Buffer.concat(copies).equals(sent)).toBe(true);
  const large = copies.flatMap(({ length }, index) => (length >= 16 * 1024 ? [index] : []));
  expect(large).not.toEqual([]);
  // Its memory was given back, or used again.
  const kept = large.flatMap((index) => (seen[index]?.length === 0 ? [] : [seen[index]?.buffer]));
  expect(new Set(kept).size).toBeLessThan(5);
});

test("a slow reader holds the sender back", async () => {
  const size = 64 * 1024 * 1024;
  const { body, socket, message } = await givenRequest(PUT(size));
  socket.write(Buffer.alloc(size));
  const reader = body[Symbol.asyncIterator]();
  await reader.next();
  // Whatever comes until nothing more comes is bounded by the queue, far below the body.
  let before = -1;
  while (before !== body.receivedBytes) {
    before = body.receivedBytes;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(body.receivedBytes).toBeLessThan(1024 * 1024);
  expect(message.isPaused()).toBe(true);
  let readBytes = 0;
  for (let step = await reader.next(); step.done !== true; step = await reader.next()) {
    readBytes += step.value.byteLength;
  }
  expect(readBytes).toBeGreaterThan(size - 1024 * 1024);
});

test("100-continue goes out with the first read, once (S82)", async () => {
  const { body, socket, started } = await givenRequest(PUT(2, "\r\nExpect: 100-continue"));
  const seen: string[] = [];
  socket.on("data", (data) => {
    seen.push(data.toString());
    socket.write("ok");
  });
  expect(started()).toBe(0);
  expect(await readAll(body)).toBe("ok");
  expect(started()).toBe(1);
  expect(seen).toEqual(["HTTP/1.1 100 Continue\r\n\r\n"]);
});

test("a client that goes away leaves IncompleteBody", async () => {
  const { body, socket } = await givenRequest(PUT(100));
  socket.write("half");
  const reading = readAll(body);
  await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  await expect(reading).rejects.toMatchObject({ code: "IncompleteBody" });
});

test("a client that stops sending gets RequestTimeout, on a connection that still works (S78)", async () => {
  const { body, socket, out } = await givenRequest(PUT(100));
  const reading = readAll(body).catch((error: unknown) => error);
  await new Promise((resolve) => setImmediate(resolve));
  vi.advanceTimersByTime(IDLE_MS - 1);
  socket.write("half");
  await until(() => body.receivedBytes === 4);
  vi.advanceTimersByTime(IDLE_MS);
  expect(await reading).toMatchObject({ code: "RequestTimeout" });
  const answer = new Promise<string>((resolve) => {
    socket.once("data", (data) => resolve(data.toString()));
  });
  out.writeHead(400, { connection: "close" }).end();
  expect(await answer).toMatch(/^HTTP\/1.1 400/);
});

test("a client that makes progress may take as long as it likes", async () => {
  const { body, socket } = await givenRequest(PUT(10_000));
  const reading = readAll(body);
  for (let part = 1; part <= 10; part += 1) {
    socket.write("x".repeat(1_000));
    await until(() => body.receivedBytes === part * 1_000);
    vi.advanceTimersByTime(IDLE_MS / 2);
  }
  expect(await reading).toHaveLength(10_000);
});

test("a reader that takes its time is not the client's fault", async () => {
  const { body, socket } = await givenRequest(PUT(4));
  socket.write("full");
  let text = "";
  for await (const chunk of body) {
    text += Buffer.from(chunk).toString();
    vi.advanceTimersByTime(10 * IDLE_MS);
  }
  expect(text).toBe("full");
});

test("reading ends with the error that somebody else found, before it begins or while it waits", async () => {
  const early = await givenRequest(PUT(100));
  early.body.fail(new S3Error("BadRequest"));
  await expect(readAll(early.body)).rejects.toMatchObject({ code: "BadRequest" });
  await lab?.stop();

  const late = await givenRequest(PUT(100));
  const reading = readAll(late.body).catch((error: unknown) => error);
  await new Promise((resolve) => setImmediate(resolve));
  late.body.fail(new S3Error("BadRequest"));
  late.body.fail(new S3Error("RequestTimeout"));
  expect(await reading).toMatchObject({ code: "BadRequest" });
});

test("a body is read once", async () => {
  const { body, socket } = await givenRequest(PUT(2));
  socket.write("ok");
  await readAll(body);
  await expect(readAll(body)).rejects.toThrow("read once");
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
