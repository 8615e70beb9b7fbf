// What is known here of the sockets below Node's servers. Node's cluster module passes them between processes in the same
// way; they have no page of their own, so whoever takes one from Node looks first whether it is what is written here.

import * as net from "node:net";

/** A bound socket. */
export interface ListeningHandle {
  /** Fills `name`; tells also what the kernel held against the binding. Returns 0 or a negative error number. */
  getsockname(name: SocketName): number;
  listen(backlog: number): number;
  close(done?: () => void): void;
  onconnection?: (status: number, connection: AcceptedHandle | undefined) => void;
}

export interface SocketName {
  address?: string;
  family?: string;
  port?: number;
}

/** A client's connection that nobody has read from. */
export interface AcceptedHandle {
  close(done?: () => void): void;
}

/** A bound socket, or a negative error number; undefined where this Node does not make one. */
export function makeListeningHandle(
  address: string,
  port: number,
  family: number,
): ListeningHandle | number | undefined {
  const create: unknown = Reflect.get(net, "_createServerHandle");
  if (typeof create !== "function") return undefined;
  const made: unknown = Reflect.apply(create, net, [address, port, family]);
  if (typeof made === "number") return made;
  return isListeningHandle(made) ? made : undefined;
}

export function isListeningHandle(value: unknown): value is ListeningHandle {
  return isAcceptedHandle(value) && "getsockname" in value && "listen" in value;
}

export function isAcceptedHandle(value: unknown): value is AcceptedHandle {
  return typeof value === "object" && value !== null && "close" in value;
}
