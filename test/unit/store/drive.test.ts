// A drive that answers again after it was set aside: at once as before, but not where that happens again and again.

import { expect, test } from "vitest";
import { ShardError, type ShardStore } from "../../../src/datanode/shard-store.ts";
import { callDrive } from "../../../src/store/call-drive.ts";
import { Drive } from "../../../src/store/drive.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import { givenLocalDrive } from "../../support/data-node.ts";
import { HandClock } from "../../support/store-lab.ts";

const AWAY = new ShardError("Unavailable", "it went away");
const LIMITS = {
  reserveShare: 0,
  reserveBytesMax: 0,
  reserveInodesMax: 0,
  spaceEveryMs: 5_000,
};

async function givenDrive(): Promise<{ drive: Drive; clock: HandClock; store: ShardStore }> {
  const clock = new HandClock();
  const store = await givenLocalDrive();
  const drive = new Drive(store, { clock, logger: silentLogger, limits: LIMITS });
  return { drive, clock, store };
}

async function flap(drive: Drive): Promise<void> {
  drive.noteError(AWAY);
  expect(drive.isAway).toBe(true);
  await drive.probe();
  expect(drive.isAway).toBe(false);
}

test("a drive that flaps is on probation, for twice as long each time: read last, and waited for no longer than a second", async () => {
  const { drive, clock } = await givenDrive();
  for (let count = 0; count < 2; count += 1) {
    await flap(drive);
    expect(drive.isOnProbation).toBe(false);
    expect(drive.deadlineOf(10_000)).toBe(10_000);
  }
  for (const probationMs of [5_000, 10_000, 20_000]) {
    await flap(drive);
    clock.nowMs += probationMs - 1;
    expect([drive.isOnProbation, drive.isSlow, drive.deadlineOf(10_000)]).toEqual([
      true,
      true,
      1_000,
    ]);
    clock.nowMs += 1;
    expect([drive.isOnProbation, drive.isSlow, drive.deadlineOf(10_000)]).toEqual([
      false,
      false,
      10_000,
    ]);
  }
  // What was long ago is forgiven.
  clock.nowMs += 10 * 60_000;
  await flap(drive);
  expect(drive.isOnProbation).toBe(false);
  await drive.close();
});

test("F46 a call to a drive on probation is given up early", async () => {
  const { drive } = await givenDrive();
  for (let count = 0; count < 3; count += 1) await flap(drive);
  const hung = callDrive(drive, new Promise<void>(() => undefined), { deadlineMs: 60_000 });
  await expect(hung).rejects.toMatchObject({ code: "Unavailable" });
  await drive.close();
});
