// A shard that is made anew, beside what is left of the old one: its file has another name, in a folder of its own, until it
// is whole and durable; then it takes the place of the old one in one step. What a process that died left in that folder is
// nobody's, and is removed when the drive is opened.

import { DiskError, type AppendFile, type Disk } from "../disk/disk.ts";
import { crashPoint } from "../util/crash-point.ts";
import { shardErrorFrom } from "./shard-fault.ts";
import { ShardError, type ShardName, type ShardWriter } from "./shard-store.ts";

/** The folder of shards that are being made anew. */
export const REPLACEMENTS_FOLDER = "rebuilt";

export interface ReplacementOptions {
  readonly disk: Disk;
  /** Of the drive. */
  readonly label: string;
  readonly name: ShardName;
  /** Where it belongs, and the folder of that. */
  readonly path: string;
  readonly folder: string;
  /** Called before it takes its place; resolves when it may. */
  readonly onReplacing: () => Promise<void>;
  /** Called once it has taken its place. */
  readonly onReplaced: () => void;
}

/** Of this process. What was given up may still be written while the same shard is begun again: no two share a name. */
let begunCount = 0;

/** Removes what was never finished; nothing else writes there. */
export async function removeReplacements(disk: Disk): Promise<void> {
  const left = await disk.list(REPLACEMENTS_FOLDER).catch((error: unknown) => {
    if (error instanceof DiskError && error.code === "ENOENT") return [];
    throw error;
  });
  for (const { name } of left) await disk.unlink(`${REPLACEMENTS_FOLDER}/${name}`);
}

export class LocalReplacement implements ShardWriter {
  readonly #options: ReplacementOptions;
  readonly #temporary: string;
  readonly #file: AppendFile;
  #state: "ended" | "failed" | "open" = "open";

  private constructor(options: ReplacementOptions, temporary: string, file: AppendFile) {
    this.#options = options;
    this.#temporary = temporary;
    this.#file = file;
  }

  /** @throws DiskError */
  static async begin(options: ReplacementOptions): Promise<LocalReplacement> {
    const { disk, name } = options;
    begunCount += 1;
    const own = `${process.pid}-${begunCount}`;
    const temporary = `${REPLACEMENTS_FOLDER}/${name.setId}.${name.index}.${own}`;
    return new LocalReplacement(options, temporary, await disk.create(temporary));
  }

  append(chunks: readonly Uint8Array[]): Promise<void> {
    return this.#guard(() => this.#file.append(chunks));
  }

  async finish(chunks: readonly Uint8Array[]): Promise<void> {
    const { disk, path, folder, onReplaced, onReplacing } = this.#options;
    await this.#guard(async () => {
      await this.#file.append(chunks);
      await this.#file.sync();
      crashPoint("repair.shard-written");
      await onReplacing();
      // Given up meanwhile: another may have taken its place by now.
      this.#requireOpen();
      await disk.rename(this.#temporary, path);
      onReplaced();
      crashPoint("repair.shard-named");
      await disk.syncDirectory(folder);
    });
    this.#state = "ended";
    await this.#file.close();
  }

  async abort(): Promise<void> {
    if (this.#state === "ended") return;
    this.#state = "ended";
    await this.#file.close();
    // What cannot be removed now is removed when the drive is opened.
    await this.#options.disk.unlink(this.#temporary).catch(() => undefined);
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    this.#requireOpen();
    try {
      await work();
    } catch (error) {
      if (this.#state === "open") this.#state = "failed";
      throw shardErrorFrom(error, this.#options.label);
    }
  }

  /** @throws ShardError Unavailable */
  #requireOpen(): void {
    const { label, path } = this.#options;
    if (this.#state === "open") return;
    throw new ShardError("Unavailable", `${label}: ${path} is no longer being written`);
  }
}
