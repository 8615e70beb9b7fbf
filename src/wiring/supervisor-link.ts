// The worker's end of the channel to its supervisor: says every second that it lives, asks for the sockets it serves on,
// stops when it is told to, and ends when the supervisor is gone: nobody would watch it, or end it with a signal.

import { rm } from "node:fs/promises";
import type { Logger } from "../telemetry/logger.ts";
import { DealtDoor } from "./dealt-door.ts";
import { isAcceptedHandle, isListeningHandle } from "./socket-handles.ts";
import {
  BEAT_MS,
  ORDERS_VARIABLE,
  type FromWorker,
  type SidePlan,
  type ToWorker,
  type WorkerOrders,
} from "./supervisor-protocol.ts";

/** Who was to shed connections and has had no requests on them forgets it: they may be others by then. */
const SHED_MS_MAX = 5_000;
/** How long a worker whose supervisor is gone may take to remove its sockets. */
const TIDY_MS_MAX = 200;

/** A socket that somebody else has bound, for a server's `listen`. */
export type BoundSocket = object;

/** The link of a process that a supervisor has started; undefined in any other. To be called once. */
export function openSupervisorLink(): SupervisorLink | undefined {
  const text = process.env[ORDERS_VARIABLE];
  // Its children are no workers.
  delete process.env[ORDERS_VARIABLE];
  if (text === undefined || process.send === undefined) return undefined;
  // Written by the supervisor, which is this very version.
  return new SupervisorLink(JSON.parse(text) as WorkerOrders);
}

export class SupervisorLink {
  readonly orders: WorkerOrders;
  readonly #sockets = new Map<number, (message: SocketMessage) => void>();
  #writeWaitMs: () => number = () => 0;
  #stop: (signal: string) => void = () => undefined;
  #shed: (count: number) => void = () => undefined;
  #door: DealtDoor | undefined;
  #sideFolder: string | undefined;
  #isServing = false;
  #logger: Logger | undefined;

  constructor(orders: WorkerOrders) {
    this.orders = orders;
    process.once("disconnect", () => this.#endOrphaned());
    process.on("message", (message: ToWorker, handle) => this.#receive(message, handle));
    // A start that fails must not wait for a channel that never closes.
    process.channel?.unref();
    this.#beat();
    setInterval(() => this.#beat(), BEAT_MS).unref();
  }

  /** Whether the supervisor deals out the connections of the socket that was taken. */
  get isDealtTo(): boolean {
    return this.#door !== undefined;
  }

  /** Whether requests are answered: then an end waits for those under way. */
  get isServing(): boolean {
    return this.#isServing;
  }

  /** The process that signals are for. */
  get supervisorPid(): number {
    return process.ppid;
  }

  useLogger(logger: Logger): void {
    this.#logger = logger;
    const { reason, avoidDrives } = this.orders;
    if (reason !== undefined) logger.error({ avoidDrives }, `started anew: ${reason}`);
  }

  /** Called with how many connections are to end with their next answer. */
  onShed(shed: (count: number) => void): void {
    this.#shed = shed;
  }

  /** Called with the signal that came, and again when another one comes. */
  onStop(stop: (signal: string) => void): void {
    this.#stop = stop;
  }

  /** The folders of the drives, before anything of them is touched that may block this thread. */
  noteFolders(drives: readonly string[]): void {
    this.#send({ kind: "folders", drives });
  }

  /** The drive that the metadata is on, before it is opened. */
  noteMetadata(drive: string): void {
    this.#send({ kind: "metadata", drive });
  }

  /** Requests are answered, though not everything is open yet. */
  noteServing(): void {
    this.#isServing = true;
    this.#send({ kind: "serving" });
  }

  /** `writeWaitMs` tells how long the oldest write of metadata has been under way; `sides`: who is to serve beside this one. */
  noteReady(writeWaitMs: () => number, sides?: SidePlan): void {
    this.#writeWaitMs = writeWaitMs;
    this.#sideFolder = sides?.folder;
    this.#send({ kind: "ready", ...(sides === undefined ? {} : { sides }) });
  }

  /**
   * Ends the process, and its supervisor with it: it has stopped in order, or must not be followed by another.
   * A thread whose file call hangs does not keep the supervisor waiting.
   */
  end(code: number): never {
    this.#send({ kind: "ended", code });
    process.exit(code);
  }

  /**
   * A socket that is bound to the address and outlives this process; undefined where there is none to be had, and the
   * server opens its own. Where several workers serve what connects to it (`isShared`) the supervisor accepts.
   * @throws the system's error when the address cannot be had.
   */
  takeSocket(host: string, port: number, isShared = false): Promise<BoundSocket | undefined> {
    const id = this.#sockets.size;
    return new Promise((resolve, reject) => {
      this.#sockets.set(id, ({ answer, handle }) => {
        if (answer.kind === "refused") reject(systemError(answer));
        else if (answer.kind === "own" || !isListeningHandle(handle)) resolve(undefined);
        else if (answer.kind === "bound") resolve(handle);
        else {
          this.#door = new DealtDoor(handle);
          resolve(this.#door.handle);
        }
      });
      this.#send({ kind: "bind", id, host, port, isShared });
    });
  }

  #receive(message: ToWorker, handle: unknown): void {
    switch (message.kind) {
      case "stop":
        this.#stop(message.signal);
        break;
      case "socket":
        this.#sockets.get(message.id)?.({ answer: message.answer, handle });
        break;
      case "connection":
        this.#admit(message.id, handle);
        break;
      case "ask":
        // Behind whatever was said of those before it.
        this.#send({ kind: "passed", id: message.id });
        break;
      case "shed":
        this.#shed(message.count);
        setTimeout(() => this.#shed(0), SHED_MS_MAX).unref();
        break;
      case "answers": {
        const { path } = message;
        this.#logger?.warn({ path }, "a drive that was set aside answers again: a restart uses it");
      }
    }
  }

  #admit(id: number, handle: unknown): void {
    if (!isAcceptedHandle(handle)) return;
    // Said first: whoever has read from it cannot give it to another.
    this.#send({ kind: "taken", id, openCount: (this.#door?.openCount ?? 0) + 1 });
    if (this.#door === undefined) handle.close();
    else this.#door.admit(handle);
  }

  /** Killed as it is: what an orderly exit waits for may be what hangs. */
  #endOrphaned(): void {
    if (this.#sideFolder === undefined) killSelf();
    else {
      // Nobody else is left who would remove it.
      setTimeout(killSelf, TIDY_MS_MAX);
      rm(this.#sideFolder, { recursive: true, force: true }).then(killSelf, killSelf);
    }
  }

  #beat(): void {
    const openCount = this.#door?.openCount ?? 0;
    this.#send({ kind: "beat", writeWaitMs: this.#writeWaitMs(), openCount });
  }

  #send(message: FromWorker): void {
    // Without a supervisor this process is about to end.
    process.send?.(message, undefined, undefined, () => undefined);
  }
}

function killSelf(): void {
  process.kill(process.pid, "SIGKILL");
}

interface SocketMessage {
  readonly answer: Extract<ToWorker, { kind: "socket" }>["answer"];
  readonly handle: unknown;
}

function systemError({
  code,
  syscall,
  address,
  port,
}: Extract<SocketMessage["answer"], { kind: "refused" }>): Error {
  const error = new Error(`${syscall} ${code}: ${address}:${port}`);
  return Object.assign(error, { code, syscall, address, port });
}
