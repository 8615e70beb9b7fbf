// Answers on the wire: lengths, headers of any byte, windows given back once and only once, and failures that show.

import type { ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import type { S3Response } from "../../../src/api/operation.ts";
import { sendResponse } from "../../../src/api/send-response.ts";
import type { ByteWindow } from "../../../src/store/byte-window.ts";
import { serveWith } from "../../support/http-handler.ts";
import type { HandlerLab } from "../../support/http-handler.ts";
import { exchange, sendRaw } from "../../support/raw-http.ts";
import type { RawAnswer } from "../../support/raw-http.ts";

let lab: HandlerLab | undefined;
afterEach(async () => {
  await lab?.stop();
  lab = undefined;
});

const COMMON = { "x-amz-request-id": "1" };

async function answerTo(method: string, response: S3Response): Promise<RawAnswer> {
  lab = await serveWith((_message, out) => {
    void sendResponse(out, response, COMMON).then(() => out.end());
  });
  return sendRaw(lab.port, `${method} / HTTP/1.1\r\nHost: h\r\n\r\n`, {
    isHead: method === "HEAD",
  });
}

/** Windows that count what becomes of them. */
function givenWindows(count: number, chunkBytes: number, failAfter = count) {
  const fate = { made: 0, released: 0, releasedTwice: 0 };
  async function* windows(): AsyncGenerator<ByteWindow, void, undefined> {
    for (let index = 0; index < count; index += 1) {
      if (index === failAfter) throw new Error("too few shards");
      fate.made += 1;
      let isReleased = false;
      yield {
        chunks: [Buffer.alloc(chunkBytes, index % 256), Buffer.alloc(chunkBytes, index % 256)],
        release() {
          if (isReleased) fate.releasedTwice += 1;
          isReleased = true;
          fate.released += 1;
        },
      };
    }
  }
  return { fate, windows: windows(), sizeBytes: count * chunkBytes * 2 };
}

test("text goes with its length in bytes, and headers keep their bytes beside it", async () => {
  const headers = { "content-type": "application/xml", "x-amz-meta-a": "caf\u00e9" };
  const answer = await answerTo("GET", { status: 200, headers, body: "<é/>" });
  expect(answer.body).toBe("<é/>");
  expect(answer.headers.get("content-length")).toBe("5");
  expect(answer.headers.get("x-amz-meta-a")).toBe("caf\u00e9");
  expect(answer.headers.get("x-amz-request-id")).toBe("1");
});

function refuse(): never {
  throw new Error("no longer in charge");
}

test("an answer that may not be given after all is not begun, and its windows go back", async () => {
  const { fate, windows, sizeBytes } = givenWindows(3, 10);
  const bodies: readonly S3Response["body"][] = ["text", undefined, { windows, sizeBytes }];
  for (const body of bodies) {
    lab = await serveWith((_message, out) => {
      const sent = sendResponse(out, { status: 200, headers: {}, body }, COMMON, refuse);
      void sent.catch(() => out.writeHead(503).end());
    });
    expect((await sendRaw(lab.port, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")).status).toBe(503);
    await lab.stop();
  }
  expect(fate).toEqual({ made: 1, released: 1, releasedTwice: 0 });
});

test.each([
  ["GET", 200, "0"],
  ["PUT", 200, "0"],
  ["DELETE", 204, undefined],
  ["GET", 304, undefined],
  ["HEAD", 404, undefined],
])("%s with %i and no body has the length %s", async (method, status, length) => {
  const answer = await answerTo(method, { status, headers: {}, body: undefined });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-length")).toBe(length);
});

test("a HEAD tells the length of what it does not send", async () => {
  const headers = { "content-length": "123456" };
  const answer = await answerTo("HEAD", { status: 200, headers, body: undefined });
  expect(answer.headers.get("content-length")).toBe("123456");
});

test("a stored value that no header can carry is left out (S77)", async () => {
  const headers = { "x-amz-meta-bad": "a\r\nb: c", "x-amz-meta-good": "d" };
  const answer = await answerTo("GET", { status: 200, headers, body: "x" });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-amz-meta-good")).toBe("d");
  expect(answer.headers.has("x-amz-meta-bad")).toBe(false);
});

test("windows arrive whole, and every one is given back once", async () => {
  const { fate, windows, sizeBytes } = givenWindows(50, 10_000);
  const answer = await answerTo("GET", { status: 200, headers: {}, body: { windows, sizeBytes } });
  expect(answer.headers.get("content-length")).toBe("1000000");
  expect(Buffer.byteLength(answer.body, "latin1")).toBeGreaterThanOrEqual(1_000_000);
  expect(fate).toEqual({ made: 50, released: 50, releasedTwice: 0 });
});

test("a reader that takes nothing gets no more windows than the sockets hold, and leaving frees them (F70)", async () => {
  const { fate, windows, sizeBytes } = givenWindows(2_000, 512 * 1024);
  const sent: unknown[] = [];
  lab = await serveWith((_message, out) => {
    sendResponse(out, { status: 200, headers: {}, body: { windows, sizeBytes } }, COMMON).catch(
      (error: unknown) => sent.push(error),
    );
  });
  await exchange(
    lab.port,
    (socket) => {
      socket.pause();
      socket.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
      void untilSteady(() => fate.made).then(() => socket.destroy());
    },
    { timeoutMs: 20_000 },
  ).catch(() => undefined);
  await untilSteady(() => fate.released + sent.length);
  expect(sent).toEqual([expect.any(Error)]);
  expect(fate.made).toBeLessThan(200);
  expect(fate).toEqual({ made: fate.made, released: fate.made, releasedTwice: 0 });
});

test("an answer that fails half-way is cut off, never finished short", async () => {
  const { fate, windows, sizeBytes } = givenWindows(10, 1_000, 3);
  const failed: ServerResponse[] = [];
  lab = await serveWith((_message, out) => {
    sendResponse(out, { status: 200, headers: {}, body: { windows, sizeBytes } }, COMMON).catch(
      () => failed.push(out),
    );
  });
  const answer = await sendRaw(lab.port, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", {
    untilClosed: true,
  }).catch(() => undefined);
  await untilSteady(() => fate.released + failed.length);
  expect(failed.map(({ destroyed }) => destroyed)).toEqual([true]);
  expect(answer?.body.length ?? 0).toBeLessThan(sizeBytes);
  expect(fate).toEqual({ made: 3, released: 3, releasedTwice: 0 });
});

test("a body that fails before its first byte leaves the head unsent, for an error", async () => {
  const { fate, windows, sizeBytes } = givenWindows(10, 1_000, 0);
  lab = await serveWith((_message, out) => {
    const response = { status: 200, headers: {}, body: { windows, sizeBytes } };
    sendResponse(out, response, COMMON).catch(async () => {
      await sendResponse(out, { status: 503, headers: {}, body: "sorry" }, COMMON);
      out.end();
    });
  });
  const answer = await sendRaw(lab.port, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  expect([answer.status, answer.body]).toEqual([503, "sorry"]);
  expect(fate).toEqual({ made: 0, released: 0, releasedTwice: 0 });
});

/** Resolves when a number has stopped changing over many turns of the loop. */
async function untilSteady(value: () => number): Promise<void> {
  let before = -1;
  let steady = 0;
  while (steady < 200) {
    steady = before === value() ? steady + 1 : 0;
    before = value();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
