// What a process takes of its machine, where the system does not tell.

import { afterEach, expect, test, vi } from "vitest";
import { processFigures } from "../../../src/telemetry/process-figures.ts";

afterEach(() => void vi.restoreAllMocks());

test("a process that can open no more files still tells its other figures", async () => {
  vi.spyOn(process, "memoryUsage").mockImplementation(() => {
    throw Object.assign(new Error("EMFILE: too many open files, uv_resident_set_memory"), {
      code: "EMFILE",
    });
  });
  const figures = await processFigures();
  expect(figures).toMatchObject({ residentBytes: 0, heapTotalBytes: 0, heapUsedBytes: 0 });
  expect(figures.cpuSeconds).toBeGreaterThan(0);
});
