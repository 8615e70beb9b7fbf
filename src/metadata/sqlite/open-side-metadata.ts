// MetadataStore of a process beside the one that has the writer: it reads from the same database, and sends its writes to
// the writer's thread of the other. What only one may do (restoring, comparing) is for the other.

import { S3Error } from "../../core/s3-error.ts";
import type { Clock } from "../../util/clock.ts";
import { EngineStore } from "../engine-store.ts";
import type { JournalReport, ListBucketsQuery, MetadataStore } from "../metadata-store.ts";
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
  /** How long a request waits for a database that was made anew to be in force, in milliseconds. */
  readonly renewalMsMax?: number | undefined;
}

/** Between the two the writer asks the members, which takes a moment. */
const RENEWAL_MS_MAX = 3_000;

/** Resolves when it can be read and written. @throws when the door stays shut, or the database cannot be read. */
export async function openSideMetadata(options: SideMetadataOptions): Promise<MetadataStore> {
  const { databasePath, onNews, renewalMsMax = RENEWAL_MS_MAX, ...rest } = options;
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
  return new SideStore(reader, writer, { renewalMsMax, journalReport: () => journal });
}

interface SideStoreParts {
  readonly renewalMsMax: number;
  readonly journalReport: () => JournalReport | undefined;
}

/** Every request of a client asks for its bucket, or for all of them, before anything else: what it reads then is in force. */
class SideStore extends EngineStore {
  readonly #reader: SideReader;
  readonly #renewalMsMax: number;

  constructor(reader: SideReader, { queue }: SideWriter, parts: SideStoreParts) {
    super({
      reader: () => reader.reader,
      writer: queue,
      journalReport: parts.journalReport,
      closeReader: () => reader.close(),
      release: () => undefined,
    });
    this.#reader = reader;
    this.#renewalMsMax = parts.renewalMsMax;
  }

  /** @throws S3Error ServiceUnavailable */
  override async findBucket(name: string) {
    if (this.#reader.isBehind) await this.#catchUp();
    return super.findBucket(name);
  }

  /** @throws S3Error ServiceUnavailable */
  override async listBuckets(query: ListBucketsQuery) {
    if (this.#reader.isBehind) await this.#catchUp();
    return super.listBuckets(query);
  }

  async #catchUp(): Promise<void> {
    await this.#reader.renewed(this.#renewalMsMax);
    if (!this.#reader.isBehind) return;
    const cause = new Error("the metadata is being opened anew");
    throw new S3Error("ServiceUnavailable", { cause });
  }
}
