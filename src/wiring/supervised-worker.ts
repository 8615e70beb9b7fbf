// A worker as its supervisor sees it: the process, what it has said of itself, and the way to it.

import type { ChildProcess, SendHandle } from "node:child_process";
import type { Taker } from "./connection-dealer.ts";
import type { AcceptedHandle } from "./socket-handles.ts";
import type { ToWorker } from "./supervisor-protocol.ts";
import { BeatWatch } from "./supervisor-watch.ts";

/** How long a worker that was killed is waited for; one whose file call hangs stays longer than anybody would wait. */
const GONE_MS_MAX = 2_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class SupervisedWorker implements Taker {
  readonly watch = new BeatWatch();
  /** It answers requests. */
  isServing = false;
  /** The folders of its drives. */
  drives: readonly string[] = [];
  metadataDrive: string | undefined;
  /** Which of them are silent: asked while it is suspected. */
  asking: Promise<readonly string[]> | undefined;
  /** It has ended for good: no other is to follow. */
  endCode: number | undefined;
  readonly #process: ChildProcess;

  constructor(child: ChildProcess) {
    this.#process = child;
    // Whatever it is, the exit that follows says more.
    child.on("error", () => undefined);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** A worker that has just died is told nothing, and its death is seen elsewhere. */
  send(message: ToWorker, handle?: object): void {
    // A bare handle may be sent; the types know only what wraps one.
    this.#process.send(message, handle as SendHandle | undefined, {}, () => undefined);
  }

  give(id: number, connection: AcceptedHandle): void {
    this.send({ kind: "connection", id }, connection);
  }

  ask(id: number): void {
    this.send({ kind: "ask", id });
  }

  killNow(): void {
    this.#process.kill("SIGKILL");
  }

  /** Resolves when it is gone, or has had its time. */
  kill(): Promise<void> {
    return new Promise((resolve) => {
      const child = this.#process;
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      child.once("exit", () => resolve());
      setTimeout(resolve, GONE_MS_MAX);
      child.kill("SIGKILL");
    });
  }
}
