// Power cuts for a real process: builds the preloaded library of durable-mirror.c, and rebuilds a folder from the mirror
// that it kept, as it would be found after the cut.

import { execFile } from "node:child_process";
import {
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { SeededRandom } from "../../../src/util/seeded-random.ts";

const run = promisify(execFile);
const SOURCE = join(process.cwd(), "test/lab/power/durable-mirror.c");
/** The number of the folder that is mirrored. */
const ROOT_NUMBER = 1;

/** What a cut does to what was not synced: it is gone, or some of it has reached the disk. */
export type Cut = "strict" | "torn";

interface Entry {
  readonly number: number;
  readonly isFolder: boolean;
}

interface Mirrored {
  readonly folders: Map<number, ReadonlyMap<string, Entry>>;
  /** Of files and folders, by inode, as they were when the process died. */
  readonly numberOfInode: Map<number, number>;
  next: number;
  /** What the process was about to create, from the folder on: where it is there nobody knows its number. */
  pending?: string | undefined;
}

/** The library's path; undefined, with the reason, where it cannot be built. */
export async function buildMirror(
  folder: string,
): Promise<{ readonly library: string | undefined; readonly reason: string }> {
  const library = join(folder, "durable-mirror.so");
  const flags = ["-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl", "-lpthread"];
  try {
    await run("cc", flags);
    return { library, reason: "" };
  } catch (error) {
    return { library: undefined, reason: String(error).slice(0, 500) };
  }
}

/** A folder whose processes can lose power. */
export class PoweredFolder {
  readonly root: string;
  readonly #base: string;
  readonly #library: string;
  #next = 2;

  private constructor(base: string, library: string) {
    this.#base = base;
    this.root = join(base, "root");
    this.#library = library;
  }

  static async make(library: string): Promise<PoweredFolder> {
    const folder = new PoweredFolder(await mkdtemp(join(tmpdir(), "kintsugi-power-")), library);
    await mkdir(folder.root);
    await mkdir(join(folder.#mirror, "c"), { recursive: true });
    await folder.#writeState({ folders: new Map(), numberOfInode: new Map(), next: 2 });
    return folder;
  }

  /** The environment of a process whose writes are mirrored; with `crashAt`, it dies at that call that changes something. */
  env(crashAt = 0): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.#library,
      LAB_ROOT: this.root,
      LAB_MIRROR: this.#mirror,
      LAB_NEXT: String(this.#next),
      LAB_CRASH_AT: String(crashAt),
      // The library numbers what is new for one process.
      KINTSUGI_SUPERVISOR: "off",
    };
  }

  /** Cuts the power: the process must be dead. The folder is then what was durable. */
  async cut(kind: Cut, random: SeededRandom): Promise<void> {
    const mirrored = await this.#readState();
    const live = `${this.root}-live`;
    await rename(this.root, live);
    await mkdir(this.root);
    const rebuilt: Mirrored = { folders: new Map(), numberOfInode: new Map(), next: mirrored.next };
    const contents = join(this.#mirror, "c");
    const kept = join(this.#base, "kept");
    await mkdir(kept);
    const rebuild = new Rebuild({ mirrored, rebuilt, contents, kept, kind, random });
    if (kind === "torn") await rebuild.findLive(live);
    await rebuild.folder(ROOT_NUMBER, this.root);
    await rm(live, { recursive: true });
    await rm(this.#mirror, { recursive: true });
    await mkdir(this.#mirror);
    await rename(kept, contents);
    await this.#writeState(rebuilt);
  }

  /** Everything that is there counts as durable from now on: processes without the library have been at work. */
  async settle(): Promise<void> {
    const settled: Mirrored = { folders: new Map(), numberOfInode: new Map(), next: 2 };
    const contents = join(this.#mirror, "c");
    await rm(this.#mirror, { recursive: true });
    await mkdir(contents, { recursive: true });
    await this.#settleFolder(settled, this.root, ROOT_NUMBER);
    await this.#writeState(settled);
  }

  async #settleFolder(settled: Mirrored, path: string, number: number): Promise<void> {
    const names = new Map<string, Entry>();
    settled.folders.set(number, names);
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const at = join(path, entry.name);
      const child = settled.next;
      settled.next += 1;
      names.set(entry.name, { number: child, isFolder: entry.isDirectory() });
      settled.numberOfInode.set((await lstat(at)).ino, child);
      if (entry.isDirectory()) await this.#settleFolder(settled, at, child);
      else await copyFile(at, join(this.#mirror, "c", String(child)));
    }
  }

  async remove(): Promise<void> {
    await rm(this.#base, { recursive: true, force: true });
  }

  get #mirror(): string {
    return join(this.#base, "mirror");
  }

  async #readState(): Promise<Mirrored> {
    const state: Mirrored = { folders: new Map(), numberOfInode: new Map(), next: this.#next };
    const known = await readFile(join(this.#mirror, "known"), "utf8");
    for (const [, inode, number] of known.matchAll(/^(\d+) (\d+)$/gm)) {
      state.numberOfInode.set(Number(inode), Number(number));
    }
    let names = new Map<string, Entry>();
    const log = await readFile(join(this.#mirror, "log"), "utf8");
    // Of the last one a killed process may have written a part.
    for (const line of log.split("\n").slice(0, -1)) {
      const [kind = "", first = "", second = ""] = line.split(" ", 3);
      if (kind === "D") names = new Map();
      else if (kind === "E") {
        const name = line.slice(`E ${first} ${second} `.length);
        names.set(name, { number: Number(first), isFolder: second === "d" });
      } else if (kind === "F") state.folders.set(Number(first), names);
      else if (kind === "P") state.pending = line.slice("P ".length);
      else if (kind === "N") {
        state.pending = undefined;
        state.numberOfInode.set(Number(first), Number(second));
        state.next = Math.max(state.next, Number(second) + 1);
      }
    }
    return state;
  }

  async #writeState({ folders, numberOfInode, next }: Mirrored): Promise<void> {
    this.#next = next;
    numberOfInode.set((await lstat(this.root)).ino, ROOT_NUMBER);
    const known = [...numberOfInode].map(([inode, number]) => `${inode} ${number}\n`);
    await writeFile(join(this.#mirror, "known"), known.join(""));
    const log = [...folders].map(([number, names]) => {
      const rows = [...names].map(([name, entry]) => {
        return `E ${entry.number} ${entry.isFolder ? "d" : "f"} ${name}\n`;
      });
      return `D ${number}\n${rows.join("")}F ${number}\n`;
    });
    await writeFile(join(this.#mirror, "log"), log.join(""));
  }
}

interface RebuildOptions {
  readonly mirrored: Mirrored;
  readonly rebuilt: Mirrored;
  readonly contents: string;
  readonly kept: string;
  readonly kind: Cut;
  readonly random: SeededRandom;
}

/** Lays the durable state out as files again, and as the mirror of the next life. */
class Rebuild {
  readonly #options: RebuildOptions;
  readonly #liveFiles = new Map<number, string>();
  readonly #liveFolders = new Map<number, ReadonlyMap<string, Entry>>();

  constructor(options: RebuildOptions) {
    this.#options = options;
  }

  /** What the process had done at its end, durable or not. */
  async findLive(live: string, within = "", number = ROOT_NUMBER): Promise<void> {
    const { numberOfInode, pending } = this.#options.mirrored;
    const names = new Map<string, Entry>();
    for (const entry of await readdir(join(live, within), { withFileTypes: true })) {
      const place = `${within}/${entry.name}`;
      const at = join(live, place);
      const child = numberOfInode.get((await lstat(at)).ino);
      if (child === undefined || place === pending) continue;
      names.set(entry.name, { number: child, isFolder: entry.isDirectory() });
      if (entry.isDirectory()) await this.findLive(live, place, child);
      else this.#liveFiles.set(child, at);
    }
    this.#liveFolders.set(number, names);
  }

  async folder(number: number, path: string): Promise<void> {
    const { rebuilt } = this.#options;
    const names = this.#namesOf(number);
    rebuilt.folders.set(number, names);
    rebuilt.numberOfInode.set((await lstat(path)).ino, number);
    for (const [name, { number: child, isFolder }] of names) {
      const at = join(path, name);
      if (isFolder) {
        await mkdir(at);
        await this.folder(child, at);
      } else await this.#file(child, at);
    }
  }

  /** Of a folder that was never synced nothing is there. */
  #namesOf(number: number): ReadonlyMap<string, Entry> {
    const { kind, mirrored, random } = this.#options;
    const durable = mirrored.folders.get(number) ?? new Map<string, Entry>();
    const live = this.#liveFolders.get(number);
    if (kind === "strict" || live === undefined) return durable;
    const mixed = new Map<string, Entry>();
    for (const name of new Set([...durable.keys(), ...live.keys()])) {
      const entry = (random.below(2) === 0 ? durable : live).get(name);
      if (entry !== undefined) mixed.set(name, entry);
    }
    return mixed;
  }

  async #file(number: number, path: string): Promise<void> {
    const { contents, kept, kind, rebuilt, random } = this.#options;
    const durable = join(contents, String(number));
    const live = this.#liveFiles.get(number);
    const durableSize = (await lstat(durable).catch(() => undefined))?.size;
    if (kind === "torn" && live !== undefined && random.below(2) === 0) {
      await copyFile(live, path);
      const { size } = await lstat(path);
      const least = Math.min(size, durableSize ?? 0);
      if (random.below(2) === 0) await truncate(path, least + random.below(size - least + 1));
    } else if (durableSize === undefined) await writeFile(path, "");
    else await copyFile(durable, path);
    rebuilt.numberOfInode.set((await lstat(path)).ino, number);
    await copyFile(path, join(kept, String(number)));
  }
}
