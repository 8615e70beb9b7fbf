// The process that a user starts: it runs the server in a worker, holds its sockets, passes signals on, starts another
// worker when one dies, and ends and replaces one that hangs, leaving out the drives that do not answer. Small: it loads
// nothing of the server. docs/decisions/0008-supervisor.md says why it is so.

import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { SidePool } from "./side-pool.ts";
import type { ForkWorker } from "./supervise.ts";
import { SupervisedWorker, type Exit } from "./supervised-worker.ts";
import { SupervisorDoors } from "./supervisor-doors.ts";
import { BEAT_MS, type FromWorker, type SidePlan } from "./supervisor-protocol.ts";
import { RestartPolicy } from "./supervisor-restarts.ts";
import { silentFolders } from "./supervisor-silent-folders.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** How long a worker may take to exit once it has stopped: threads in hung file calls keep it. */
const EXIT_MS_MAX = 2_000;
/** How often drives that are avoided are asked whether they answer again. */
const AVOIDED_ASK_MS = 30_000;
const FAILED = 1;

export class Supervisor {
  readonly #forkWorker: ForkWorker;
  readonly #doors = new SupervisorDoors();
  readonly #restarts = new RestartPolicy();
  /** Workers that were killed and are not gone. */
  readonly #replacedPids = new Set<number>();
  #avoided: readonly string[] = [];
  /** The first worker, which owns the drives and the metadata. */
  #lead: SupervisedWorker | undefined;
  /** Those that serve beside it, where there are any. */
  #sides: SidePool | undefined;
  #sidePlan: SidePlan | undefined;
  #hasServed = false;
  #isStopping = false;

  constructor(forkWorker: ForkWorker) {
    this.#forkWorker = forkWorker;
  }

  /** Takes charge of the first worker. */
  start(first: ChildProcess): void {
    this.#adopt(first);
    for (const signal of SIGNALS) process.on(signal, () => void this.#stop(signal));
    setInterval(() => void this.#turn(), BEAT_MS);
    setInterval(() => void this.#askAvoided(), AVOIDED_ASK_MS);
    process.once("exit", () => this.#removeFolder());
  }

  #adopt(child: ChildProcess): void {
    const worker = new SupervisedWorker(child);
    this.#lead = worker;
    child.on("message", (message: FromWorker) => void this.#receive(worker, message));
    child.once("disconnect", () => this.#doors.shut(worker));
    child.once("exit", (code, signal) => {
      if (child.pid !== undefined) this.#replacedPids.delete(child.pid);
      if (worker === this.#lead) void this.#onDeath(worker, { code, signal });
    });
  }

  async #receive(worker: SupervisedWorker, message: FromWorker): Promise<void> {
    if (worker !== this.#lead) return;
    switch (message.kind) {
      case "beat":
        worker.watch.beat(message.writeWaitMs);
        this.#doors.noteOpen(worker, message.openCount);
        break;
      case "bind":
        await this.#doors.bind(worker, message);
        break;
      case "taken":
        this.#doors.noteTaken(worker, message.id, message.openCount);
        break;
      case "passed":
        this.#doors.notePassed(worker, message.id);
        break;
      case "folders":
        worker.drives = message.drives;
        break;
      case "metadata":
        worker.metadataDrive = message.drive;
        break;
      case "serving":
        worker.isServing = true;
        if (!this.#isStopping) this.#doors.open(worker);
        break;
      case "ready":
        this.#onReady(message.sides);
        break;
      case "ended":
        worker.endCode = message.code;
        setTimeout(() => endAs(message.code, worker), EXIT_MS_MAX);
        break;
    }
  }

  #onReady(plan: SidePlan | undefined): void {
    this.#hasServed = true;
    this.#sidePlan = plan;
    if (plan === undefined || this.#isStopping) return;
    this.#sides = new SidePool(plan, {
      forkWorker: this.#forkWorker,
      doors: this.#doors,
      replacedPids: this.#replacedPids,
      onDeath: crashWithWorker,
    });
    this.#sides.start();
  }

  /** The lead has ended of itself, or by somebody else's hand. */
  async #onDeath({ endCode }: SupervisedWorker, exit: Exit): Promise<void> {
    this.#giveUpLead();
    if (endCode !== undefined) process.exit(endCode);
    crashWithWorker(exit);
    const { code, signal } = exit;
    // A start that fails has told why, in words; it would fail again.
    if (this.#isStopping || !this.#hasServed) process.exit(code ?? FAILED);
    await this.#endSides();
    await this.#startAnew(`the last worker ended (${signal ?? `exit code ${code}`})`);
  }

  /** From now on there is none, and connections wait. */
  #giveUpLead(): void {
    if (this.#lead !== undefined) this.#doors.shut(this.#lead);
    this.#lead = undefined;
  }

  /** None of them may go on beside another lead. */
  async #endSides(): Promise<void> {
    const sides = this.#sides;
    this.#sides = undefined;
    await sides?.end();
    this.#removeFolder();
  }

  /** The lead removes it when it ends in order. */
  #removeFolder(): void {
    if (this.#sidePlan !== undefined)
      rmSync(this.#sidePlan.folder, { recursive: true, force: true });
    this.#sidePlan = undefined;
  }

  async #startAnew(reason: string): Promise<void> {
    const pauseMs = this.#restarts.pauseMs(performance.now());
    if (pauseMs === undefined) {
      process.stderr.write(
        `kintsugi: ${reason}. No other is started, for many were within a minute: the log says why\n`,
      );
      process.exit(FAILED);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (this.#isStopping) return;
    const orders = { avoidDrives: this.#avoided, replacedPids: [...this.#replacedPids], reason };
    this.#adopt(this.#forkWorker(orders));
  }

  /** Once a second: judges the workers. */
  async #turn(): Promise<void> {
    this.#doors.turn();
    const lead = this.#lead;
    if (lead === undefined) return;
    const sides = this.#sides?.all ?? [];
    await Promise.all([lead, ...sides].map((worker) => this.#judge(worker, lead)));
  }

  /** What a side waits for in vain may be the lead's metadata, which all of them read. */
  async #judge(worker: SupervisedWorker, lead: SupervisedWorker): Promise<void> {
    const verdict = worker.watch.turn();
    if (verdict === "fine") {
      worker.asking = undefined;
      return;
    }
    worker.asking ??= silentFolders(lead.drives);
    if (verdict === "suspect") return;
    const silent = await worker.asking;
    worker.asking = undefined;
    if (lead !== this.#lead) return;
    const isMetadataSilent = silent.some((path) => path === lead.metadataDrive);
    if (verdict === "hangs" && worker === lead) {
      await this.#replace(lead, "it did not answer", silent);
    } else if (isMetadataSilent) {
      await this.#replace(lead, "the drive of its metadata hangs", silent);
    } else if (verdict === "hangs") await this.#sides?.replace(worker);
  }

  /** Ends a lead that hangs, and its sides, and starts another one without the drives that do not answer. */
  async #replace(lead: SupervisedWorker, why: string, silent: readonly string[]): Promise<void> {
    this.#giveUpLead();
    if (lead.pid !== undefined) this.#replacedPids.add(lead.pid);
    await Promise.all([lead.kill(), this.#endSides()]);
    if (this.#isStopping) process.exit(FAILED);
    // Those that were avoided were asked too: what answers again is used by whoever starts next.
    this.#avoided = silent;
    const drives = silent.length === 0 ? "" : `; what does not answer: ${silent.join(", ")}`;
    await this.#startAnew(`the last worker was ended, for ${why}${drives}`);
  }

  async #askAvoided(): Promise<void> {
    const asked = this.#avoided;
    if (asked.length === 0) return;
    const silent = new Set(await silentFolders(asked));
    const worker = this.#lead;
    if (worker === undefined || asked !== this.#avoided) return;
    // Whoever starts next may use what answers again.
    this.#avoided = asked.filter((path) => silent.has(path));
    for (const path of asked.filter((each) => !silent.has(each))) {
      worker.send({ kind: "answers", path });
    }
  }

  async #stop(signal: string): Promise<void> {
    const lead = this.#lead;
    const isSecond = this.#isStopping;
    this.#isStopping = true;
    if (lead === undefined) process.exit(0);
    // Until then nothing is acknowledged.
    if (!lead.isServing) endAs(0, lead);
    if (isSecond) endAs(FAILED, lead);
    // Before the worker is told: from then on nobody may find an open door with nobody behind it.
    await this.#doors.close();
    // All finish their requests at the same time; the lead then waits for the others.
    this.#sides?.stop(signal);
    lead.send({ kind: "stop", signal });
  }
}

/** The laboratory's crash points are for the whole server. */
function crashWithWorker({ signal }: Exit): void {
  if (signal === "SIGKILL" && process.env["KINTSUGI_CRASH_AT"]) process.kill(process.pid, signal);
}

/** Ends both, without waiting for what the kernel does not end. Sides end with the channel to this process. */
function endAs(code: number, worker: SupervisedWorker): never {
  worker.killNow();
  process.exit(code);
}
