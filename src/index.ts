// What `import { startServer } from "kintsugi"` gives: the embedded server inside the caller's own process, for tests and
// tools. It reads no environment, handles no signals, prints nothing, and leaves nothing behind.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { checkOptions } from "./config/check-options.ts";
import type { StartServerOptions } from "./config/start-server-options.ts";
import { openEmbedded, type RunningServer } from "./server.ts";
import { openLogger } from "./telemetry/logger.ts";
import { MovableClock, type ClockStep } from "./util/clock.ts";
import { readKmsKeys, readMasterKeys } from "./wiring/given-master-keys.ts";

export type { StartServerOptions } from "./config/start-server-options.ts";
export type { UserSettings } from "./config/user-settings.ts";
export type { LogLevel } from "./telemetry/log-level.ts";
export type { ClockStep } from "./util/clock.ts";

/** The server's wall clock, which tests move forward: expiry and lifecycles see it, timeouts do not. */
export interface ServerClock {
  /** Milliseconds since 1970. */
  now(): number;
  /**
   * Resolves when the clock has moved, and all is done that buckets' lifecycle rules have to do by then. Requests that
   * clients sign afterwards, by their own clocks, are fresh; presigned URLs made before have aged.
   * Takes up to a second: signatures date whole seconds, and what is signed before must differ from what is after.
   * @throws RangeError where it would move back.
   */
  advance(step: ClockStep): Promise<void>;
}

export interface StartedServer {
  /** Such as http://127.0.0.1:34567. */
  readonly endpoint: string;
  /** Of the admin API; undefined where `adminPort` was not given. */
  readonly adminEndpoint: string | undefined;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly clock: ServerClock;
  /** Removes every bucket and upload, makes the configured buckets anew, and sets the clock back. */
  reset(): Promise<void>;
  /** Stops serving and removes the temporary folder. Harmless when repeated. */
  stop(): Promise<void>;
}

/**
 * Starts a server in this process; resolves when it serves. Any number may run side by side.
 * @throws Error in words when an option is no good, the port is taken, or the folder cannot be used.
 */
export async function startServer(options: StartServerOptions = {}): Promise<StartedServer> {
  const { log = "silent", adminPort, masterKey, kmsKeys, ...checked } = checkOptions(options);
  const masterKeys = await readMasterKeys({ masterKey, masterKeyFile: undefined });
  const named = await readKmsKeys({ kmsKeys, kmsKeysFile: undefined });
  const clock = new MovableClock();
  const isTemporary = options.dir === undefined;
  const folder = options.dir ?? (await mkdtemp(join(tmpdir(), "kintsugi-")));
  const cleanUp = (): Promise<void> =>
    isTemporary ? rm(folder, { recursive: true, force: true }) : Promise.resolve();
  try {
    const logger = openLogger(log);
    const server = await openEmbedded({
      ...checked,
      folders: [resolve(folder)],
      publicHosts: [],
      sigv2: true,
      encryption: { masterKeys, kmsKeys: named, isThrowaway: isTemporary },
      tls: undefined,
      admin: adminPort === undefined ? undefined : adminOn(checked.host, adminPort),
      clock,
      logger,
    });
    return started(server, clock, async () => {
      logger.flush();
      await cleanUp();
    });
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

function adminOn(host: string, port: number) {
  return { host, port, isPortGiven: true, metrics: { isPublic: false, token: undefined } };
}

function started(
  server: RunningServer,
  clock: MovableClock,
  cleanUp: () => Promise<void>,
): StartedServer {
  let stopping: Promise<void> | undefined;
  return {
    endpoint: server.endpoint,
    adminEndpoint: server.adminEndpoint,
    accessKey: server.keys.accessKey,
    secretKey: server.keys.secretKey,
    clock: {
      now: () => clock.now(),
      advance: async (step) => {
        await advanceBetweenSeconds(clock, step);
        await server.runLifecycle();
      },
    },
    reset: async () => {
      clock.reset();
      await server.reset();
    },
    stop: () => (stopping ??= server.close().finally(cleanUp)),
  };
}

const SECOND_MS = 1_000;
/** Timers may fire a little early. */
const MARGIN_MS = 2;

/** Moves it when the real clock's second has turned, so that no signature is of the second of the move and older. */
async function advanceBetweenSeconds(clock: MovableClock, step: ClockStep): Promise<void> {
  await sleep(SECOND_MS - (Date.now() % SECOND_MS) + MARGIN_MS);
  clock.advance(step);
}
