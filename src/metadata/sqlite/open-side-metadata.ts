// MetadataStore of a process beside the one that has the writer: it reads from the same database, and sends its writes to
// the writer's thread of the other. What only one may do (restoring, comparing) is for the other.

import type { Clock } from "../../util/clock.ts";
import { EngineStore } from "../engine-store.ts";
import type { JournalReport, MetadataStore } from "../metadata-store.ts";
import { SideReader } from "./side-reader.ts";
import { SideWriter } from "./side-writer.ts";
import type { WriterDoor } from "./write-listener.ts";
import type { SideNews } from "./write-protocol.ts";

export interface SideMetadataOptions extends WriterDoor {
  /** Of metadata.db. */
  readonly databasePath: string;
  readonly clock: Clock;
  /** What the writer tells, after it has been heeded. */
  readonly onNews?: ((news: SideNews) => void) | undefined;
  /** How long the writer's door may be shut before no more writes are taken, in monotonic milliseconds. */
  readonly patienceMs?: number | undefined;
}

/** Resolves when it can be read and written. @throws when the door stays shut, or the database cannot be read. */
export async function openSideMetadata(options: SideMetadataOptions): Promise<MetadataStore> {
  const { databasePath, onNews, ...rest } = options;
  const reader = new SideReader(databasePath);
  let journal: JournalReport | undefined;
  const heed = (news: SideNews): void => {
    if (news.kind === "report") journal = news.report;
    else if (news.kind !== "fenced") reader.renew();
    onNews?.(news);
  };
  const writer = new SideWriter({ ...rest, onNews: heed });
  try {
    await writer.start();
  } catch (error) {
    await writer.queue.close();
    reader.close();
    throw error;
  }
  return new EngineStore({
    reader: () => reader.reader,
    writer: writer.queue,
    journalReport: () => journal,
    closeReader: () => reader.close(),
    release: () => undefined,
  });
}
