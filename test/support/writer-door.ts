// The writer with its door for other processes, in this thread: what writer-thread.ts puts together, over a database that
// is the only copy.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WriteListener } from "../../src/metadata/sqlite/write-listener.ts";
import { WriteMerger } from "../../src/metadata/sqlite/write-merger.ts";
import type { GroupReply, WriteGroup } from "../../src/metadata/sqlite/write-protocol.ts";
import { WriterHost } from "../../src/metadata/sqlite/writer-host.ts";

export const TOKEN = "a-token-for-tests";

export interface WriterDoorLab {
  readonly databasePath: string;
  readonly socketPath: string;
  /** Groups as the writer got them. */
  readonly groups: readonly WriteGroup[];
  /** As the process itself sends a group. */
  submit(group: WriteGroup): Promise<GroupReply>;
  /** What the writer tells everybody. */
  tell: WriteListener["tell"];
  /** How many groups of all sources have come. */
  arrivedCount(): number;
  /** How many processes are connected. */
  count(): number;
  /** Shuts the door: all connections end. */
  shut(): void;
  /** Opens it again, as a thread that takes another's place does. */
  reopen(): Promise<void>;
  /** Groups wait until the returned function is called. */
  hold(): () => void;
  dispose(): Promise<void>;
}

export async function openWriterDoor(): Promise<WriterDoorLab> {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-door-"));
  const databasePath = join(folder, "metadata.db");
  const socketPath = join(folder, "writes.sock");
  const groups: WriteGroup[] = [];
  let held: Promise<void> | undefined;
  let listener: WriteListener | undefined;
  const host = new WriterHost({ path: databasePath, plan: undefined, send: () => undefined });
  const merger = new WriteMerger({
    apply: async (group) => {
      groups.push(group);
      await held;
      return host.apply(group);
    },
    hasOthers: () => listener !== undefined && listener.count > 0,
  });
  let arrivedCount = 0;
  const submit = merger.submit.bind(merger);
  merger.submit = (sent) => {
    arrivedCount += 1;
    submit(sent);
  };
  await host.start();
  const open = async (): Promise<void> => {
    listener = new WriteListener(TOKEN, merger);
    await listener.listen(socketPath);
    listener.tell({ kind: "ready", clusterId: undefined, remarks: [] });
  };
  await open();
  return {
    databasePath,
    socketPath,
    groups,
    submit: (group) =>
      new Promise((resolve) => merger.submit({ source: groups, group, reply: resolve })),
    tell: (message) => listener?.tell(message),
    arrivedCount: () => arrivedCount,
    count: () => listener?.count ?? 0,
    shut: () => listener?.close(),
    reopen: open,
    hold: () => {
      let release: (() => void) | undefined;
      held = new Promise((resolve) => (release = resolve));
      return () => {
        held = undefined;
        release?.();
      };
    },
    dispose: async () => {
      listener?.close();
      await merger.close();
      await host.close();
      rmSync(folder, { recursive: true });
    },
  };
}
