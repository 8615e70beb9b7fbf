// Bit flips in the SQLite file under the store alone, hundreds a second where a start of the server takes seconds: the
// same objects on the same drives, read through the reads of a file that was flipped. Nothing may be wrong, and whatever
// is not exact the comparison that `verify` makes must find. What a start does with such a file, and that it is made good
// from the members, the trials with the server show (sqlite-flips.ts).

import { copyFileSync, closeSync, openSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "better-sqlite3";
import { readIdentity } from "../../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../../src/datanode/local-drive.ts";
import type { ShardStore } from "../../../src/datanode/shard-store.ts";
import { openRealDisk } from "../../../src/disk/real-disk.ts";
import { createReedSolomonCodec } from "../../../src/erasure/rs-codec.ts";
import { EngineStore, type MetadataReader } from "../../../src/metadata/engine-store.ts";
import { compareDatabases } from "../../../src/metadata/sqlite/compare-databases.ts";
import { openForReading, versionOf } from "../../../src/metadata/sqlite/open-database.ts";
import { sqliteReads } from "../../../src/metadata/sqlite/sqlite-reads.ts";
import type { WritePort } from "../../../src/metadata/write-operations.ts";
import { openObjectStore, type OpenObjectStore } from "../../../src/store/open-object-store.ts";
import { realClock } from "../../../src/util/clock.ts";
import type { SeededRandom } from "../../../src/util/seeded-random.ts";
import { collect } from "../../support/store-lab.ts";
import { bytesOfPiece, type Piece } from "../contents.ts";
import type { Journal } from "../world.ts";

const FLIPS_MAX = 4;
/** Of a call of a drive, in milliseconds: nothing is wrong with these. */
const DEADLINE_MS = 30_000;
const IN_FLIGHT = 16;
const PAGE = { prefix: "", delimiter: "", limit: 1_000, after: undefined } as const;

export interface FlippedFile {
  /** Drives' folders, whose server has ended. */
  readonly folders: readonly string[];
  /** The database that nothing happened to. */
  readonly goodPath: string;
  /** Where flipped copies of it may lie. */
  readonly workFolder: string;
  readonly bucket: string;
  readonly objects: readonly {
    readonly key: string;
    readonly piece: Piece;
    readonly etag: string;
  }[];
}

export interface DatabaseFlips {
  readonly random: SeededRandom;
  readonly journal: Journal;
  readonly shouldGoOn: () => boolean;
}

/** So many times a few flips, each time in a good file. */
export async function flipDatabase(
  file: FlippedFile,
  flips: DatabaseFlips,
  trials: number,
): Promise<void> {
  const lab = await DatabaseLab.open(file, flips);
  try {
    for (let trial = 0; trial < trials && flips.shouldGoOn(); trial += 1) await lab.tryFlips();
  } finally {
    await lab.close();
  }
}

class DatabaseLab {
  readonly #file: FlippedFile;
  readonly #flips: DatabaseFlips;
  readonly #path: string;
  readonly #sound: Database;
  #store: OpenObjectStore | undefined;
  /** Of the file that is looked at. */
  #reader: MetadataReader;

  private constructor(file: FlippedFile, flips: DatabaseFlips) {
    this.#file = file;
    this.#flips = flips;
    this.#path = join(file.workFolder, "flipped.db");
    copyFileSync(file.goodPath, join(file.workFolder, "sound.db"));
    this.#sound = openForReading(join(file.workFolder, "sound.db"));
    this.#reader = sqliteReads(this.#sound);
  }

  static async open(file: FlippedFile, flips: DatabaseFlips): Promise<DatabaseLab> {
    const lab = new DatabaseLab(file, flips);
    const metadata = new EngineStore({
      reader: () => lab.#reader,
      writer: deafWriter(),
      closeReader: () => undefined,
      release: () => undefined,
    });
    lab.#store = await openObjectStore({
      metadata,
      drives: await Promise.all(file.folders.map(openDrive)),
      codec: createReedSolomonCodec(),
      clock: realClock,
      clusterId: "flips",
    });
    const unflipped = await lab.#readAll("no flips at all");
    if (unflipped.size > 0) flips.journal.violation(`without a flip: ${[...unflipped].join()}`);
    return lab;
  }

  async close(): Promise<void> {
    this.#reader = sqliteReads(this.#sound);
    await this.#store?.close();
    this.#sound.close();
  }

  async tryFlips(): Promise<void> {
    const { journal } = this.#flips;
    journal.cycle += 1;
    journal.note("SQLite trials with the store");
    const where = this.#flipSome();
    let standing: Database | undefined;
    try {
      standing = openForReading(this.#path);
      versionOf(standing);
      this.#reader = sqliteReads(standing);
    } catch {
      // The server would not start on it, or not begin to read: then it starts without, from the members.
      standing?.close();
      journal.note("SQLite: the file is refused");
      return;
    }
    try {
      const found = await this.#readAll(where);
      for (const outcome of found) journal.note(`SQLite: ${outcome}`);
      const { differenceCount } = compareDatabases(standing, this.#sound);
      const isFound = differenceCount > 0;
      journal.note(
        isFound ? "SQLite: a comparison finds it" : "SQLite: a comparison finds nothing",
      );
      if (found.size > 0 && !isFound)
        journal.violation(
          `a comparison finds nothing after flips at ${where}: ${[...found].join()}`,
        );
      journal.count("database read after flips");
    } finally {
      standing.close();
    }
  }

  /** Of a new copy. Resolves to where. */
  #flipSome(): string {
    const { journal, random } = this.#flips;
    for (const end of ["-wal", "-shm"]) rmSync(`${this.#path}${end}`, { force: true });
    copyFileSync(this.#file.goodPath, this.#path);
    const { size } = statSync(this.#path);
    const places: string[] = [];
    const handle = openSync(this.#path, "r+");
    const byte = Buffer.alloc(1);
    for (let left = 1 + random.below(FLIPS_MAX); left > 0; left -= 1) {
      const [offset, bit] = [random.below(size), random.below(8)];
      readSync(handle, byte, 0, 1, offset);
      byte.writeUInt8(byte.readUInt8() ^ (1 << bit));
      writeSync(handle, byte, 0, 1, offset);
      places.push(`${offset}.${bit}`);
    }
    closeSync(handle);
    journal.note("flips in SQLite", places.length);
    return places.join(" ");
  }

  /** What was not exact; wrong bytes, and what is wrong beside them, are violations. */
  async #readAll(where: string): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    const store = this.#store;
    const bucket = await store?.findBucket(this.#file.bucket).catch(() => undefined);
    if (store === undefined || bucket === undefined) return new Set(["no bucket"]);
    for (const object of this.#file.objects) {
      const outcome = await readOne(store, bucket, object).catch(() => "refused");
      if (outcome === "exact") continue;
      found.add(outcome);
      if (outcome.startsWith("wrong"))
        this.#flips.journal.violation(`${object.key} after flips at ${where}: ${outcome}`);
    }
    const listed = await store.listObjects({ ...PAGE, bucketId: bucket.id }).catch(() => undefined);
    if (listed?.entries.length !== this.#file.objects.length) found.add("LIST differs");
    return found;
  }
}

type Bucket = NonNullable<Awaited<ReturnType<OpenObjectStore["findBucket"]>>>;

async function readOne(
  store: OpenObjectStore,
  bucket: Bucket,
  { key, piece, etag }: FlippedFile["objects"][number],
): Promise<string> {
  const reading = await store.openObject(bucket, key);
  if (reading === undefined) return "not found";
  const { object } = reading;
  const bytes = await collect(reading.read(0, object.sizeBytes));
  if (!bytes.equals(bytesOfPiece(piece))) return "wrong bytes";
  return object.etag === etag ? "exact" : "wrong metadata";
}

async function openDrive(root: string): Promise<ShardStore> {
  const disk = openRealDisk({ root, deadlineMs: DEADLINE_MS, maxInFlight: IN_FLIGHT });
  const identity = await readIdentity(disk);
  if (identity === undefined) throw new Error(`${root} is no drive`);
  return openLocalDrive({ disk, driveId: identity.driveId });
}

/** The store tells when it begins and ends; nothing of that is written. */
function deafWriter(): WritePort {
  return {
    submit: () => Promise.resolve(undefined as never),
    hasFailed: false,
    waitMs: 0,
    close: () => Promise.resolve(),
  };
}
