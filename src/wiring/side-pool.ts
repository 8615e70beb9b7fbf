// The workers that serve beside the lead, as the supervisor keeps them: each is started when the lead serves, followed by
// another when it dies or hangs, and ended before the lead is replaced: none may write beside another lead than its own.

import type { ForkWorker } from "./supervise.ts";
import { SupervisedWorker, type Exit } from "./supervised-worker.ts";
import type { SupervisorDoors } from "./supervisor-doors.ts";
import type { FromWorker, SidePlan } from "./supervisor-protocol.ts";
import { RestartPolicy } from "./supervisor-restarts.ts";

/** One that dies again and again is tried so rarely; the others serve. */
const REST_MS = 60_000;

export interface SidePoolParts {
  readonly forkWorker: ForkWorker;
  readonly doors: SupervisorDoors;
  /** Workers that were killed and are not gone. */
  readonly replacedPids: Set<number>;
  /** The laboratory's crash points are for the whole server. */
  readonly onDeath: (exit: Exit) => void;
}

/** Of one lead: another lead has others. */
export class SidePool {
  readonly #parts: SidePoolParts;
  readonly #plan: SidePlan;
  readonly #workers = new Map<number, SupervisedWorker>();
  readonly #restarts = new Map<number, RestartPolicy>();
  #isEnding = false;

  constructor(plan: SidePlan, parts: SidePoolParts) {
    this.#plan = plan;
    this.#parts = parts;
  }

  start(): void {
    for (let number = 1; number <= this.#plan.count; number += 1) {
      this.#restarts.set(number, new RestartPolicy());
      this.#fork(number, undefined);
    }
  }

  get all(): readonly SupervisedWorker[] {
    return [...this.#workers.values()];
  }

  /** They finish what they do, and are followed by nobody. */
  stop(signal: string): void {
    this.#isEnding = true;
    for (const worker of this.all) {
      this.#parts.doors.shut(worker);
      // While it starts nothing is acknowledged yet.
      if (worker.isServing) worker.send({ kind: "stop", signal });
      else worker.killNow();
    }
  }

  /** Resolves when all are gone, or have had their time: those that are not are among the replaced. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.all.map((worker) => this.#kill(worker)));
  }

  /** Ends one that hangs; another follows. */
  async replace(worker: SupervisedWorker): Promise<void> {
    const [number] = [...this.#workers].find(([, each]) => each === worker) ?? [];
    if (number === undefined) return;
    this.#workers.delete(number);
    await this.#kill(worker);
    void this.#follow(number, "it did not answer");
  }

  async #kill(worker: SupervisedWorker): Promise<void> {
    const { doors, replacedPids } = this.#parts;
    doors.shut(worker);
    if (worker.pid !== undefined) replacedPids.add(worker.pid);
    await worker.kill();
  }

  #fork(number: number, reason: string | undefined): void {
    const { forkWorker, replacedPids } = this.#parts;
    const { folder, token } = this.#plan;
    const side = { number, folder, token };
    const child = forkWorker({ avoidDrives: [], replacedPids: [], reason, side });
    const worker = new SupervisedWorker(child);
    this.#workers.set(number, worker);
    child.on("message", (message: FromWorker) => this.#receive(worker, message));
    // Nothing reaches it any more, however long a call that hangs keeps the process from ending.
    child.once("disconnect", () => this.#parts.doors.shut(worker));
    child.once("exit", (code, signal) => {
      if (child.pid !== undefined) replacedPids.delete(child.pid);
      this.#onExit(number, worker, { code, signal });
    });
  }

  #receive(worker: SupervisedWorker, message: FromWorker): void {
    const { doors } = this.#parts;
    if (message.kind === "beat") {
      worker.watch.beat(message.writeWaitMs);
      doors.noteOpen(worker, message.openCount);
    } else if (message.kind === "bind") void doors.bind(worker, message);
    else if (message.kind === "taken") doors.noteTaken(worker, message.id, message.openCount);
    else if (message.kind === "passed") doors.notePassed(worker, message.id);
    else if (message.kind === "serving" && !this.#isEnding) {
      worker.isServing = true;
      doors.open(worker);
    }
  }

  #onExit(number: number, worker: SupervisedWorker, exit: Exit): void {
    this.#parts.doors.shut(worker);
    if (this.#workers.get(number) !== worker) return;
    this.#workers.delete(number);
    if (this.#isEnding) return;
    this.#parts.onDeath(exit);
    const { code, signal } = exit;
    void this.#follow(number, `it ended (${signal ?? `exit code ${code}`})`);
  }

  async #follow(number: number, reason: string): Promise<void> {
    const pauseMs = this.#restarts.get(number)?.pauseMs(performance.now()) ?? REST_MS;
    await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
    if (!this.#isEnding) this.#fork(number, `beside the first worker, number ${number}: ${reason}`);
  }
}
