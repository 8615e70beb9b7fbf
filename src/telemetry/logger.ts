// The log: one JSON line an event, to standard error, by pino. Opened once by whoever starts a role and handed down;
// no layer imports a global one. Secrets and signatures never leave the process: fields that may hold them are
// censored by name, and every finished line is searched for what looks like one, wherever it came from.

import { pino } from "pino";
import type { LogLevel } from "./log-level.ts";
import { censorFields, censorLine } from "./censor.ts";
import { plainLine } from "./plain-line.ts";
import { openStderrSink, type LogSink } from "./stderr-sink.ts";

/** As pino numbers it. */
const INFO = 30;

type LogCall = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** What the layers log with: fields first, then a sentence. An error goes into the field `err`. */
export interface Logger {
  readonly trace: LogCall;
  readonly debug: LogCall;
  readonly info: LogCall;
  readonly warn: LogCall;
  readonly error: LogCall;
  readonly fatal: LogCall;
  /** Whether lines of a level are written: lets a hot path skip making them. */
  isLevelEnabled(level: string): boolean;
}

export interface OpenLogger extends Logger {
  /** Hides these very texts wherever they appear: secrets that became known after the log was opened. */
  hide(...secrets: readonly string[]): void;
  /** Writes out what is buffered, before the process ends. */
  flush(): void;
}

/** Opens the log, to standard error where no other sink is given. */
export function openLogger(level: LogLevel, sink: LogSink = openStderrSink()): OpenLogger {
  const hidden = new Set<string>();
  const log = pino(
    {
      level,
      base: null,
      formatters: { log: (fields) => censorFields(fields) },
      hooks: { streamWrite: (line) => censorLine(line, hidden) },
    },
    sink,
  );
  const { info: written } = log;
  return Object.assign(log, {
    info: (fields: Readonly<Record<string, unknown>>, message: string) => {
      if (!log.isLevelEnabled("info")) return;
      const line = plainLine(INFO, fields, message);
      if (line === undefined) written.call(log, fields, message);
      else sink.write(censorLine(line, hidden));
    },
    hide: (...secrets: readonly string[]) => secrets.forEach((secret) => hidden.add(secret)),
    flush: () => sink.flush(),
  });
}

const ignore = (): void => undefined;

/** Drops everything. */
export const silentLogger: Logger = {
  trace: ignore,
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  fatal: ignore,
  isLevelEnabled: () => false,
};
