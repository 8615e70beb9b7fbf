// A server whose drives come and go under load, as scripts/grow-run.ts measures it: what is asked of it, how a change goes,
// and requests beside it, each of which must be answered as if nothing happened.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { OwnServer } from "../../bench/own-server.ts";
import { AdminClient } from "../../src/cli/admin-client.ts";
import type { SeededRandom } from "../../src/util/seeded-random.ts";
import type { NumberedLoader } from "./numbered-loader.ts";

/** What is read of the answer of /v1/drives (docs/ADMIN.md). */
export interface DrivesNow {
  readonly drives: readonly {
    readonly path: string;
    readonly role: string;
    readonly isHome: boolean;
    readonly sharePerMille: number;
  }[];
  readonly shardCount: number;
  readonly change: { readonly phase: string; readonly writtenBytes: number };
  readonly reshape?: { readonly phase: string; readonly leftSets: number };
}

export interface ChangeFigures {
  readonly movedBytes: number;
  readonly seconds: number;
  readonly after: DrivesNow;
}

const POLL_MS = 200;
const READS_AT_A_TIME = 64;
const WRITES_AT_A_TIME = 16;

export class GrowLab {
  readonly server: OwnServer;
  readonly #admin: AdminClient;

  constructor(server: OwnServer) {
    const { adminEndpoint: endpoint, accessKey, secretKey } = server;
    this.server = server;
    this.#admin = new AdminClient({ endpoint, key: { accessKey, secretKey }, isInsecure: true });
  }

  async drives(): Promise<DrivesNow> {
    return (await this.#admin.get("/v1/drives")) as DrivesNow;
  }

  /** Asks for a change of the drives and waits for its end. */
  async change(verb: string, fields: object): Promise<ChangeFigures> {
    const begin = performance.now();
    await this.ask(verb, fields);
    let after = await this.drives();
    for (; isUnderWay(after); after = await this.drives()) await sleep(POLL_MS);
    const seconds = (performance.now() - begin) / 1_000;
    return { movedBytes: after.change.writtenBytes, seconds, after };
  }

  async ask(verb: string, fields: object): Promise<void> {
    await this.#admin.run(`/v1/drives/${verb}`, fields, () => undefined);
  }

  /** Resolves to how much `verify` has to say. */
  async verify(): Promise<number> {
    let findings = 0;
    await this.#admin.run("/v1/verify", {}, (line) => {
      if (line.type === "finding") findings += 1;
    });
    return findings;
  }

  /** Sets that lack shards. */
  async degradedSets(): Promise<number> {
    const answer = (await this.#admin.get("/v1/heal")) as {
      readonly degraded: { readonly sets: number };
    };
    return answer.degraded.sets;
  }
}

function isUnderWay({ change, drives, reshape }: DrivesNow): boolean {
  const isMoving = drives.some(({ role }) => role === "joining" || role === "leaving");
  return change.phase !== "idle" || isMoving || (reshape ?? { phase: "idle" }).phase !== "idle";
}

/** What the shards on a drive take, in bytes of files. */
export function shardBytesOn(drive: string): number {
  let bytes = 0;
  for (const name of readdirSync(join(drive, "shards"), { recursive: true, encoding: "utf8" })) {
    const stats = statSync(join(drive, "shards", name), { throwIfNoEntry: false });
    if (stats?.isFile() === true) bytes += stats.size;
  }
  return bytes;
}

export interface LoadOptions {
  readonly server: OwnServer;
  readonly loaderOf: (connections: number) => NumberedLoader;
  readonly objects: number;
  readonly random: SeededRandom;
}

/** Reads of any object, whose bytes are compared, and overwrites, until it is ended. What fails is counted and told. */
export class SteadyLoad {
  readonly #options: LoadOptions;
  readonly #loaders: NumberedLoader[] = [];
  readonly #running: Promise<unknown>;
  #isOver = false;
  requests = 0;
  failures = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#running = Promise.all([
      this.#go("GET", READS_AT_A_TIME, 4),
      this.#go("PUT", WRITES_AT_A_TIME, 2),
    ]);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    for (const loader of this.#loaders) loader.stop();
  }

  async #go(verb: "GET" | "PUT", count: number, connections: number): Promise<void> {
    const { loaderOf, objects, random, server } = this.#options;
    const loader = loaderOf(connections);
    this.#loaders.push(loader);
    while (!this.#isOver) {
      const numbers = Array.from({ length: count }, () => random.below(objects));
      try {
        await loader.run(server, verb, numbers);
      } catch (error) {
        this.failures += 1;
        console.log(`a request failed: ${String(error)}`);
      }
      this.requests += count;
    }
  }
}
