// The load of numbered objects as scripts use it: processes that each take a share of the numbers and of the connections.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { NumberedJob, NumberedOutcome, NumberRange } from "../../bench/numbered-objects.ts";
import type { Target } from "../../bench/presign.ts";
import { Presigner } from "../../bench/presign.ts";
import { RawClient } from "../../bench/raw-client.ts";

/** AWS's default; every server here takes it. */
const REGION = "us-east-1";
/** Progress is told after so many objects. */
const STRIDE = 20_000;

export interface LoadedServer {
  readonly endpoint: URL;
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface LoaderOptions {
  readonly bucket: string;
  readonly sizeBytes: number;
  readonly connections: number;
  readonly processes: number;
}

export class NumberedLoader {
  readonly #options: LoaderOptions;
  readonly #children: readonly ChildProcess[];

  constructor(options: LoaderOptions) {
    this.#options = options;
    const module = new URL("../../bench/numbered-load.ts", import.meta.url);
    const start = (): ChildProcess => fork(module, { execArgv: ["--import", "tsx"] });
    this.#children = Array.from({ length: options.processes }, start);
  }

  stop(): void {
    for (const child of this.#children) child.kill();
  }

  async makeBucket(server: LoadedServer): Promise<void> {
    const target = targetOf(server);
    const client = new RawClient(target.host, target.port);
    const path = `/${this.#options.bucket}`;
    const signed = new Presigner(target).sign({ method: "PUT", path });
    const { status, body } = await client.send({ method: "PUT", target: signed, keepBody: true });
    client.close();
    if (status !== 200) throw new Error(`making the bucket: ${status} ${body.toString()}`);
  }

  /** Resolves to the seconds that all of it took. @throws at the first answer that is not as it must be. */
  async run(
    server: LoadedServer,
    verb: NumberedJob["verb"],
    numbers: NumberedJob["numbers"],
  ): Promise<number> {
    const { bucket, sizeBytes, connections, processes } = this.#options;
    const shares = sharesOf(numbers, processes);
    const base = { target: targetOf(server), bucket, verb, sizeBytes };
    const begin = performance.now();
    await Promise.all(
      this.#children.map(async (child, index) => {
        const share = shares[index] ?? [];
        const job = { ...base, numbers: share, connections: Math.ceil(connections / processes) };
        child.send(job satisfies NumberedJob);
        const [outcome] = (await once(child, "message")) as [NumberedOutcome];
        if ("error" in outcome) throw new Error(outcome.error);
      }),
    );
    return (performance.now() - begin) / 1_000;
  }

  /** Puts `count` objects, and says now and then how far it is. */
  async fill(server: LoadedServer, count: number): Promise<number> {
    let seconds = 0;
    for (let start = 0; start < count; start += STRIDE) {
      const end = Math.min(start + STRIDE, count);
      const took = await this.run(server, "PUT", { start, end });
      seconds += took;
      console.log(`  ${end} of ${count} objects, ${((end - start) / took).toFixed(0)}/s`);
    }
    return seconds;
  }
}

function targetOf({ endpoint, accessKey, secretKey }: LoadedServer): Target {
  const { hostname, port } = endpoint;
  return { host: hostname, port: Number(port || 80), accessKey, secretKey, region: REGION };
}

function sharesOf(numbers: NumberedJob["numbers"], count: number): NumberedJob["numbers"][] {
  if (!("start" in numbers)) {
    return Array.from({ length: count }, (_, share) =>
      numbers.filter((_n, i) => i % count === share),
    );
  }
  const { start, end } = numbers;
  const size = Math.ceil((end - start) / count);
  return Array.from({ length: count }, (_, share): NumberRange => ({
    start: Math.min(start + share * size, end),
    end: Math.min(start + (share + 1) * size, end),
  }));
}
