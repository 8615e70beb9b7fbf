// The server of scripts/lifecycle.ts: a process of its own, with a clock that its parent moves, and that it may kill.

import { once } from "node:events";
import { openEmbedded } from "../../src/server.ts";
import { openLogger } from "../../src/telemetry/logger.ts";
import { MovableClock } from "../../src/util/clock.ts";
import { EMBEDDED } from "../../test/support/embedded.ts";

/** What the parent says first. */
export interface LifecycleStart {
  readonly folder: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Then, again and again. */
export interface LifecycleMove {
  readonly now: number;
}

/** The answer to each. */
export interface LifecycleAnswer {
  readonly endpoint: string;
  /** That the work of the rules took. */
  readonly seconds: number;
}

const clock = new MovableClock();

function moveTo(now: number): void {
  clock.advance({ seconds: Math.max(now - clock.now(), 0) / 1_000 });
}

function answer(told: LifecycleAnswer): void {
  process.send?.(told);
}

process.once("disconnect", () => process.exit());
const [start] = (await once(process, "message")) as [LifecycleStart];
moveTo(start.now);
const server = await openEmbedded({
  ...EMBEDDED,
  folders: [start.folder],
  keys: { accessKey: start.accessKey, secretKey: start.secretKey },
  clock,
  logger: openLogger("error"),
});
const { endpoint } = server;

async function runRules(): Promise<void> {
  const begin = performance.now();
  await server.runLifecycle();
  answer({ endpoint, seconds: (performance.now() - begin) / 1_000 });
}

process.on("message", ({ now }: LifecycleMove) => {
  moveTo(now);
  void runRules();
});
await runRules();
