// `npm run bench`: measures an S3 server, alone or against another in alternating rounds. See README.md beside it.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import type { Job, Outcome } from "./load-generator.ts";
import { type Endpoint, type Options, parseOptions, USAGE } from "./options.ts";
import { startOwnServer } from "./own-server.ts";
import { processStats } from "./process-stats.ts";
import { figuresOf, type Measured, printHeader, printRatio, printRow } from "./report.ts";
import type { WorkName } from "./works.ts";

const MEMORY_SAMPLE_MS = 200;
/** AWS's default; every server here takes it. */
const REGION = "us-east-1";

class Generator {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(new URL("load-generator.ts", import.meta.url), {
      execArgv: ["--import", "tsx"],
    });
  }

  async send(job: Job): Promise<Outcome> {
    this.#child.send(job);
    const [outcome] = (await once(this.#child, "message")) as [Outcome];
    if (outcome.errors.length > 0) throw new Error(`${job.work}: ${outcome.errors.join("; ")}`);
    return outcome;
  }

  stop(): void {
    this.#child.kill();
  }
}

async function measure(generator: Generator, endpoint: Endpoint, job: Job): Promise<Measured> {
  const { pid } = endpoint;
  let peakMiB = 0;
  const before = pid === undefined ? undefined : processStats(pid);
  const sampler = setInterval(() => {
    if (pid !== undefined) peakMiB = Math.max(peakMiB, processStats(pid).pssMiB);
  }, MEMORY_SAMPLE_MS);
  try {
    const outcome = await generator.send(job);
    const after = pid === undefined ? undefined : processStats(pid);
    const cpuSeconds = before && after ? after.cpuSeconds - before.cpuSeconds : undefined;
    return { outcome, cpuSeconds, peakMiB: pid === undefined ? undefined : peakMiB };
  } finally {
    clearInterval(sampler);
  }
}

async function benchWork(options: Options, endpoints: readonly Endpoint[], work: WorkName) {
  const generator = new Generator();
  const rounds = endpoints.map((): Measured[] => []);
  const jobOf = (endpoint: Endpoint, kind: Job["kind"], round: number): Job => ({
    kind,
    work,
    round,
    bucket: `bench-${work}`,
    seconds: options.seconds,
    connections: options.connections,
    target: {
      host: endpoint.url.hostname,
      port: Number(endpoint.url.port || 80),
      accessKey: endpoint.accessKey,
      secretKey: endpoint.secretKey,
      region: REGION,
    },
  });
  try {
    for (const endpoint of endpoints) await generator.send(jobOf(endpoint, "prepare", 0));
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const [index, endpoint] of endpoints.entries()) {
        rounds[index]?.push(await measure(generator, endpoint, jobOf(endpoint, "run", round)));
      }
    }
  } finally {
    generator.stop();
  }
  const figures = rounds.map(figuresOf);
  for (const [index, figure] of figures.entries()) {
    const name = index === 0 ? "kintsugi" : "against";
    if (options.json) console.log(JSON.stringify({ server: name, work, ...figure }));
    else printRow(name, work, figure);
  }
  const [own, other] = figures;
  if (own && other && !options.json) printRatio(own, other);
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === "help") {
    console.log(USAGE);
    return;
  }
  const server = options.endpoint ? undefined : await startOwnServer({ folder: options.folder });
  const own = options.endpoint ?? (server && { ...server, url: server.endpoint });
  if (!own) throw new Error("no endpoint");
  const endpoints = options.against ? [own, options.against] : [own];
  if (!options.json) {
    console.log(
      `${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}, ${new Date().toISOString()}`,
    );
    console.log(
      `${options.rounds} rounds of ${options.seconds} s, ${options.connections} connections; medians\n`,
    );
    printHeader();
  }
  try {
    for (const work of options.works) await benchWork(options, endpoints, work);
  } finally {
    await server?.stop();
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
