// A socket whose connections another process accepts and deals out: a server listens on it as on any other, and counts,
// bounds and closes what comes as ever. The kernel's socket itself is closed at once: as long as a process has it, clients
// who connect find an open door, even when nobody accepts any more.

import type { AcceptedHandle, ListeningHandle, SocketName } from "./socket-handles.ts";

export class DealtDoor {
  /** For a server's `listen`: a handle as Node's servers know it. */
  readonly handle: ListeningHandle;
  #openCount = 0;
  #isOpen = true;

  /** @throws Error when the socket has no address. */
  constructor(socket: ListeningHandle) {
    const name: SocketName = {};
    if (socket.getsockname(name) !== 0) throw new Error("a socket that is dealt has no address");
    const asyncId: unknown =
      "getAsyncId" in socket ? Reflect.apply(socket.getAsyncId as () => unknown, socket, []) : 0;
    socket.close();
    this.handle = Object.assign(socket, {
      listen: () => 0,
      getsockname: (target: SocketName) => {
        Object.assign(target, name);
        return 0;
      },
      close: (done?: () => void) => {
        this.#isOpen = false;
        if (done !== undefined) setImmediate(done);
      },
      ref: () => undefined,
      unref: () => undefined,
      getAsyncId: () => asyncId,
    });
  }

  /** Connections that are open now. */
  get openCount(): number {
    return this.#openCount;
  }

  /** Serves a connection, or cuts it off where the server has closed. */
  admit(connection: AcceptedHandle): void {
    const { handle } = this;
    if (!this.#isOpen || handle.onconnection === undefined) {
      connection.close();
      return;
    }
    this.#openCount += 1;
    const close = connection.close.bind(connection);
    let isCounted = true;
    connection.close = (done) => {
      if (isCounted) this.#openCount -= 1;
      isCounted = false;
      close(done);
    };
    // As Node calls it: the server is found by the handle.
    handle.onconnection(0, connection);
  }
}
