// A port of this machine that nobody listens on, for servers that cannot take one by themselves.

import { once } from "node:events";
import { createServer } from "node:net";

/** It was free a moment ago: another process may have it by the time it is used. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
