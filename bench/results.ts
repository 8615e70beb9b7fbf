// The file that results are kept in: written after every step of a run, so that nothing of a long one is lost, and
// joined with what earlier runs of other sections left there.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";

export interface Round {
  readonly operationsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The server's, user and system, where its processes are known. */
  readonly cpuMicros?: number;
  readonly peakMiB?: number;
  /** The load generator's own, on the same machine. */
  readonly clientCpuMicros: number;
}

export interface Result {
  readonly section: string;
  readonly work: string;
  readonly server: string;
  /** What is varied in the section: bytes, keys, connections, drives. */
  readonly x?: number;
  readonly connections: number;
  readonly bytesPerOperation: number;
  readonly secondsOfRound: number;
  readonly at: string;
  readonly rounds: readonly Round[];
  /** Why there are no rounds, or fewer. */
  readonly error?: string;
  /** Figures that only this section has, by name. */
  readonly more?: Readonly<Record<string, number>>;
}

export interface ResultsFile {
  readonly machine: string;
  readonly servers: Readonly<Record<string, string>>;
  /** When each was run last, and how busy the machine was before. */
  readonly commands: Readonly<Record<string, string>>;
  readonly results: readonly Result[];
}

export function machineName(): string {
  const [cpu] = cpus();
  const gib = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} cores (${cpu?.model.trim() ?? "unknown"}), ${gib} GiB, Node ${process.version}`;
}

export function readResults(file: string): ResultsFile {
  if (!existsSync(file)) return { machine: machineName(), servers: {}, commands: {}, results: [] };
  return JSON.parse(readFileSync(file, "utf8")) as ResultsFile;
}

const keyOf = ({ section, work, server, x = 0 }: Result) => [section, work, server, x].join(" ");

export class ResultsKeeper {
  readonly #file: string | undefined;
  #kept: ResultsFile;

  /** Without a file, results are only handed back. */
  constructor(file: string | undefined, command: string) {
    this.#file = file;
    const known = readResults(file ?? "");
    const [load = 0] = loadavg();
    const words = `${new Date().toISOString().slice(0, 16)}Z, load average before: ${load.toFixed(1)}`;
    const commands = { ...known.commands, [command]: words };
    this.#kept = { ...known, machine: machineName(), commands };
  }

  get results(): readonly Result[] {
    return this.#kept.results;
  }

  describe(server: string, about: string): void {
    this.#kept = { ...this.#kept, servers: { ...this.#kept.servers, [server]: about } };
  }

  /** In place of an earlier one of the same. */
  add(result: Result): void {
    const others = this.#kept.results.filter((other) => keyOf(other) !== keyOf(result));
    this.#kept = { ...this.#kept, results: [...others, result] };
    if (this.#file === undefined) return;
    writeFileSync(`${this.#file}.new`, this.#text());
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** A result a line, so that a difference between two runs can be read. */
  #text(): string {
    const { results, ...head } = this.#kept;
    const lines = results.map((result) => `    ${JSON.stringify(result)}`).join(",\n");
    return `${JSON.stringify(head, undefined, 2).slice(0, -2)},\n  "results": [\n${lines}\n  ]\n}\n`;
  }
}
