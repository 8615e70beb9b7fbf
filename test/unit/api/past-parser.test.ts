// Large bodies, past Node's parser: whole and in order, between other messages of the same connection, however the
// client cuts what it sends, and whatever ends them early. A seed repeats a run: BODY_SEED.

import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endExchange } from "../../../src/api/end-exchange.ts";
import { RequestBody } from "../../../src/api/request-body.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { serveWith } from "../../support/http-handler.ts";
import type { HandlerLab } from "../../support/http-handler.ts";
import { patterned } from "../../support/s3-server.ts";

const MIB = 1024 * 1024;
const seed = Number(process.env["BODY_SEED"] ?? Date.now() % 2 ** 31);

let lab: HandlerLab;
let client: Socket;
/** What the parser has handed out of all bodies, in bytes. */
let parsedBytes = 0;
/** Resolves when it may be read on, by the number of the chunk. */
let beforeChunk: (nth: number, body: RequestBody) => Promise<void> | void;
let beforeReading: (message: IncomingMessage) => void;
let failures: unknown[] = [];

beforeEach(async () => {
  parsedBytes = 0;
  failures = [];
  beforeChunk = () => undefined;
  beforeReading = () => undefined;
  lab = await serveWith(answer);
  client = connect(lab.port, "127.0.0.1");
  client.on("error", () => undefined);
  await once(client, "connect");
});

afterEach(async () => {
  client.destroy();
  await lab.stop();
});

/** Answers with the SHA-256 of the body. */
async function answer(message: IncomingMessage, out: ServerResponse): Promise<void> {
  const body = new RequestBody(message, { beforeFirstRead: () => undefined, idleMs: 60_000 });
  const hash = createHash("sha256");
  beforeReading(message);
  const push = message.push.bind(message);
  message.push = (chunk: Uint8Array | null) => {
    parsedBytes += chunk?.length ?? 0;
    return push(chunk);
  };
  try {
    let nth = 0;
    for await (const chunk of body.passing()) {
      await beforeChunk(nth, body);
      hash.update(chunk);
      nth += 1;
    }
    out.end(hash.digest("hex"));
  } catch (error) {
    failures.push(error);
    out.writeHead(400);
    out.write("refused");
    await endExchange({ message, out, isBroken: false });
  }
}

const put = (size: number) => `PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`;

const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** The bodies of so many answers, in order. */
async function answers(count: number, from = client): Promise<readonly string[]> {
  let text = "";
  for (;;) {
    const found = [...text.matchAll(/\r\n\r\n(?:[0-9a-f]+\r\n)?([0-9a-f]{64}|refused)/g)];
    if (found.length >= count) return found.map(([, body = ""]) => body);
    const [bytes] = (await once(from, "data")) as [Buffer];
    text += bytes.toString();
  }
}

test("a large body comes whole, and most of it past the parser", async () => {
  const sent = patterned(16 * MIB);
  client.write(put(sent.length));
  client.write(sent);
  expect(await answers(1)).toEqual([digestOf(sent)]);
  expect(parsedBytes).toBeLessThan(MIB);
});

test("where a connection has not what it takes, a body comes through the parser", async () => {
  beforeReading = ({ socket }) => {
    Object.defineProperty(Reflect.get(socket, "_handle"), "useUserBuffer", { value: undefined });
  };
  const sent = patterned(2 * MIB);
  client.write(put(sent.length));
  client.write(sent);
  expect(await answers(1)).toEqual([digestOf(sent)]);
  expect(parsedBytes).toBe(sent.length);
});

test(`messages of one connection follow each other, in whatever pieces they come (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  const pick = (sizes: readonly number[]) => sizes[random.below(sizes.length)] ?? 0;
  const bodies = Array.from({ length: 60 }, (_, nth) => {
    const largest = pick([10, 200_000, 600_000, 3 * MIB]);
    return patterned(random.below(largest), nth);
  });
  const stream = Buffer.concat(bodies.flatMap((body) => [Buffer.from(put(body.length)), body]));
  const answered = answers(bodies.length);
  for (let at = 0; at < stream.length;) {
    const piece = stream.subarray(at, at + 1 + random.below(pick([3_000, 100_000, 2 * MIB])));
    at += piece.length;
    if (!client.write(piece)) await once(client, "drain");
    if (random.below(4) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await answered).toEqual(bodies.map(digestOf));
  expect(failures).toEqual([]);
});

test("connections share the buffer, and get each its own bytes", async () => {
  const sharing = Array.from({ length: 8 }, async (_, nth) => {
    const own = connect(lab.port, "127.0.0.1");
    const sent = patterned(3 * MIB + nth * 1_000, nth);
    for (let time = 0; time < 3; time += 1) {
      own.write(put(sent.length));
      own.write(sent);
      expect(await answers(1, own)).toEqual([digestOf(sent)]);
    }
    // With a reset, as of a client that was killed, while nothing is asked for.
    own.resetAndDestroy();
  });
  await Promise.all(sharing);
  expect(failures).toEqual([]);
});

test("a slow reader holds the sender back", async () => {
  const sent = patterned(32 * MIB);
  let heldAt = 0;
  beforeChunk = async (nth, body) => {
    if (nth !== 20) return;
    for (let before = -1; before !== body.receivedBytes;) {
      before = body.receivedBytes;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    heldAt = body.receivedBytes;
  };
  client.write(put(sent.length));
  client.write(sent);
  expect(await answers(1)).toEqual([digestOf(sent)]);
  expect(heldAt).toBeGreaterThan(0);
  expect(heldAt).toBeLessThan(21 * 128 * 1024 + MIB);
});

test("a reader that gives up leaves the rest to be read away, and the next message is answered", async () => {
  const refused = patterned(3 * MIB);
  const next = patterned(2 * MIB, 2);
  beforeChunk = (nth, body) => {
    if (nth === 3 && body.receivedBytes > MIB / 4) {
      beforeChunk = () => undefined;
      throw new Error("given up");
    }
  };
  client.write(put(refused.length));
  client.write(refused);
  client.write(put(next.length));
  client.write(next);
  expect(await answers(2)).toEqual(["refused", digestOf(next)]);
  expect(failures).toMatchObject([{ message: "given up" }]);
});

test("an error from elsewhere ends the reading, while the reader waits for bytes", async () => {
  const sent = patterned(3 * MIB);
  beforeChunk = (nth, body) => {
    if (nth === 3) setTimeout(() => body.fail(new Error("found elsewhere")), 20);
  };
  client.write(put(sent.length));
  client.write(sent.subarray(0, MIB));
  await expect.poll(() => failures).toMatchObject([{ message: "found elsewhere" }]);
  const next = patterned(1_000, 2);
  client.write(sent.subarray(MIB));
  client.write(put(next.length));
  client.write(next);
  expect(await answers(2)).toEqual(["refused", digestOf(next)]);
});

test.each(["destroy", "end"] as const)(
  "a client that goes away (%s) leaves IncompleteBody, and its parser to others",
  async (way) => {
    client.write(put(8 * MIB));
    client.write(patterned(2 * MIB));
    beforeChunk = (nth) => {
      if (nth === 8) client[way]();
    };
    await expect.poll(() => failures).toMatchObject([{ code: "IncompleteBody" }]);
    beforeChunk = () => undefined;
    // Node keeps parsers for the connections that come next.
    for (let nth = 1; nth <= 3; nth += 1) {
      client = connect(lab.port, "127.0.0.1");
      const sent = patterned(nth * 1_000_000, nth);
      client.write(put(sent.length));
      client.write(sent);
      expect(await answers(1)).toEqual([digestOf(sent)]);
      client.destroy();
    }
  },
);
