// The settings of repair and scrub: what they are where nothing is given, what is refused and in which words, and that they
// reach repair.

import { expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { renderCommandHelp } from "../../../src/config/usage.ts";
import { limitsBeside } from "../../../src/repair/throttle.ts";

const MIB = 1024 * 1024;

async function settingsOf(...args: readonly string[]) {
  const config = await readConfig({ role: "server", args, env: {}, mayCreate: false });
  return config.settings;
}

test("12 MiB a second and 14 days hold where nothing is given", async () => {
  expect(await settingsOf()).toMatchObject({ repairRate: 12, scrubDays: 14 });
  expect(await settingsOf("--repair-rate", "200", "--scrub-days", "0")).toMatchObject({
    repairRate: 200,
    scrubDays: 0,
  });
  const env = { KINTSUGI_REPAIR_RATE: "7", KINTSUGI_CLUSTER_SECRET: "s".repeat(40) };
  const args = ["--nodes", "http://node-1:9100"];
  const config = await readConfig({ role: "gateway", args, env, mayCreate: false });
  expect(config.settings).toMatchObject({ repairRate: 7, scrubDays: 14 });
});

test("an idle server does more of it", () => {
  expect(limitsBeside(12 * MIB)).toEqual({ busyBytes: 12 * MIB, idleBytes: 64 * MIB });
});

test.each([
  ["--repair-rate", "0", "--repair-rate must be a whole number from 1 to 100000"],
  ["--repair-rate", "fast", "--repair-rate must be a whole number from 1 to 100000"],
  ["--scrub-days", "-1", "--scrub-days must be a whole number from 0 to 3650"],
  ["--scrub-days", "1.5", "--scrub-days must be a whole number from 0 to 3650"],
])("%s %s is refused in words", async (flag, value, words) => {
  await expect(settingsOf(`${flag}=${value}`)).rejects.toThrow(words);
});

test("help names them for the roles that repair, and no others", () => {
  for (const role of ["server", "gateway"]) {
    expect(renderCommandHelp(role)).toMatch(/--repair-rate MIB_PER_S .*\[12\]/);
    expect(renderCommandHelp(role)).toMatch(/--scrub-days DAYS .*0 turns it off \[14\]/);
  }
  expect(renderCommandHelp("node")).not.toContain("--scrub-days");
});
