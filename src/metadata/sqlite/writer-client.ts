// Starts the writer thread and carries groups to it and answers back. A thread that dies is replaced: the next one opens
// the database anew, and with it an epoch. One that dies again and again is not, for then something is wrong that only
// a look at it, and a restart of the process, will mend.

import type { Worker } from "node:worker_threads";
import type { Clock } from "../../util/clock.ts";
import type { WritePort } from "../write-operations.ts";
import type { MemberSpec } from "../members/member-spec.ts";
import type {
  FromWriter,
  MembersChange,
  ToWriter,
  WriterNews,
  WriterOutcome,
} from "./write-protocol.ts";
import { post, received } from "./write-port.ts";
import { spawnWriter, type SpawnWriter } from "./spawn-writer.ts";
import type { WriterDoor } from "./write-listener.ts";
import { WriteQueue } from "./write-queue.ts";
import type { MembersPlan } from "./writer-host.ts";

/** Threads that may take a dead one's place within the period. */
const RESTARTS_MAX = 3;
const RESTART_PERIOD_MS = 60_000;

export interface WriterOptions {
  /** Of metadata.db. */
  readonly path: string;
  readonly clock: Clock;
  /** Undefined: the database is the only copy. */
  readonly plan?: MembersPlan | undefined;
  /** Where other processes reach the writer's thread; undefined: nowhere. */
  readonly door?: WriterDoor | undefined;
  readonly onNews?: ((news: Exclude<WriterNews, WriterOutcome>) => void) | undefined;
  /** How a thread is started; tests put their own hand between. */
  readonly spawn?: SpawnWriter | undefined;
}

/** The metadata must not be opened: why, in words for whoever starts the server. */
export class MetadataRefusedError extends Error {
  override readonly name = "MetadataRefusedError";
}

export interface StartedWriter {
  readonly port: WritePort;
  readonly clusterId: string | undefined;
  /** What was found odd, in sentences. */
  readonly remarks: readonly string[];
  /** A member that was not there at the start. */
  addMember(spec: MemberSpec): void;
  /** All members: those of the start and those added since. */
  specs(): readonly MemberSpec[];
  /** Makes the database anew from the members. @throws when that could not be done. */
  restore(): Promise<void>;
  /** Has the members be chosen among other drives. Resolves to why they are still those of before. */
  changeMembers(change: MembersChange): Promise<string | undefined>;
}

/** Resolves when the thread has opened the database. @throws when it cannot; MetadataRefusedError when it must not. */
export async function startWriter(options: WriterOptions): Promise<StartedWriter> {
  const client = new WriterClient(options);
  const { clusterId, remarks } = await client.start();
  return {
    port: client.queue,
    clusterId,
    remarks,
    addMember: (spec) => client.addMember(spec),
    specs: () => client.specs,
    restore: () => client.restore(),
    changeMembers: (change) => client.changeMembers(change),
  };
}

type Ready = Extract<FromWriter, { readonly kind: "ready" }>;

class WriterClient {
  readonly queue: WriteQueue;
  readonly #options: WriterOptions;
  #worker: Worker | undefined;
  /** Resolves when the thread that is there now has ended. */
  #exited: Promise<void> = Promise.resolve();
  #isClosing = false;
  /** Members that came after the start: a thread that takes another's place has them too. */
  readonly #added: MemberSpec[] = [];
  /** What the thread was asked and has not answered; what was asked later may be answered before. */
  readonly #asked = new Map<number, (problem: string | undefined) => void>();
  #lastId = 0;
  /** Drives that have come or gone since the start: a thread that takes another's place knows of them. */
  #change: (MembersChange & { readonly id: number }) | undefined;
  /** Of the threads there were. */
  #lastEpoch: number | undefined;
  /** When threads were replaced, in monotonic milliseconds. */
  #restarts: number[] = [];

  constructor(options: WriterOptions) {
    this.#options = options;
    this.queue = new WriteQueue(
      { send: (message) => this.#send(message), close: () => this.#close() },
      options.clock,
    );
  }

  /** @throws when the thread does not get as far as having the database open. */
  async start(): Promise<Ready> {
    const { path, plan, door, spawn = spawnWriter } = this.#options;
    const { specs } = this;
    const { drives, toleratedCount } = this.#change ?? plan ?? { drives: [], toleratedCount: 0 };
    const members = plan && {
      ...plan,
      drives,
      specs,
      toleratedCount,
      lastEpoch: this.#lastEpoch,
    };
    const worker = spawn({ path, plan: members, door });
    let death = new Error("the metadata writer has ended");
    worker.on("error", (error: Error) => (death = error));
    const exited = new Promise<void>((resolve) => {
      worker.once("exit", () => resolve());
    });
    this.#worker = worker;
    this.#exited = exited;
    const ready = await new Promise<Ready>((resolve, reject) => {
      worker.once("exit", () => reject(death));
      worker.on("message", (sent: FromWriter | Uint8Array) => {
        const message = received<FromWriter>(sent);
        if (message.kind === "ready") resolve(message);
        else if (message.kind === "unusable") reject(unusableError(message));
        else this.#take(message);
      });
    });
    // Only then is its connection closed, and its lock gone: an error alone says that it will be soon.
    void exited.then(() => this.#replace(death));
    return ready;
  }

  addMember(spec: MemberSpec): void {
    this.#added.push(spec);
    this.#send({ kind: "add-member", spec });
  }

  get specs(): readonly MemberSpec[] {
    return this.#change?.specs ?? [...(this.#options.plan?.specs ?? []), ...this.#added];
  }

  async restore(): Promise<void> {
    const problem = await this.#ask((id) => ({ kind: "restore", id }));
    if (problem !== undefined) throw new Error(`the metadata could not be made anew: ${problem}`);
  }

  changeMembers(change: MembersChange): Promise<string | undefined> {
    return this.#ask(
      (id) => ({ kind: "change-members", id, ...change }),
      (id) => {
        if (id > (this.#change?.id ?? 0)) this.#change = { id, ...change };
      },
    );
  }

  /** Resolves to why it was not done. `onDone`: called at once when it was. */
  #ask(
    messageOf: (id: number) => ToWriter,
    onDone: (id: number) => void = () => undefined,
  ): Promise<string | undefined> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      this.#asked.set(id, (problem) => {
        this.#asked.delete(id);
        if (problem === undefined) onDone(id);
        resolve(problem);
      });
      this.#send(messageOf(id));
    });
  }

  #take(message: Exclude<FromWriter, Ready>): void {
    if (message.kind === "answers" || message.kind === "group-failed") this.queue.receive(message);
    else if (message.kind === "members-changed" || message.kind === "restored") {
      this.#asked.get(message.id)?.(message.problem);
    } else if (message.kind !== "unusable") {
      if (message.kind === "report") this.#lastEpoch = message.report.epoch;
      this.#options.onNews?.(message);
    }
  }

  /** Never rejects. */
  async #replace(death: Error): Promise<void> {
    for (const end of this.#asked.values()) end(death.message);
    if (this.#isClosing) return;
    let reason = death;
    this.queue.interrupt(reason);
    while (this.#mayRestart()) {
      try {
        await this.start();
        this.queue.resume();
        return;
      } catch (error) {
        reason = error instanceof Error ? error : new Error(String(error));
        await this.#exited;
      }
    }
    this.queue.fail(reason);
  }

  /** Notes the restart that follows. */
  #mayRestart(): boolean {
    const now = this.#options.clock.monotonic();
    this.#restarts = this.#restarts.filter((at) => now - at < RESTART_PERIOD_MS);
    if (this.#isClosing || this.#restarts.length >= RESTARTS_MAX) return false;
    this.#restarts.push(now);
    return true;
  }

  #send(message: ToWriter): void {
    if (this.#worker !== undefined) post(this.#worker, message);
  }

  /** Also when a thread is just being started: it takes the message once it is, or ends. */
  async #close(): Promise<void> {
    this.#isClosing = true;
    this.#send({ kind: "close" });
    await this.#exited;
  }
}

function unusableError({ message, isRefusal }: Extract<FromWriter, { kind: "unusable" }>): Error {
  return isRefusal ? new MetadataRefusedError(message) : new Error(message);
}
