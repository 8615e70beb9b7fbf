// The end of an exchange whose request may not have been read to its end. What is left of the body is read away within
// bounds, so that the client gets to see the answer instead of a reset; then the connection closes, so that nothing of
// that body is ever taken for another request.

import type { IncomingMessage } from "node:http";
import type { Exchange } from "./exchange.ts";
import { stalledAnswers } from "./send-response.ts";

const DRAIN_BYTES_MAX = 4 * 1024 * 1024;
const DRAIN_MS_MAX = 2_000;

/** Ends an answer that was written in full; watches what the kernel has not taken of it. */
export async function endExchange({
  message,
  out,
  isBroken,
}: Pick<Exchange, "isBroken" | "message" | "out">): Promise<void> {
  if (!message.complete && !isBroken && !out.destroyed) await drain(message);
  out.end();
  // Whatever it is: a head without a body can be stuck behind what the client has not taken of earlier answers.
  if (out.writableLength > 0) stalledAnswers.watch(out);
}

/** Whether the whole request has arrived. A request that was refused at once may still be in the parser. */
export async function hasArrived(message: IncomingMessage): Promise<boolean> {
  if (!message.complete) await new Promise((resolve) => setImmediate(resolve));
  return message.complete;
}

async function drain(message: IncomingMessage): Promise<void> {
  let drainedBytes = 0;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, DRAIN_MS_MAX);
    message.on("data", (chunk: Uint8Array) => {
      drainedBytes += chunk.byteLength;
      if (drainedBytes > DRAIN_BYTES_MAX) resolve();
    });
    message.once("end", resolve);
    message.once("error", resolve);
    message.once("close", resolve);
    message.once("close", () => clearTimeout(timer));
    message.resume();
  });
}
