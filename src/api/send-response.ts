// Answers on their way out. Object bytes go window by window: each is written whole, the next is asked for when the
// socket has room, and its buffers go back when the kernel has them. An answer that fails half-way is cut off.

import type { ServerResponse } from "node:http";
import type { ByteWindow, ByteWindows } from "../store/byte-window.ts";
import { isSendable } from "./headers.ts";
import type { S3Response } from "./operation.ts";
import { StalledAnswers } from "./stalled-answers.ts";

const SEND_IDLE_MS = 60_000;

/** A client that takes nothing for that long is cut off. */
export const stalledAnswers = new StalledAnswers(SEND_IDLE_MS);

/** What goes with every answer. */
type CommonHeaders = Readonly<Record<string, string>>;

/**
 * Sends headers and body up to its last byte; ends the answer only where that costs nothing. Resolves to the body's size in bytes.
 * `beforeHead` is called at the last moment at which another answer may be sent, and throws to have it so.
 * @throws what reading the body throws; where no header has been sent yet, another answer may be.
 */
export async function sendResponse(
  out: ServerResponse,
  response: S3Response,
  common: CommonHeaders,
  beforeHead: () => void = () => undefined,
): Promise<number> {
  const { body } = response;
  const isBodiless =
    out.req.method === "HEAD" || response.status === 204 || response.status === 304;
  if (body === undefined || isBodiless) {
    beforeHead();
    const isEmpty = !isBodiless && response.headers["content-length"] === undefined;
    writeHead(out, response, common, isEmpty ? 0 : undefined);
    return 0;
  }
  if (typeof body === "string" || body instanceof Uint8Array) {
    // Text as bytes: Node would write headers that share a packet with a string in that string's encoding.
    const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body;
    beforeHead();
    writeHead(out, response, common, bytes.byteLength);
    sendBytes(out, bytes);
    return bytes.byteLength;
  }
  const begin = (): void => {
    beforeHead();
    writeHead(out, response, common, body.sizeBytes);
  };
  await sendWindows(out, body.windows, begin);
  return body.sizeBytes;
}

/** All that follows the head, in one call of the system with it: ending later would be another. */
function sendBytes(out: ServerResponse, bytes: Uint8Array): void {
  // What is left of a request is read away before its answer ends.
  if (out.req.complete) out.end(bytes);
  else out.write(bytes);
}

/** `bodyBytes`: of the body that follows; undefined where what the response says of its length is true. */
function writeHead(
  out: ServerResponse,
  response: S3Response,
  common: CommonHeaders,
  bodyBytes: number | undefined,
): void {
  const lines: string[] = [];
  for (const name in common) lines.push(name, common[name] ?? "");
  if (bodyBytes !== undefined) lines.push("content-length", String(bodyBytes));
  for (const name of Object.keys(response.headers)) {
    if (bodyBytes !== undefined && name === "content-length") continue;
    // A stored value that no header can carry is left out rather than making the object unreadable.
    const value = response.headers[name] ?? "";
    if (isSendable(value) && !(name in common)) lines.push(name, value);
  }
  out.writeHead(response.status, lines);
}

/** The head waits for the first bytes: a reading that fails at once (too few good shards) still gets its status. */
async function sendWindows(
  out: ServerResponse,
  windows: ByteWindows,
  begin: () => void,
): Promise<void> {
  const pending = new Set<ByteWindow>();
  const releaseAll = (): void => pending.forEach((window) => release(pending, window));
  try {
    for await (const window of windows) {
      pending.add(window);
      if (out.destroyed) throw new Error("the client went away");
      if (!out.headersSent) begin();
      if (!writeWindow(out, window, pending)) await drained(out);
    }
    if (!out.headersSent) begin();
  } catch (error) {
    if (out.headersSent) out.destroy();
    // Buffers in a write that never calls back are free once the socket is gone.
    if (out.closed || !out.headersSent) releaseAll();
    else out.once("close", releaseAll);
    throw error;
  }
}

/** Whether the socket has room for more. */
function writeWindow(out: ServerResponse, window: ByteWindow, pending: Set<ByteWindow>): boolean {
  const last = window.chunks.length - 1;
  if (last < 0) {
    release(pending, window);
    return true;
  }
  let hasRoom = true;
  out.cork();
  for (const [index, chunk] of window.chunks.entries()) {
    hasRoom = index === last ? out.write(chunk, () => release(pending, window)) : out.write(chunk);
  }
  out.uncork();
  return hasRoom;
}

function release(pending: Set<ByteWindow>, window: ByteWindow): void {
  if (pending.delete(window)) window.release();
}

async function drained(out: ServerResponse): Promise<void> {
  stalledAnswers.watch(out);
  await new Promise<void>((resolve, reject) => {
    const settle = (): void => {
      out.off("drain", settle);
      out.off("close", settle);
      if (out.destroyed) reject(new Error("the client went away"));
      else resolve();
    };
    out.on("drain", settle);
    out.on("close", settle);
  });
}
