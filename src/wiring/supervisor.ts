// The process that a user starts: it runs the server in a worker, holds its sockets, passes signals on, starts another
// worker when one dies, and ends and replaces one that hangs, leaving out the drives that do not answer. Small: it loads
// nothing of the server. docs/decisions/0008-supervisor.md says why it is so.

import type { ChildProcess, SendHandle } from "node:child_process";
import type { ForkWorker } from "./supervise.ts";
import { BEAT_MS, type FromWorker, type ToWorker } from "./supervisor-protocol.ts";
import { RestartPolicy } from "./supervisor-restarts.ts";
import { silentFolders } from "./supervisor-silent-folders.ts";
import { SocketKeeper } from "./supervisor-sockets.ts";
import { BeatWatch } from "./supervisor-watch.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** How long a worker that was killed is waited for; one whose file call hangs stays longer than anybody would wait. */
const GONE_MS_MAX = 2_000;
/** How long a worker may take to exit once it has stopped: threads in hung file calls keep it. */
const EXIT_MS_MAX = 2_000;
/** How often drives that are avoided are asked whether they answer again. */
const AVOIDED_ASK_MS = 30_000;
const FAILED = 1;

/** The worker that is there, and what it has said. */
interface Worker {
  readonly process: ChildProcess;
  readonly watch: BeatWatch;
  isReady: boolean;
  /** The folders of its drives. */
  drives: readonly string[];
  metadataDrive: string | undefined;
  /** Which of them are silent: asked while it is suspected. */
  asking: Promise<readonly string[]> | undefined;
  /** It has ended for good: no other is to follow. */
  endCode: number | undefined;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Supervisor {
  readonly #forkWorker: ForkWorker;
  readonly #sockets = new SocketKeeper();
  readonly #restarts = new RestartPolicy();
  /** Workers that were killed and are not gone. */
  readonly #replacedPids = new Set<number>();
  #avoided: readonly string[] = [];
  #worker: Worker | undefined;
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
  }

  #adopt(child: ChildProcess): void {
    const worker: Worker = {
      process: child,
      watch: new BeatWatch(),
      isReady: false,
      drives: [],
      metadataDrive: undefined,
      asking: undefined,
      endCode: undefined,
    };
    this.#worker = worker;
    child.on("message", (message: FromWorker) => void this.#receive(worker, message));
    // Whatever it is, the exit that follows says more.
    child.on("error", () => undefined);
    child.once("exit", (code, signal) => {
      if (child.pid !== undefined) this.#replacedPids.delete(child.pid);
      if (worker === this.#worker) this.#onDeath(worker.endCode, { code, signal });
    });
  }

  async #receive(worker: Worker, message: FromWorker): Promise<void> {
    if (worker !== this.#worker) return;
    switch (message.kind) {
      case "beat":
        worker.watch.beat(message.writeWaitMs);
        break;
      case "bind":
        await this.#bind(worker, message);
        break;
      case "folders":
        worker.drives = message.drives;
        break;
      case "metadata":
        worker.metadataDrive = message.drive;
        break;
      case "ready":
        worker.isReady = true;
        this.#hasServed = true;
        break;
      case "ended":
        worker.endCode = message.code;
        setTimeout(() => endAs(message.code, worker), EXIT_MS_MAX);
        break;
    }
  }

  async #bind(worker: Worker, { id, host, port }: Extract<FromWorker, { kind: "bind" }>) {
    const { answer, handle } = await this.#sockets.bind(host, port);
    // A bare handle may be sent; the types know only what wraps one.
    send(worker, { kind: "socket", id, answer }, handle as unknown as SendHandle);
  }

  /** The worker has ended of itself, or by somebody else's hand. */
  #onDeath(endCode: number | undefined, { code, signal }: Exit): void {
    this.#worker = undefined;
    if (endCode !== undefined) process.exit(endCode);
    // The laboratory's crash points are for the whole server.
    if (signal === "SIGKILL" && process.env["KINTSUGI_CRASH_AT"]) process.kill(process.pid, signal);
    // A start that fails has told why, in words; it would fail again.
    if (this.#isStopping || !this.#hasServed) process.exit(code ?? FAILED);
    void this.#startAnew(`the last worker ended (${signal ?? `exit code ${code}`})`);
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

  /** Once a second: judges the worker. */
  async #turn(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const verdict = worker.watch.turn();
    if (verdict === "fine") {
      worker.asking = undefined;
      return;
    }
    worker.asking ??= silentFolders(worker.drives);
    if (verdict === "suspect") return;
    const silent = await worker.asking;
    worker.asking = undefined;
    if (worker !== this.#worker) return;
    if (verdict === "hangs") await this.#replace(worker, "it did not answer", silent);
    else if (silent.some((path) => path === worker.metadataDrive)) {
      await this.#replace(worker, "the drive of its metadata hangs", silent);
    }
  }

  /** Ends a worker that hangs and starts another one without the drives that do not answer. */
  async #replace(worker: Worker, why: string, silent: readonly string[]): Promise<void> {
    this.#worker = undefined;
    const { pid } = worker.process;
    if (pid !== undefined) this.#replacedPids.add(pid);
    await killed(worker.process);
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
    const worker = this.#worker;
    if (worker === undefined || asked !== this.#avoided) return;
    // Whoever starts next may use what answers again.
    this.#avoided = asked.filter((path) => silent.has(path));
    for (const path of asked.filter((each) => !silent.has(each))) {
      send(worker, { kind: "answers", path });
    }
  }

  async #stop(signal: string): Promise<void> {
    const worker = this.#worker;
    const isSecond = this.#isStopping;
    this.#isStopping = true;
    if (worker === undefined) process.exit(0);
    // While it starts nothing is acknowledged yet.
    if (!worker.isReady) endAs(0, worker);
    if (isSecond) endAs(FAILED, worker);
    // Before the worker is told: from then on nobody may find an open door with nobody behind it.
    await this.#sockets.close();
    send(worker, { kind: "stop", signal });
  }
}

function send(worker: Worker, message: ToWorker, handle?: SendHandle): void {
  // A worker that has just died is told nothing, and its death is seen elsewhere.
  worker.process.send(message, handle, {}, () => undefined);
}

/** Ends both, without waiting for what the kernel does not end. */
function endAs(code: number, worker: Worker): never {
  worker.process.kill("SIGKILL");
  process.exit(code);
}

/** Resolves when it is gone, or has had its time. */
function killed(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    child.once("exit", () => resolve());
    setTimeout(resolve, GONE_MS_MAX);
    child.kill("SIGKILL");
  });
}
