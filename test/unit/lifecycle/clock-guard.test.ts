// A wall clock that jumps ahead removes nothing (F59): rules wait for a day, and go on where somebody wanted the jump.

import { expect, test } from "vitest";
import { ClockGuard } from "../../../src/lifecycle/clock-guard.ts";
import { openMemoryMetadata } from "../../../src/metadata/memory/open-memory-metadata.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import { objectInput } from "../../contract/metadata/inputs.ts";
import { givenLifecycleLab, ruleWith } from "../../support/lifecycle-lab.ts";

const DAY_MS = 86_400_000;

function givenClock() {
  const time = { wall: Date.UTC(2026, 0, 1), monotonic: 1_000 };
  const metadata = openMemoryMetadata();
  const clock = {
    now: () => time.wall,
    monotonic: () => time.monotonic,
    translate: (dateMs: number) => dateMs,
  };
  const pass = (ms: number) => {
    time.wall += ms;
    time.monotonic += ms;
  };
  return { time, pass, open: () => new ClockGuard({ metadata, clock, logger: silentLogger }) };
}

test("F59 a clock that jumps ahead is not believed for a day", async () => {
  const { time, pass, open } = givenClock();
  const guard = open();
  expect(await guard.isTrusted()).toBe(true);
  pass(40 * DAY_MS);
  expect(await guard.isTrusted()).toBe(true);
  time.wall += 365 * DAY_MS;
  expect(await guard.isTrusted()).toBe(false);
  pass(DAY_MS - 1);
  expect(await guard.isTrusted()).toBe(false);
  pass(1);
  expect(await guard.isTrusted()).toBe(true);
});

test("F59 a clock that is put right, or was meant to jump, is believed at once", async () => {
  const { time, open } = givenClock();
  const guard = open();
  await guard.isTrusted();
  time.wall += 365 * DAY_MS;
  expect(await guard.isTrusted()).toBe(false);
  time.wall -= 365 * DAY_MS;
  expect(await guard.isTrusted()).toBe(true);
  time.wall -= 100 * DAY_MS;
  expect(await guard.isTrusted()).toBe(true);
  time.wall += 365 * DAY_MS;
  await guard.trust();
  expect(await guard.isTrusted()).toBe(true);
});

test("F59 over a restart a clock may be weeks ahead, for servers are switched off, and no more", async () => {
  const { time, pass, open } = givenClock();
  expect(await open().isTrusted()).toBe(true);
  time.wall += 30 * DAY_MS;
  expect(await open().isTrusted()).toBe(true);
  time.wall += 365 * DAY_MS;
  const guard = open();
  expect(await guard.isTrusted()).toBe(false);
  pass(DAY_MS);
  expect(await guard.isTrusted()).toBe(true);
});

test("F59 in the background nothing goes by a clock that has jumped, however due it is by it", async () => {
  const lab = await givenLifecycleLab();
  const { metadata, bucket, clock } = lab;
  await lab.setRules([ruleWith({ expiration: { kind: "days", days: 3 } })]);
  await metadata.putObject(objectInput(bucket.id, "key", { modifiedAt: clock.nowMs }));
  let monotonic = 0;
  const jumping = {
    now: () => clock.nowMs,
    monotonic: () => monotonic,
    translate: (ms: number) => ms,
  };
  const lifecycle = lab.open({ clock: jumping });
  const settle = async () => {
    while ((await lifecycle.step()) === "busy");
  };
  await settle();
  lab.addDays(365);
  await settle();
  expect(await metadata.findObject(bucket.id, "key")).toBeDefined();
  monotonic += DAY_MS;
  await settle();
  expect(await metadata.findObject(bucket.id, "key")).toBeUndefined();
});
