// A drive on which one kind of work waits until the test lets it go: a drive that hangs, or is late.

import type { ShardStore, ShardWriter } from "../../src/datanode/shard-store.ts";

export interface HeldDrive {
  readonly drive: ShardStore;
  /** Resolves when something waits. */
  readonly reached: Promise<void>;
  /** Resolves when the first that waited is over, well or not. */
  readonly isOver: Promise<void>;
  letGo(): void;
}

export function holdDrive(inner: ShardStore, what: "finish" | "read"): HeldDrive {
  const [reached, reach] = signal();
  const [allowed, letGo] = signal();
  const [isOver, end] = signal();
  const hold = async (work: () => Promise<void>): Promise<void> => {
    reach();
    await allowed;
    await work().finally(end);
  };
  const holdWriter = (writer: ShardWriter): ShardWriter => ({
    append: (chunks) => writer.append(chunks),
    abort: () => writer.abort(),
    finish: (chunks) => hold(() => writer.finish(chunks)),
    undo: async () => writer.undo?.(),
  });
  const drive: ShardStore = {
    driveId: inner.driveId,
    label: inner.label,
    create: async (name, creation) => {
      const writer = await inner.create(name, creation);
      return what === "finish" ? holdWriter(writer) : writer;
    },
    createPack: (name) => inner.createPack(name),
    read: (name, offset, target) => {
      const read = (): Promise<void> => inner.read(name, offset, target);
      return what === "read" ? hold(read) : read();
    },
    size: (name) => inner.size(name),
    delete: (name) => inner.delete(name),
    list: (bucket) => inner.list(bucket),
    space: () => inner.space(),
    device: () => inner.device(),
    close: () => inner.close(),
  };
  return { drive, reached, isOver, letGo };
}

function signal(): readonly [Promise<void>, () => void] {
  const resolvers: (() => void)[] = [];
  const given = new Promise<void>((resolve) => {
    resolvers.push(resolve);
  });
  return [given, () => resolvers.forEach((resolve) => resolve())];
}
