// The sockets that a supervisor holds for its workers: bound here, listened on and accepted from in the worker. They
// outlive a worker that dies, so that clients who connect meanwhile wait for the next one instead of being refused.

import { lookup } from "node:dns/promises";
import { getSystemErrorName } from "node:util";
import { makeListeningHandle, type ListeningHandle } from "./socket-handles.ts";
import type { SocketAnswer } from "./supervisor-protocol.ts";

export interface BoundSocket {
  readonly answer: SocketAnswer;
  readonly handle: ListeningHandle | undefined;
}

const OWN: BoundSocket = { answer: { kind: "own" }, handle: undefined };

export class SocketKeeper {
  readonly #bound = new Map<string, Promise<BoundSocket>>();

  /** The same socket for the same address each time, also where port 0 takes a free one. */
  bind(host: string, port: number): Promise<BoundSocket> {
    const key = `${host} ${port}`;
    const known = this.#bound.get(key);
    if (known !== undefined) return known;
    const made = this.#bind(key, host, port);
    this.#bound.set(key, made);
    return made;
  }

  async #bind(key: string, host: string, port: number): Promise<BoundSocket> {
    const made = await bind(host, port);
    // What was refused once may be free when a later worker asks.
    if (made.handle === undefined) this.#bound.delete(key);
    return made;
  }

  /** From now on connections are refused, once the worker has closed its own end. */
  async close(): Promise<void> {
    const all = [...this.#bound.values()];
    this.#bound.clear();
    for (const bound of all) (await bound).handle?.close();
  }
}

/** Never rejects: what is wrong with a host's name is told by the worker that then listens for itself. */
async function bind(host: string, port: number): Promise<BoundSocket> {
  const addresses = await lookup(host, { all: true }).catch(() => []);
  const [first, ...more] = addresses;
  // A name of several addresses (localhost) has a socket for each; those are opened by whoever serves.
  if (first === undefined || more.length > 0) return OWN;
  const { address, family } = first;
  const made = makeListeningHandle(address, port, family);
  if (made === undefined) return OWN;
  if (typeof made === "number") return refused(made, "bind", { address, port });
  const error = made.getsockname({});
  if (error === 0) return { answer: { kind: "bound" }, handle: made };
  made.close();
  return refused(error, "listen", { address, port });
}

function refused(
  error: number,
  syscall: string,
  place: { readonly address: string; readonly port: number },
): BoundSocket {
  const code = getSystemErrorName(error);
  return { answer: { kind: "refused", code, syscall, ...place }, handle: undefined };
}
