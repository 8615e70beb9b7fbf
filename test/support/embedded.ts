// What a server within the test's own process is given where the test does not care.

import { openLogger } from "../../src/telemetry/logger.ts";
import type { EmbeddedOptions } from "../../src/server.ts";

export const EMBEDDED = {
  drives: { count: 6, isGiven: true },
  host: "127.0.0.1",
  port: 0,
  region: "us-east-1",
  domains: [],
  publicHosts: [],
  sigv2: false,
  tls: undefined,
  users: [],
  newBuckets: "blocked",
  buckets: [],
  logger: openLogger("silent"),
} as const satisfies Partial<EmbeddedOptions>;
