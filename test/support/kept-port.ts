// Ports for processes that are stopped and started again on the same one. The system gives those that nobody asks for by
// number (32768 and up on Linux) to whoever comes next, be it meanwhile.

import { createServer } from "node:net";
import { once } from "node:events";

const FIRST = 10_000;
const COUNT = 20_000;
/** Test processes run beside each other: each begins elsewhere. */
const SPREAD = 977;

let next = (process.pid * SPREAD) % COUNT;

/** A port that nobody listens on, and nobody is given by chance. */
export async function keptPort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries += 1) {
    next = (next + 1) % COUNT;
    if (await isFree(FIRST + next)) return FIRST + next;
  }
  throw new Error("no port is free");
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
