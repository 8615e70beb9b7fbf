// The sockets that a supervisor holds, and the connections it deals out from those that several workers serve.

import { CONNECTIONS_MAX } from "../core/limits.ts";
import { ConnectionDealer } from "./connection-dealer.ts";
import type { SupervisedWorker } from "./supervised-worker.ts";
import type { FromWorker, SocketAnswer } from "./supervisor-protocol.ts";
import { SocketKeeper } from "./supervisor-sockets.ts";

type Bind = Extract<FromWorker, { kind: "bind" }>;

const DEALT: SocketAnswer = { kind: "dealt" };

export class SupervisorDoors {
  readonly #sockets = new SocketKeeper();
  readonly #dealer = new ConnectionDealer<SupervisedWorker>(CONNECTIONS_MAX);
  /** A socket that was dealt from once stays so: it cannot be listened on by a worker any more. */
  readonly #dealt = new Set<object>();

  /** Answers a worker that asks for a socket. */
  async bind(worker: SupervisedWorker, { id, host, port, isShared }: Bind): Promise<void> {
    const { answer, handle } = await this.#sockets.bind(host, port);
    if (handle !== undefined && isShared && this.#dealer.acceptFrom(handle) === 0) {
      this.#dealt.add(handle);
    }
    const isDealt = handle !== undefined && this.#dealt.has(handle);
    worker.send({ kind: "socket", id, answer: isDealt ? DEALT : answer }, handle);
  }

  /** A worker that is ready to be dealt connections. */
  open(worker: SupervisedWorker): void {
    this.#dealer.add(worker);
    // Those of clients that keep theirs open would stay with the workers that were there before.
    for (const [taker, count] of this.#dealer.surplus()) {
      if (taker !== worker) taker.send({ kind: "shed", count });
    }
  }

  /** A worker that takes no more. */
  shut(worker: SupervisedWorker): void {
    this.#dealer.remove(worker);
  }

  noteTaken(worker: SupervisedWorker, id: number, openCount: number): void {
    this.#dealer.noteTaken(worker, id, openCount);
  }

  notePassed(worker: SupervisedWorker, id: number): void {
    this.#dealer.notePassed(worker, id);
  }

  /** Called once a second. */
  turn(): void {
    this.#dealer.turn();
  }

  noteOpen(worker: SupervisedWorker, openCount: number): void {
    this.#dealer.noteOpen(worker, openCount);
  }

  /** From now on connections are refused, once the worker has closed its own end. */
  async close(): Promise<void> {
    this.#dealer.close();
    await this.#sockets.close();
  }
}
