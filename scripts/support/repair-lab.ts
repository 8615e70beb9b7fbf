// A server whose drives are emptied while it runs, as scripts/repair-run.ts measures it: what it holds, how repair goes, and
// whether all is whole afterwards.

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processStats } from "../../bench/process-stats.ts";
import type { OwnServer } from "../../bench/own-server.ts";
import { AdminClient } from "../../src/cli/admin-client.ts";
import { isHealAnswer, type HealAnswer } from "../../src/cli/heal-answer.ts";
import { NumberedLoader } from "./numbered-loader.ts";

export interface Filling {
  readonly bucket: string;
  readonly objects: number;
  readonly sizeBytes: number;
}

/** Of a stretch of repair. */
export interface RepairFigures {
  readonly writtenBytes: number;
  readonly seconds: number;
  /** Of the server's whole process tree. */
  readonly cpuSeconds: number;
}

const POLL_MS = 100;
const FILLING_CONNECTIONS = 16;
const FILLING_LARGE_CONNECTIONS = 4;
const LARGE_BYTES = 1024 * 1024;

export class RepairLab {
  readonly server: OwnServer;
  readonly #admin: AdminClient;

  constructor(server: OwnServer) {
    const { adminEndpoint: endpoint, accessKey, secretKey } = server;
    this.server = server;
    this.#admin = new AdminClient({ endpoint, key: { accessKey, secretKey }, isInsecure: true });
  }

  async put({ bucket, objects, sizeBytes }: Filling): Promise<void> {
    const isLarge = sizeBytes >= LARGE_BYTES;
    const connections = isLarge ? FILLING_LARGE_CONNECTIONS : FILLING_CONNECTIONS;
    const loader = new NumberedLoader({ bucket, sizeBytes, connections, processes: 1 });
    try {
      await loader.makeBucket(this.server);
      await loader.run(this.server, "PUT", { start: 0, end: objects });
    } finally {
      loader.stop();
    }
  }

  /** Removes all that is in the folder of a drive; resolves to the seconds until repair has begun. */
  async empty(drive: string): Promise<number> {
    const folder = join(this.server.folder, drive);
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
    const begin = performance.now();
    await this.#until(({ state }) => state === "repairing");
    return (performance.now() - begin) / 1_000;
  }

  /** Has repair go as fast as it can; resolves when nothing lacks anything. */
  async finish(): Promise<RepairFigures> {
    const [cpuBefore, begin] = [processStats(this.server.pid).cpuSeconds, performance.now()];
    const before = (await this.healing()).done.writtenBytes;
    await this.#admin.run("/v1/heal", { unthrottled: true }, () => undefined);
    await this.#until(isWhole);
    const after = (await this.healing()).done.writtenBytes;
    return {
      writtenBytes: after - before,
      seconds: (performance.now() - begin) / 1_000,
      cpuSeconds: processStats(this.server.pid).cpuSeconds - cpuBefore,
    };
  }

  async healing(): Promise<HealAnswer> {
    const answer = await this.#admin.get("/v1/heal");
    if (!isHealAnswer(answer)) throw new Error("that is no answer about repair");
    return answer;
  }

  /** Resolves to how much `verify` has to say. */
  async verify(): Promise<number> {
    let findings = 0;
    await this.#admin.run("/v1/verify", {}, (line) => {
      if (line.type === "finding") findings += 1;
    });
    return findings;
  }

  async #until(isSo: (answer: HealAnswer) => boolean): Promise<void> {
    while (!isSo(await this.healing())) await sleep(POLL_MS);
  }
}

function isWhole({ state, degraded, renewedDrives }: HealAnswer): boolean {
  return state === "idle" && degraded.sets === 0 && renewedDrives.every(({ isDone }) => isDone);
}
