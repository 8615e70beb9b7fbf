// A TCP proxy that misbehaves on command, for tests of what stands between a gateway and its nodes: silence in one or
// both directions, resets, cut-off and changed bytes, a trickle, delay. Faults count bytes from the moment they are set.

import { createServer, connect, type Server, type Socket } from "node:net";
import { atEnd } from "./at-end.ts";

/** What happens to the bytes of one direction. */
type Fault =
  | { readonly kind: "pass" }
  /** Taken and never passed on; the connection stays open. */
  | { readonly kind: "blackhole" }
  | { readonly kind: "delay"; readonly delayMs: number }
  /** After so many bytes the connection ends as if the sender had closed it. */
  | { readonly kind: "truncate"; readonly afterBytes: number }
  /** After so many bytes both sides get a reset. */
  | { readonly kind: "reset"; readonly afterBytes: number }
  /** One bit of the byte at that place is turned. */
  | { readonly kind: "flip"; readonly atByte: number }
  /** One byte, then one more each interval. */
  | { readonly kind: "trickle"; readonly intervalMs: number };

export interface Faults {
  readonly toServer?: Fault;
  readonly toClient?: Fault;
}

export interface FaultProxy {
  readonly port: number;
  readonly url: string;
  /** Connections that are open now. */
  readonly connectionCount: number;
  /** All bytes that clients have sent since the last `set`. */
  readonly sent: Buffer;
  set(faults: Faults): void;
  /** Resets every connection. */
  resetAll(): void;
}

const PASS: Fault = { kind: "pass" };

/** Opens a proxy before a port on loopback; it is closed when the test is over. */
export async function givenFaultProxy(targetPort: number): Promise<FaultProxy> {
  const proxy = new TcpFaultProxy(targetPort);
  await proxy.listen();
  atEnd(() => proxy.close());
  return proxy;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
}

class TcpFaultProxy implements FaultProxy {
  readonly #targetPort: number;
  readonly #listener: Server;
  readonly #links = new Set<Link>();
  #faults: Required<Faults> = { toServer: PASS, toClient: PASS };
  #passedBytes = { toServer: 0, toClient: 0 };
  #sent: Buffer[] = [];

  constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#listener = createServer((client) => this.#link(client));
  }

  listen(): Promise<void> {
    return new Promise((resolve) => {
      this.#listener.listen(0, "127.0.0.1", () => resolve());
    });
  }

  get port(): number {
    const address = this.#listener.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get connectionCount(): number {
    return this.#links.size;
  }

  get sent(): Buffer {
    return Buffer.concat(this.#sent);
  }

  set(faults: Faults): void {
    this.#faults = { toServer: PASS, toClient: PASS, ...faults };
    this.#passedBytes = { toServer: 0, toClient: 0 };
    this.#sent = [];
  }

  resetAll(): void {
    for (const link of this.#links) reset(link);
  }

  close(): Promise<void> {
    this.resetAll();
    return new Promise((resolve) => {
      this.#listener.close(() => resolve());
    });
  }

  #link(client: Socket): void {
    const server = connect({ port: this.#targetPort, host: "127.0.0.1" });
    const link = { client, server };
    this.#links.add(link);
    for (const socket of [client, server]) {
      socket.on("error", () => undefined); // `close` follows and ends the other side.
      socket.on("close", () => {
        this.#links.delete(link);
        client.destroy();
        server.destroy();
      });
    }
    client.on("data", (bytes) => {
      this.#sent.push(bytes);
      this.#pass("toServer", bytes, link);
    });
    server.on("data", (bytes) => this.#pass("toClient", bytes, link));
    client.on("end", () => server.end());
    server.on("end", () => client.end());
  }

  #pass(direction: "toClient" | "toServer", bytes: Buffer, link: Link): void {
    const fault = this.#faults[direction];
    const [from, to] =
      direction === "toServer" ? [link.client, link.server] : [link.server, link.client];
    const at = this.#passedBytes[direction];
    this.#passedBytes[direction] += bytes.length;
    switch (fault.kind) {
      case "blackhole":
        return;
      case "delay":
        setTimeout(() => to.writable && to.write(bytes), fault.delayMs);
        return;
      case "trickle":
        trickle(to, bytes, fault.intervalMs);
        return;
      case "flip":
        write(from, to, flip(bytes, fault.atByte - at));
        return;
      case "truncate":
      case "reset":
        write(from, to, bytes.subarray(0, Math.max(0, fault.afterBytes - at)));
        if (at + bytes.length < fault.afterBytes) return;
        if (fault.kind === "reset") reset(link);
        else to.end(() => from.destroy());
        return;
      case "pass":
        write(from, to, bytes);
    }
  }
}

function write(from: Socket, to: Socket, bytes: Uint8Array): void {
  if (to.destroyed || bytes.length === 0 || to.write(bytes)) return;
  from.pause();
  to.once("drain", () => from.resume());
}

/** What waits to be trickled into a socket. */
const trickles = new WeakMap<Socket, Buffer>();

function trickle(to: Socket, bytes: Buffer, intervalMs: number): void {
  const waiting = trickles.get(to);
  trickles.set(to, Buffer.concat([waiting ?? Buffer.alloc(0), bytes]));
  if (waiting !== undefined) return;
  const timer = setInterval(() => {
    const [first, rest] = splitFirst(trickles.get(to) ?? Buffer.alloc(0));
    if (!to.destroyed) to.write(first);
    trickles.set(to, rest);
    if (rest.length > 0 && !to.destroyed) return;
    trickles.delete(to);
    clearInterval(timer);
  }, intervalMs);
}

function splitFirst(bytes: Buffer): readonly [Buffer, Buffer] {
  return [bytes.subarray(0, 1), bytes.subarray(1)];
}

function flip(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  const byte = changed[at];
  if (byte !== undefined) changed[at] = byte ^ 1;
  return changed;
}

function reset({ client, server }: Link): void {
  client.resetAndDestroy();
  server.resetAndDestroy();
}
