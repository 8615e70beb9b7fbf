// A bare HTTP server around one handler, for tests of what stands between Node's streams and the rest.

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface HandlerLab {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

export async function serveWith(
  handler: (message: IncomingMessage, out: ServerResponse) => Promise<void> | void,
): Promise<HandlerLab> {
  const listener = (message: IncomingMessage, out: ServerResponse) => void handler(message, out);
  const server = createServer(listener);
  server.on("checkContinue", listener);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
