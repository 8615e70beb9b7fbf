// What requests wait at half of what the server can do, without repair and beside it, in runs that alternate: a drive is emptied
// while they go on, repair begins by itself at its usual rate, and ends as fast as it goes before the next run.

import { median } from "./musts.ts";
import { OpenLoader } from "./open-loader.ts";
import type { RepairLab } from "./repair-lab.ts";

export interface LoadOptions {
  readonly sizeBytes: number;
  /** Of each measurement. */
  readonly seconds: number;
  readonly runs: number;
  /** By which it is found what the server can do. */
  readonly connections: number;
  /** Of a hundred. */
  readonly putShare: number;
  /** The drive. */
  readonly emptied: string;
  readonly seed: number;
}

const BUCKET = "load";
const KEYS = 1_000;
/** Most at a time, of those that come at a rate. */
const OPEN_CONNECTIONS = 512;
const WARMING_SECONDS = 3;
const MIB = 1024 * 1024;

/** Resolves to the median p99 beside repair, as a multiple of that without. */
export async function p99Ratio(lab: RepairLab, options: LoadOptions): Promise<number> {
  const { connections, emptied, putShare, runs, seconds, seed, sizeBytes } = options;
  await lab.put({ bucket: BUCKET, objects: KEYS, sizeBytes });
  const { endpoint, accessKey, secretKey } = lab.server;
  const { hostname: host, port } = endpoint;
  const target = { host, port: Number(port), accessKey, secretKey, region: "us-east-1" };
  const job = { target, bucket: BUCKET, keys: KEYS, sizeBytes, seconds, seed, putShare };
  const loader = new OpenLoader();
  const [without, beside]: [number[], number[]] = [[], []];
  try {
    await loader.run({ ...job, connections, seconds: WARMING_SECONDS });
    const most = await loader.run({ ...job, connections });
    const rate = most.operations / most.seconds / 2;
    console.log(
      `${(2 * rate).toFixed(0)} requests a second at most, ${rate.toFixed(0)} from now on`,
    );
    for (let run = 0; run < runs; run += 1) {
      const open = { ...job, rate, connections: OPEN_CONNECTIONS, seed: seed + run };
      await loader.run({ ...open, seconds: WARMING_SECONDS });
      const { p99Ms } = await loader.run(open);
      without.push(p99Ms);
      const starts: number[] = [];
      const beginning = lab.empty(emptied).then((took) => starts.push(took));
      while (starts.length === 0) await loader.run({ ...open, seconds: WARMING_SECONDS });
      await beginning;
      const before = await lab.healing();
      const outcome = await loader.run(open);
      const after = await lab.healing();
      beside.push(outcome.p99Ms);
      const writtenMib = (after.done.writtenBytes - before.done.writtenBytes) / MIB;
      const end = after.state === "repairing" ? "" : "; it came to its end: give it more objects";
      console.log(
        `run ${run + 1}: p99 ${p99Ms.toFixed(1)} ms, beside repair ${outcome.p99Ms.toFixed(1)} ms; repair began after ` +
          `${starts.map((took) => took.toFixed(0)).join("")} s under load, and wrote ${(writtenMib / seconds).toFixed(1)} MiB/s${end}`,
      );
      await lab.finish();
    }
  } finally {
    loader.stop();
  }
  return median(beside) / median(without);
}
