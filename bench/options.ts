// The benchmark's command line.

import { parseArgs } from "node:util";
import { type WorkName, WORKS } from "./works.ts";

export const USAGE = `npm run bench -- [options]

Loads an S3 endpoint and prints operations/s, MiB/s, p50 and p99, and, where the process id is known, the server's CPU
time per operation and its peak memory. Without --endpoint it starts Kintsugi itself, on tmpfs where there is one.

  --endpoint URL        the server to load                 --access-key, --secret-key, --pid: of it
  --against URL         a second one: rounds alternate, and ratios of medians are printed
                        --against-access-key, --against-secret-key, --against-pid
  --work a,b            of ${WORKS.join(", ")} (default: all)
  --seconds N           of each round (5)
  --rounds N            of each work (3)
  --connections N       (16)
  --folder DIR          where to keep the data of the server that it starts
  --json                one JSON object a line instead of a table

Secrets may be given as BENCH_SECRET_KEY and BENCH_AGAINST_SECRET_KEY.`;

export interface Endpoint {
  readonly url: URL;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly pid: number | undefined;
}

export interface Options {
  readonly endpoint: Endpoint | undefined;
  readonly against: Endpoint | undefined;
  readonly works: readonly WorkName[];
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
  readonly folder: string | undefined;
  readonly json: boolean;
}

const text = { type: "string" } as const;

/** @throws Error with words for the user. */
export function parseOptions(args: readonly string[]): Options | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean" },
      json: { type: "boolean" },
      endpoint: text,
      "access-key": text,
      "secret-key": text,
      pid: text,
      against: text,
      "against-access-key": text,
      "against-secret-key": text,
      "against-pid": text,
      work: text,
      seconds: text,
      rounds: text,
      connections: text,
      folder: text,
    },
  });
  if (values.help === true) return "help";
  return {
    endpoint: endpointOf(values.endpoint, {
      accessKey: values["access-key"],
      secretKey: values["secret-key"] ?? process.env["BENCH_SECRET_KEY"],
      pid: values.pid,
    }),
    against: endpointOf(values.against, {
      accessKey: values["against-access-key"],
      secretKey: values["against-secret-key"] ?? process.env["BENCH_AGAINST_SECRET_KEY"],
      pid: values["against-pid"],
    }),
    works: worksOf(values.work),
    seconds: numberOf(values.seconds, 5),
    rounds: numberOf(values.rounds, 3),
    connections: numberOf(values.connections, 16),
    folder: values.folder,
    json: values.json === true,
  };
}

function endpointOf(
  url: string | undefined,
  access: Record<"accessKey" | "pid" | "secretKey", string | undefined>,
): Endpoint | undefined {
  if (url === undefined) return undefined;
  const { accessKey, secretKey, pid } = access;
  if (accessKey === undefined || secretKey === undefined) throw new Error(`${url} needs its keys`);
  return { url: new URL(url), accessKey, secretKey, pid: pid ? Number(pid) : undefined };
}

function worksOf(list: string | undefined): readonly WorkName[] {
  if (list === undefined) return WORKS;
  return list.split(",").map((name) => {
    const work = WORKS.find((known) => known === name);
    if (!work) throw new Error(`no such work: ${name}; there are ${WORKS.join(", ")}`);
    return work;
  });
}

function numberOf(value: string | undefined, fallback: number): number {
  const number = Number(value ?? fallback);
  if (!(number > 0)) throw new Error(`not a positive number: ${value}`);
  return number;
}
