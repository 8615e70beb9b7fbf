// The thread that holds the one writing connection: better-sqlite3 blocks whoever calls it, commits most of all.

import { parentPort, type MessagePort } from "node:worker_threads";
import { MembersError } from "../members/survey.ts";
import { ForeignDatabaseError } from "./open-database.ts";
import { messageOf, type FromWriter, type ToWriter } from "./write-protocol.ts";
import { WriterHost, type MembersPlan } from "./writer-host.ts";

/** The first message to the thread. */
export interface WriterData {
  /** Path of metadata.db. */
  readonly path: string;
  /** Undefined: the database is the only copy. */
  readonly plan?: MembersPlan | undefined;
}

function serve(port: MessagePort, { path, plan }: WriterData): Promise<void> {
  const send = (message: FromWriter): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread's port has no origin.
    port.postMessage(message);
  };
  const host = new WriterHost({ path, plan, send });
  const take = async (message: ToWriter): Promise<void> => {
    if (message.kind === "group") send(await host.apply(message));
    else if (message.kind === "add-member") await host.addMember(message.spec);
    else if (message.kind === "restore") send({ kind: "restored", problem: await host.restore() });
    else {
      await host.close();
      port.close();
    }
  };
  // A fault here leaves an unknown state: the thread dies of it, and another takes its place.
  port.on("message", (message: ToWriter) => void take(message));
  return host.start().catch((error: unknown) => {
    const isRefusal = error instanceof MembersError || error instanceof ForeignDatabaseError;
    send({ kind: "unusable", message: messageOf(error), isRefusal });
    port.close();
  });
}

const port = parentPort;
port?.once("message", (data: WriterData) => void serve(port, data));
