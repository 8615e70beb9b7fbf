// A server that is measured: how it is started on a folder, and where it then answers.

import { rmSync } from "node:fs";
import type { Target } from "../presign.ts";

/** AWS's default; every server here takes it. */
export const REGION = "us-east-1";

export interface Running {
  readonly target: Target;
  /** Of which the processes descend that count as the server; none where they are not known. */
  readonly pids: readonly number[];
  readonly stop: () => Promise<void>;
}

export interface Subject {
  readonly name: string;
  /** What is said of it beside its figures. */
  readonly about: string;
  /** Starts it on what the folder holds. False: it runs already, elsewhere, and cannot be restarted. */
  readonly isStartedHere: boolean;
  readonly start: (folder: string) => Promise<Running>;
}

export interface Keys {
  readonly accessKey: string;
  readonly secretKey: string;
}

export function targetOf(url: URL, keys: Keys): Target {
  return { host: url.hostname, port: Number(url.port || 80), region: REGION, ...keys };
}

/** A subject that runs, and its folder, for as long as a group of works takes. */
export class Session {
  readonly subject: Subject;
  readonly #folder: string;
  #running: Running | undefined;

  constructor(subject: Subject, folder: string) {
    this.subject = subject;
    this.#folder = folder;
  }

  get running(): Running {
    if (!this.#running) throw new Error(`${this.subject.name} is not running`);
    return this.#running;
  }

  /** Of the processes that were started here and run now. */
  get pids(): readonly number[] {
    return this.subject.isStartedHere ? (this.#running?.pids ?? []) : [];
  }

  async start(): Promise<void> {
    this.#running = await this.subject.start(this.#folder);
  }

  /** Ends it and starts it again on what it holds. */
  async restart(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
    await this.start();
  }

  async end(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
