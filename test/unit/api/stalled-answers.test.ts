// Clients that do not take their answers (F70): what counts is what the kernel accepts, not what they send meanwhile.

import type { ServerResponse } from "node:http";
import { connect, Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { endExchange } from "../../../src/api/end-exchange.ts";
import { sendResponse, stalledAnswers } from "../../../src/api/send-response.ts";
import { StalledAnswers } from "../../../src/api/stalled-answers.ts";
import type { ByteWindow } from "../../../src/store/byte-window.ts";
import { serveWith } from "../../support/http-handler.ts";
import type { HandlerLab } from "../../support/http-handler.ts";
import { until } from "../../support/until.ts";

const MIB = 1024 * 1024;
const SIZE_BYTES = 256 * MIB;
const LIMIT_MS = 20_000;
/** As many looks without any progress end an answer. */
const LOOKS = 12;
/** What the client sends meanwhile. */
const NEXT_REQUEST = "GET /next-one HTTP/1.1\r\n";
/** The tests look themselves. */
const NEVER_MS = 1e9;

let lab: HandlerLab | undefined;
let client: Socket | undefined;
afterEach(async () => {
  client?.destroy();
  await lab?.stop();
  lab = undefined;
});

interface Stalled {
  readonly out: ServerResponse;
  readonly reader: Socket;
  readonly fate: { made: number; released: number };
}

/** A client that has asked, and takes nothing; the server's socket is full. */
async function givenStalledAnswer(): Promise<Stalled> {
  const fate = { made: 0, released: 0 };
  async function* windows(): AsyncGenerator<ByteWindow, void, undefined> {
    while (fate.made < SIZE_BYTES / MIB) {
      fate.made += 1;
      yield { chunks: [Buffer.alloc(MIB)], release: () => void (fate.released += 1) };
    }
  }
  const begun: ServerResponse[] = [];
  lab = await serveWith((_message, out) => {
    begun.push(out);
    const body = { windows: windows(), sizeBytes: SIZE_BYTES };
    sendResponse(out, { status: 200, headers: {}, body }, {}).then(
      () => out.end(),
      () => undefined,
    );
  });
  const reader = connect(lab.port, "127.0.0.1");
  client = reader;
  reader.on("error", () => undefined);
  reader.pause();
  reader.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  await until(LIMIT_MS, "the answer begins", () => begun.length > 0);
  const [out] = begun;
  if (out === undefined) throw new Error("no request came");
  await untilFull(out);
  return { out, reader, fate };
}

/** Resolves when the kernel has taken all that it takes for now. */
async function untilFull(out: ServerResponse): Promise<void> {
  let seen = "";
  let steady = 0;
  while (steady < 100) {
    const handle: unknown = Reflect.get(out.socket ?? {}, "_handle");
    const queued: unknown = Reflect.get(handle ?? {}, "writeQueueSize");
    const now = `${String(queued)} ${out.socket?.bytesWritten}`;
    steady = now === seen && queued !== 0 ? steady + 1 : 0;
    seen = now;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The answer that the kernel does not take, of those that are asked for one by one. */
async function untilStuck(answers: readonly ServerResponse[]): Promise<ServerResponse> {
  for (;;) {
    await until(LIMIT_MS, "an answer waits", () => (answers.at(-1)?.writableLength ?? 0) > 0);
    const out = answers.at(-1);
    if (out === undefined) continue;
    await untilFull(out);
    if (!out.writableFinished) return out;
  }
}

async function take(reader: Socket, bytes: number): Promise<void> {
  const before = reader.bytesRead;
  reader.resume();
  await until(LIMIT_MS, "something is taken", () => reader.bytesRead - before >= bytes);
  reader.pause();
}

function look(answers: StalledAnswers, times: number): void {
  for (let index = 0; index < times; index += 1) answers.look();
}

test("a client that takes nothing is cut off, although it sends a byte now and then (F70)", async () => {
  const { out, reader, fate } = await givenStalledAnswer();
  const answers = new StalledAnswers(NEVER_MS);
  answers.watch(out);
  // The first look has nothing to compare with.
  answers.look();
  for (const byte of NEXT_REQUEST.slice(0, LOOKS - 1)) {
    const before = out.socket?.bytesRead ?? 0;
    reader.write(byte);
    await until(LIMIT_MS, "the byte comes", () => (out.socket?.bytesRead ?? 0) > before);
    answers.look();
  }
  expect(out.destroyed).toBe(false);
  answers.look();
  expect(out.destroyed).toBe(true);
  await until(LIMIT_MS, "buffers come back", () => fate.released === fate.made);
  expect(fate.made).toBeLessThan(SIZE_BYTES / MIB);
  expect([answers.count, stalledAnswers.count]).toEqual([0, 0]);
});

test("a client that takes a little now and then is not", async () => {
  const { out, reader } = await givenStalledAnswer();
  const answers = new StalledAnswers(NEVER_MS);
  answers.watch(out);
  for (let round = 0; round < 3; round += 1) {
    look(answers, LOOKS);
    expect(out.destroyed).toBe(false);
    await take(reader, 8 * MIB);
    await untilFull(out);
  }
  look(answers, LOOKS + 1);
  expect(out.destroyed).toBe(true);
});

test("an answer is watched from when its socket is full until it ends", async () => {
  const { out, reader } = await givenStalledAnswer();
  expect(stalledAnswers.count).toBe(1);
  reader.resume();
  await until(LIMIT_MS, "the answer ends", () => out.writableFinished);
  await until(LIMIT_MS, "nothing is watched", () => stalledAnswers.count === 0);
  await until(LIMIT_MS, "all of it comes", () => reader.bytesRead > SIZE_BYTES);
  expect(stalledAnswers.connectionCount).toBe(1);
  reader.destroy();
  await until(LIMIT_MS, "it is forgotten", () => stalledAnswers.connectionCount === 0);
});

test("answers without a body are watched too: a client asks for one after the other, and takes none", async () => {
  const answers: ServerResponse[] = [];
  const reader = new Socket();
  client = reader;
  const ask = () => reader.write("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  lab = await serveWith(async (message, out) => {
    answers.push(out);
    out.once("finish", ask);
    const headers = { "content-length": "1", "x-amz-meta-much": "m".repeat(8_000) };
    await sendResponse(out, { status: 200, headers, body: undefined }, {});
    await endExchange({ message, out, isBroken: false });
  });
  reader.on("error", () => undefined);
  reader.connect(lab.port, "127.0.0.1");
  reader.pause();
  ask();
  const out = await untilStuck(answers);
  expect(stalledAnswers.count).toBe(1);
  look(stalledAnswers, LOOKS + 1);
  expect(out.destroyed).toBe(true);
  await until(LIMIT_MS, "nothing is watched", () => stalledAnswers.count === 0);
});

test("by the clock it comes without being asked", async () => {
  const { out } = await givenStalledAnswer();
  const answers = new StalledAnswers(LOOKS);
  answers.watch(out);
  await until(LIMIT_MS, "it is cut off", () => out.destroyed);
  expect(out.writableFinished).toBe(false);
});
