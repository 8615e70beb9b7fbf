// Drives that come and go in the laboratory, by command, beside load and kills: a drive is added, drained, taken out, or
// another takes its place. What a killed server was asked may have come to be or not; what stands is asked for each time.
// A drive may also lose what it held while the server is down. No more are ever gone at a time than parity replaces.

import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { AdminClient, AdminRefusal } from "../../src/cli/admin-client.ts";
import { IDENTITY_FILE } from "../../src/datanode/drive-identity.ts";
import type { SeededRandom } from "../../src/util/seeded-random.ts";
import { LAB_KEYS } from "./lab-server.ts";
import type { Journal } from "./world.ts";

/** What a set lies on, in the laboratory's folders. */
const DRIVES_LEAST = 6;
const DRIVES_MOST = 8;

interface Drive {
  readonly path: string;
  readonly role: "drained" | "in-use" | "joining" | "leaving";
  readonly isHome: boolean;
}

export interface Standing {
  readonly drives: readonly Drive[];
  readonly change: { readonly phase: string; readonly version: number };
}

interface Asked {
  readonly verb: "add" | "drain" | "remove" | "replace";
  readonly fields: object;
}

interface Administered {
  readonly process: { readonly adminEndpoint: string; readonly hasEnded: boolean };
}

export interface MovesOptions {
  /** What holds `data`, and all drives that are added. */
  readonly base: string;
  readonly random: SeededRandom;
  readonly journal: Journal;
  /** Whether those of the first start stay as they are. */
  readonly isExtraOnly?: boolean;
}

export class DriveMoves {
  readonly #options: MovesOptions;
  /** Folders that were drives. */
  readonly #seen = new Set<string>();
  #lastNumber = DRIVES_LEAST;
  #begun = 1;
  #finished = 1;

  constructor(options: MovesOptions) {
    this.#options = options;
  }

  /** Asks for one change, where none is under way. What the server refuses is its affair, and counted. */
  async act(server: Administered): Promise<void> {
    const { journal } = this.#options;
    const standing = await this.look(server);
    if (standing === undefined) return;
    if (isMoving(standing)) return journal.note("moves: one is under way");
    const asked = this.#choose(standing.drives);
    if (asked !== undefined) await this.#ask(server, asked);
  }

  /** What stands; counts changes that have begun and ended since the last look. Undefined: it does not answer. */
  async look(server: Administered): Promise<Standing | undefined> {
    const { journal } = this.#options;
    try {
      const standing = (await clientOf(server).get("/v1/drives")) as Standing;
      const { version } = standing.change;
      if (version < this.#begun) {
        journal.violation(
          `the layout is ${version}, and was ${this.#begun}: that is another cluster`,
        );
        return undefined;
      }
      journal.note("moves begun", version - this.#begun);
      this.#begun = version;
      if (!isMoving(standing)) {
        journal.note("moves finished", version - this.#finished);
        this.#finished = version;
      }
      await this.#forget(standing);
      return standing;
    } catch (error) {
      if (server.process.hasEnded || error instanceof AdminRefusal) return undefined;
      throw error;
    }
  }

  /** Takes a drive that is lost for good out of the way of another. Whether that was done. */
  async replaceLost(server: Administered, drive: string): Promise<boolean> {
    const standing = await this.look(server);
    if (standing === undefined || isMoving(standing)) return false;
    if (!standing.drives.some(({ path, role }) => path === drive && role === "in-use"))
      return false;
    return this.#ask(server, { verb: "replace", fields: { drive, folder: this.#newFolder() } });
  }

  /** All folders that hold a drive now. */
  async folders(): Promise<readonly string[]> {
    const { base } = this.#options;
    const data = join(base, "data");
    const within = (await readdir(data)).map((name) => join(data, name));
    const beside = (await readdir(base)).map((name) => join(base, name));
    const all = [...within, ...beside].filter((path) => /\/drive-\d+$/.test(path)).toSorted();
    const isDrive = await Promise.all(
      all.map((path) =>
        readdir(path).then(
          (names) => names.includes(IDENTITY_FILE),
          () => false,
        ),
      ),
    );
    return all.filter((_, index) => isDrive[index]);
  }

  /** One of them has lost what it held: the next start lays it out anew. The server must be down. */
  async wipe(): Promise<void> {
    const folders = await this.folders();
    const path = folders[this.#options.random.below(folders.length)];
    if (path === undefined) return;
    await rm(path, { recursive: true });
    await mkdir(path);
    this.#options.journal.note("drives wiped");
  }

  #choose(drives: readonly Drive[]): Asked | undefined {
    const { isExtraOnly = false, random } = this.#options;
    const movable = drives.filter(({ path }) => !isExtraOnly || this.#isExtra(path));
    const drained = movable.filter(({ isHome, role }) => role === "drained" && !isHome);
    if (drained.length > 0 && random.below(3) > 0) {
      return { verb: "remove", fields: { drive: this.#any(drained) } };
    }
    const inUse = drives.filter(({ role }) => role === "in-use");
    const leaving = movable.filter(({ role }) => role === "in-use");
    const verbs: Asked["verb"][] = [
      ...(inUse.length < DRIVES_MOST ? (["add"] as const) : []),
      ...(inUse.length > DRIVES_LEAST && leaving.length > 0 ? (["drain", "drain"] as const) : []),
      ...(leaving.length > 0 ? (["replace"] as const) : []),
    ];
    const verb = verbs[random.below(verbs.length)];
    if (verb === "add") return { verb, fields: { folders: [this.#newFolder()] } };
    if (verb === "drain") return { verb, fields: { drive: this.#any(leaving) } };
    if (verb === "replace") {
      return { verb, fields: { drive: this.#any(leaving), folder: this.#newFolder() } };
    }
    return undefined;
  }

  async #ask(server: Administered, { verb, fields }: Asked): Promise<boolean> {
    const { journal } = this.#options;
    journal.note(`moves: ${verb} asked for`);
    try {
      await clientOf(server).run(`/v1/drives/${verb}`, fields, () => undefined);
      return true;
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      if (server.process.hasEnded || words.includes("could not be asked")) {
        journal.note(`moves: ${verb} cut off`);
        return false;
      }
      const kind = words.replaceAll(/\/[^ ,:]+|[0-9a-f]{12,}|\d+/g, "#").slice(0, 80);
      journal.note(`moves: ${verb} refused: ${kind}`);
      return false;
    }
  }

  /** The folder of a drive that was taken out is thrown away. */
  async #forget({ drives }: Standing): Promise<void> {
    const now = new Set(drives.map(({ path }) => path));
    for (const path of this.#seen) {
      if (now.has(path)) continue;
      this.#seen.delete(path);
      await rm(path, { recursive: true, force: true });
      this.#options.journal.note("drives taken out");
    }
    for (const path of now) this.#seen.add(path);
  }

  #newFolder(): string {
    this.#lastNumber += 1;
    return join(this.#options.base, `drive-${this.#lastNumber}`);
  }

  #isExtra(path: string): boolean {
    return !path.startsWith(join(this.#options.base, "data"));
  }

  #any(drives: readonly Drive[]): string {
    return drives[this.#options.random.below(drives.length)]?.path ?? "";
  }
}

export function isMoving({ change, drives }: Standing): boolean {
  const isUnsettled = drives.some(({ role }) => role === "joining" || role === "leaving");
  return change.phase !== "idle" || isUnsettled;
}

function clientOf({ process }: Administered): AdminClient {
  return new AdminClient({ endpoint: process.adminEndpoint, key: LAB_KEYS, isInsecure: false });
}
