// The test projects, from fast to slow. `npm test` runs them all; `npx vitest run --project s3` runs one.

import { defineConfig } from "vitest/config";

// A machine's own authorities, which no test asks: Node would read them, for 40 ms, in each of hundreds of processes.
delete process.env["NODE_EXTRA_CA_CERTS"];

const project = (name: string, include: string[], timeoutMs = 20_000) => ({
  test: {
    name,
    include,
    testTimeout: timeoutMs,
    hookTimeout: 60_000,
    // Conditions that come by themselves are waited for on a busy machine, too.
    expect: { poll: { timeout: 15_000 } },
    // Files follow each other in a few processes, which load the server's code and the SDK once: that is a sixth of all.
    isolate: false,
    setupFiles: ["test/support/end-of-file.ts"],
  },
});

export default defineConfig({
  test: {
    // One more than the processors of a small machine: many tests of faults wait for a while.
    maxWorkers: 3,
    projects: [
      project("tidy", ["test/tidy.test.ts"]),
      project("unit", ["test/unit/**/*.test.ts"]),
      project("contract", ["test/contract/**/*.test.ts"]),
      project("s3", ["test/s3/**/*.test.ts"]),
      project("admin", ["test/admin/**/*.test.ts"], 60_000),
      project("attack", ["test/attack/**/*.test.ts"], 60_000),
      project("fault", ["test/fault/**/*.test.ts"], 120_000),
      project("fuzz", ["test/fuzz/**/*.test.ts"], 120_000),
    ],
  },
});
