// The thread that holds the one writing connection: better-sqlite3 blocks whoever calls it, commits most of all.

import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { GroupWriter } from "./group-writer.ts";
import { openForWriting } from "./open-database.ts";
import {
  faultOf,
  messageOf,
  type FromWriter,
  type ToWriter,
  type WriteGroup,
} from "./write-protocol.ts";

export interface WriterData {
  /** Path of metadata.db. */
  readonly path: string;
}

function serve(port: MessagePort, { path }: WriterData): void {
  const writer = new GroupWriter(() => openForWriting(path));
  port.on("message", (message: ToWriter) => {
    if (message.kind === "group") {
      send(port, answersTo(writer, message));
    } else {
      writer.close();
      port.close();
    }
  });
  send(port, { kind: "ready" });
}

function send(port: MessagePort, message: FromWriter): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread's port has no origin.
  port.postMessage(message);
}

function answersTo(writer: GroupWriter, group: WriteGroup): FromWriter {
  try {
    return { kind: "answers", answers: writer.apply(group) };
  } catch (error) {
    return { kind: "group-failed", fault: faultOf(error) };
  }
}

if (parentPort !== null) {
  try {
    serve(parentPort, workerData as WriterData);
  } catch (error) {
    send(parentPort, { kind: "unusable", message: messageOf(error) });
    parentPort.close();
  }
}
