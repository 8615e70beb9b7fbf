// A bound of addresses is found where the system says that there is one.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { limitsAddresses } from "../../../src/util/address-limit.ts";

const isLinux = existsSync("/proc/self/limits");
const limitsUnder = (command: string): string =>
  execFileSync("sh", ["-c", `${command}; cat /proc/self/limits`], { encoding: "latin1" });

test.runIf(isLinux)("ulimit -v is found", () => {
  expect(limitsAddresses(limitsUnder("ulimit -v 60000000"))).toBe(true);
});

test.runIf(isLinux)("other bounds are none of addresses", () => {
  const limits = limitsUnder("ulimit -n 100").replace(/^(Max address space +)\S+/m, "$1unlimited");
  expect(limitsAddresses(limits)).toBe(false);
});

test("where the system says nothing, there is none", () => {
  expect(limitsAddresses("")).toBe(false);
});
