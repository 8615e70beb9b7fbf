// The thread that holds the one writing connection: better-sqlite3 blocks whoever calls it, commits most of all.

import { parentPort, type MessagePort } from "node:worker_threads";
import { giveBack } from "../../util/give-back.ts";
import { MembersError } from "../members/survey.ts";
import { ForeignDatabaseError } from "./open-database.ts";
import { WriteListener, type WriterDoor } from "./write-listener.ts";
import { WriteMerger } from "./write-merger.ts";
import { post, received } from "./write-port.ts";
import { messageOf, type FromWriter, type GroupReply, type ToWriter } from "./write-protocol.ts";
import { WriterHost, type MembersPlan } from "./writer-host.ts";

/** The first message to the thread. */
export interface WriterData {
  /** Path of metadata.db. */
  readonly path: string;
  /** Undefined: the database is the only copy. */
  readonly plan?: MembersPlan | undefined;
  /** Undefined: only its own process writes. */
  readonly door?: WriterDoor | undefined;
}

function serve(port: MessagePort, { path, plan, door }: WriterData): Promise<void> {
  const toPort = (message: FromWriter): void => post(port, message);
  let listener: WriteListener | undefined;
  const send = (message: FromWriter): void => {
    toPort(message);
    listener?.tell(message);
  };
  const host = new WriterHost({ path, plan, send });
  const merger = new WriteMerger({
    apply: (group) => host.apply(group),
    hasOthers: () => listener !== undefined && listener.count > 0,
  });
  const end = (): void => {
    listener?.close();
    port.close();
  };
  const take = async (sent: ToWriter | Uint8Array): Promise<void> => {
    const message = received<ToWriter>(sent);
    if (message.kind === "group") {
      const reply = (answer: GroupReply): void => {
        toPort(answer);
        // Nothing of the group is needed any more, its inline bytes neither.
        if (sent instanceof Uint8Array) giveBack(sent);
      };
      merger.submit({ source: port, group: message, reply });
    } else if (message.kind === "add-member") await host.addMember(message.spec);
    else if (message.kind === "change-members") {
      const problem = await host.changeMembers(message);
      send({ kind: "members-changed", id: message.id, problem });
    } else if (message.kind === "restore") {
      send({ kind: "restored", id: message.id, problem: await host.restore() });
    } else {
      await merger.close();
      await host.close();
      end();
    }
  };
  const open = async (): Promise<void> => {
    if (door !== undefined) {
      const opened = new WriteListener(door.token, merger);
      try {
        await opened.listen(door.socketPath);
        listener = opened;
      } catch (error) {
        const message = `other processes cannot reach the metadata: ${messageOf(error)}`;
        send({ kind: "log", level: "warn", message });
      }
    }
    await host.start();
  };
  // A fault here leaves an unknown state: the thread dies of it, and another takes its place.
  port.on("message", (sent: ToWriter | Uint8Array) => void take(sent));
  return open().catch((error: unknown) => {
    const isRefusal = error instanceof MembersError || error instanceof ForeignDatabaseError;
    send({ kind: "unusable", message: messageOf(error), isRefusal });
    end();
  });
}

const port = parentPort;
port?.once("message", (data: WriterData) => void serve(port, data));
