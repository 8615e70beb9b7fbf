// Starts a role under a supervisor. The worker is started before anything else is loaded: the two load side by side.

import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { programFile } from "../util/code-root.ts";
import { ORDERS_VARIABLE, type SupervisedRole, type WorkerOrders } from "./supervisor-protocol.ts";

/** Starts a worker with its orders. */
export type ForkWorker = (orders: WorkerOrders) => ChildProcess;

/**
 * A call on a hung drive keeps its thread, and two drives may hang, each with calls for shards and for its copy of the
 * metadata: see `callsInFlightMax`. Node's four would be gone at once. Only the environment of a new process sets it.
 */
const POOL_THREADS = 16;
/**
 * Threads in which the engine of a worker collects garbage and compiles. Node starts four, however few cores there are; in
 * each of several workers they wait for each other more than they share: of what a PUT of 4 KiB costs they took a fifth.
 */
const ENGINE_THREADS = { flag: "--v8-pool-size", count: 1 } as const;
const FIRST_ORDERS: WorkerOrders = { avoidDrives: [], replacedPids: [], reason: undefined };

/** Runs the role in workers; this process ends, when they do, with the exit code of the last one. */
export async function supervise(role: SupervisedRole, args: readonly string[]): Promise<void> {
  const main = fileURLToPath(programFile(import.meta.url, "main"));
  const forkWorker: ForkWorker = (orders) =>
    fork(main, [role, ...args], {
      execArgv: flagsOfWorker(),
      env: {
        UV_THREADPOOL_SIZE: String(POOL_THREADS),
        ...process.env,
        [ORDERS_VARIABLE]: JSON.stringify(orders),
      },
    });
  const first = forkWorker(FIRST_ORDERS);
  const { Supervisor } = await import("./supervisor.ts");
  new Supervisor(forkWorker).start(first);
}

/** What is given on the command line, or in the environment, holds. */
function flagsOfWorker(): string[] {
  const { flag, count } = ENGINE_THREADS;
  const given = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""];
  const isGiven = given.some((text) => text.includes(flag));
  // Two processes cannot have the same port for a debugger.
  const flags = process.execArgv.filter((each) => !each.startsWith("--inspect"));
  return isGiven ? flags : [...flags, `${flag}=${count}`];
}
