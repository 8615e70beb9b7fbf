// The port between a thread and the writer's: groups and replies go as bytes that are handed over (write-messages.ts),
// everything else as a structured clone.

import type { Transferable } from "node:worker_threads";
import { isWriteMessage, packMessage, unpackMessage } from "./write-messages.ts";
import type { FromWriter, ToWriter } from "./write-protocol.ts";

interface Port {
  postMessage(value: unknown, transferList?: readonly Transferable[]): void;
}

export function post(port: Port, message: FromWriter | ToWriter): void {
  if (!isWriteMessage(message)) {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread's port has no origin.
    port.postMessage(message);
    return;
  }
  const bytes = packMessage(message);
  port.postMessage(bytes, [bytes.buffer]);
}

/** What was posted there: groups go one way only, and replies the other. */
export function received<Message extends FromWriter | ToWriter>(
  sent: Message | Uint8Array,
): Message {
  return sent instanceof Uint8Array ? (unpackMessage(sent) as Message) : sent;
}
