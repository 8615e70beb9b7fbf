// The real server, made to die at named points of its commit paths (src/util/crash-point.ts), started again on the same
// folder, and asked whether everything is whole and nothing is left over.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { AdminClient } from "../../src/cli/admin-client.ts";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import { healAll, requireClean, requireNoOrphans } from "../lab/lab-admin.ts";
import { LabClient, type LabAnswer, type LabRequest } from "../lab/lab-client.ts";
import { LAB_KEYS, LabServer } from "../lab/lab-server.ts";
import { Journal } from "../lab/world.ts";
import { atEnd } from "./at-end.ts";
import { givenFolder } from "./kintsugi-process.ts";

/** Graces and rests pass so many times faster. */
const HASTE = "200";
/** A minute in that haste, and a little. */
const ORPHAN_GRACE_MS = 320;
/** A point that is not passed in so many calls is never passed. */
const CALLS_MAX = 4_000;
const DEATH_MS_MAX = 45_000;
const SETTLE_POLL_MS = 100;

const PASSES_OF_START_MAX = 30;

/** An answer, or undefined where the server died before it came. */
type Outcome = LabAnswer | undefined;

export class DyingServer {
  readonly #folder: string;
  #process: LabServer | undefined;
  #client: LabClient | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts it; to die at the n-th passing of a point, where one is given. */
  async start(point?: CrashPoint, count = 1): Promise<void> {
    if (!(await this.#tryStart(point, count)))
      throw new Error(`no start: ${this.#process?.output}`);
  }

  /** Starts it, to die at the first passing of a point that is not the start's own. */
  async startBefore(point: CrashPoint): Promise<void> {
    for (let count = 1; count <= PASSES_OF_START_MAX; count += 1) {
      if (await this.#tryStart(point, count)) return;
      expect(this.#process?.wasKilled, this.#process?.output).toBe(true);
    }
    throw new Error(`starts always die at ${point}`);
  }

  /** Starts it, to die at a point before it serves; it must. */
  async dieAtStart(point: CrashPoint): Promise<void> {
    expect(await this.#tryStart(point, 1), `it dies at ${point}`).toBe(false);
    expect(this.#process?.wasKilled, this.#process?.output).toBe(true);
  }

  /** Starts it, to die at the n-th passing of a point of its work in the background, before it serves or after. */
  async startToDie(point: CrashPoint, count = 1): Promise<void> {
    await this.#tryStart(point, count);
    await this.died();
  }

  /** Whether it serves. */
  async #tryStart(point: CrashPoint | undefined, count: number): Promise<boolean> {
    await this.#process?.kill();
    this.#client?.close();
    const crash = point === undefined ? {} : { KINTSUGI_CRASH_AT: `${point}:${count}` };
    const started = new LabServer({
      folder: this.#folder,
      env: { KINTSUGI_HASTE: HASTE, KINTSUGI_BUCKETS: "bucket", ...crash },
    });
    this.#process = started;
    const endpoint = await started.ready();
    if (endpoint === undefined) return false;
    this.#client = new LabClient(endpoint, LAB_KEYS, 32);
    return true;
  }

  /** Below the bucket. Undefined when there was no answer, for the server has died. */
  async send(request: LabRequest): Promise<Outcome> {
    try {
      return await this.#client?.send({ ...request, path: `/bucket/${request.path}` });
    } catch (error) {
      await this.#process?.ended();
      if (this.#process?.wasKilled !== true) throw error;
      return undefined;
    }
  }

  /** Calls again and again until the server dies of it; it must. */
  async callUntilDead(call: (index: number) => Promise<unknown>): Promise<void> {
    // What it dies of may be done beside the calls, and take its time on a busy machine.
    const until = performance.now() + DEATH_MS_MAX;
    for (let index = 0; this.#process?.hasEnded === false; index += 1) {
      if (index >= CALLS_MAX && performance.now() > until) break;
      await call(index);
    }
    expect(this.#process?.wasKilled, `it dies; it said ${this.#process?.output}`).toBe(true);
  }

  /** Resolves when it has died of what it does by itself. */
  async died(): Promise<void> {
    await this.#process?.ended();
    expect(this.#process?.wasKilled).toBe(true);
  }

  /** All that lacks shards is made whole. */
  async heal(): Promise<void> {
    const process = this.#process;
    if (process === undefined) throw new Error("the server was not started");
    const journal = new Journal(() => undefined);
    await healAll({ process }, journal);
    expect(journal.violations).toEqual([]);
  }

  /** Asks for another drive; the server may die of it. */
  async addDrive(folder: string): Promise<void> {
    await this.#admin().run("/v1/drives/add", { folders: [folder] }, () => undefined);
  }

  /** Asks for sets to be cut otherwise; the server may die of it. */
  async reshape(dataShards: number, parityShards: number): Promise<void> {
    await this.#admin().run("/v1/drives/reshape", { dataShards, parityShards }, () => undefined);
  }

  /** Resolves once all sets are cut like that. */
  async reshaped(dataShards: number, parityShards: number): Promise<void> {
    for (;;) {
      const answer = (await this.#admin().get("/v1/drives")) as Record<string, unknown>;
      const { change, cut, reshape } = answer as Record<string, { readonly phase?: string }>;
      expect(cut).toEqual({ dataShards, parityShards });
      if (change?.phase === "idle" && reshape?.phase === "idle") return;
      await sleep(SETTLE_POLL_MS);
    }
  }

  /** The drives, once none comes or goes any more. */
  async drivesSettled(): Promise<readonly unknown[]> {
    for (;;) {
      const answer = (await this.#admin().get("/v1/drives")) as Record<string, unknown>;
      const { phase } = answer["change"] as { readonly phase: string };
      const drives = answer["drives"] as readonly { readonly role: string }[];
      const isMoving = drives.some(({ role }) => role === "joining" || role === "leaving");
      if (phase === "idle" && !isMoving) return drives;
      await sleep(SETTLE_POLL_MS);
    }
  }

  #admin(): AdminClient {
    const endpoint = this.#process?.adminEndpoint ?? "";
    return new AdminClient({ endpoint, key: LAB_KEYS, isInsecure: false });
  }

  async bodyOf(path: string): Promise<Buffer | undefined> {
    const answer = await this.send({ method: "GET", path });
    if (answer?.status === 404) return undefined;
    expect(answer?.status, path).toBe(200);
    return answer?.body;
  }

  /** Every shard of every object, and the metadata, are whole; after a sweep no shard is left that nothing names. */
  async expectWhole(): Promise<void> {
    const process = this.#process;
    if (process === undefined) throw new Error("the server was not started");
    const journal = new Journal(() => undefined);
    await requireClean({ process }, journal);
    await requireNoOrphans({ process }, journal, ORPHAN_GRACE_MS);
    expect(journal.violations).toEqual([]);
  }

  async end(): Promise<void> {
    await this.#process?.kill();
    this.#client?.close();
  }
}

/** On a folder of its own where none is given; it ends with the test. */
export async function givenDyingServer(given?: string): Promise<DyingServer> {
  const server = new DyingServer(given ?? join(await givenFolder(), "data"));
  atEnd(() => server.end());
  return server;
}
