// Which folder is which drive: by identity, whatever the order; and what is done about those that are missing, blank,
// doubled or of another cluster.

import { expect, test } from "vitest";
import { newDriveId, type DriveSlot } from "../../../src/datanode/drive-identity.ts";
import { placeFolders, type SeenFolder } from "../../../src/wiring/drive-slots.ts";

const slots: readonly DriveSlot[] = [1, 2, 3].map(() => ({
  driveId: newDriveId(),
  wasMountPoint: false,
}));

function drive(
  slot: number,
  change: { clusterId?: string; slots?: readonly DriveSlot[] } = {},
): SeenFolder {
  const { clusterId = "cluster", slots: all = slots } = change;
  const driveId = all[slot]?.driveId ?? newDriveId();
  const identity = { clusterId, driveId, slot, slots: all, createdAt: 1 };
  return { path: `/drive-of-slot-${slot}`, identity, isMountPoint: false };
}

const blank = (path: string, isMountPoint = false): SeenFolder => ({
  path,
  identity: undefined,
  isMountPoint,
});

const placed = (folders: readonly SeenFolder[]) => {
  const plan = placeFolders(folders);
  return plan?.slots.map(({ path, isBlank }) => (isBlank ? `new ${path ?? ""}` : path));
};

test("nothing but blank folders is no plan", () => {
  expect(placeFolders([blank("/a"), blank("/b")])).toBeUndefined();
});

test("folders in any order find their slots", () => {
  expect(placed([drive(2), drive(0), drive(1)])).toEqual([
    "/drive-of-slot-0",
    "/drive-of-slot-1",
    "/drive-of-slot-2",
  ]);
});

test("a drive that is not given is away, and said to be", () => {
  const plan = placeFolders([drive(0), drive(2)]);
  expect(plan?.slots[1]).toMatchObject({ path: undefined, isBlank: false });
  expect(plan?.remarks).toEqual([expect.stringMatching(/^drive 2 \(.*\) is away$/)]);
});

test("a blank folder takes the place of a missing drive, its own place first", () => {
  expect(placed([drive(0), blank("/b"), drive(2)])).toEqual([
    "/drive-of-slot-0",
    "new /b",
    "/drive-of-slot-2",
  ]);
  expect(placed([blank("/a"), blank("/b"), drive(0)])).toEqual([
    "/drive-of-slot-0",
    "new /b",
    "new /a",
  ]);
});

test("an empty folder where a mount point was is a missing mount, not a blank drive", () => {
  const mounted = slots.map((slot) => ({ ...slot, wasMountPoint: true }));
  const folders = [drive(0, { slots: mounted }), blank("/b"), drive(2, { slots: mounted })];
  const plan = placeFolders(folders);
  expect(plan?.slots[1]).toMatchObject({ path: undefined, isBlank: false });
  expect(plan?.remarks).toHaveLength(2);
  const again = [drive(0, { slots: mounted }), blank("/b", true), drive(2, { slots: mounted })];
  expect(placed(again)?.[1]).toBe("new /b");
});

test("a blank folder that is one too many is left alone", () => {
  const plan = placeFolders([drive(0), drive(1), drive(2), blank("/extra")]);
  expect(plan?.remarks).toEqual([expect.stringMatching(/^\/extra is not used/)]);
});

test("drives of two clusters, doubled drives and other layouts are refused", () => {
  expect(() => placeFolders([drive(0), drive(1, { clusterId: "other" })])).toThrow(
    /is a drive of another cluster/,
  );
  expect(() => placeFolders([drive(0), drive(0)])).toThrow(/are the same drive/);
  const others = slots.map((slot) => ({ ...slot, driveId: newDriveId() }));
  expect(() => placeFolders([drive(0), drive(1, { slots: others })])).toThrow(/names other drives/);
});

const geometry = { dataShards: 4, parityShards: 2 };

/** As its identity is after so many changes of the drives. */
function changed(
  slot: number,
  generation: number,
  all: readonly DriveSlot[],
  path = `/drive-of-slot-${slot}`,
): SeenFolder {
  const driveId = all[slot]?.driveId ?? newDriveId();
  const changes = { generation, geometry };
  const identity = { clusterId: "cluster", driveId, slot, slots: all, createdAt: 1, changes };
  return { path, identity, isMountPoint: false };
}

const pathed = slots.map((slot, index) => ({
  ...slot,
  path: `/drive-of-slot-${index}`,
  isLeaving: false,
}));
const added = { driveId: newDriveId(), wasMountPoint: false, path: "/added", isLeaving: false };

test("of identities that differ the one that has seen the most changes holds", () => {
  const all = [...pathed, added];
  const plan = placeFolders([drive(0), drive(1), changed(2, 3, all), changed(3, 2, all)]);
  expect(plan?.slots.map(({ path }) => path)).toEqual([
    "/drive-of-slot-0",
    "/drive-of-slot-1",
    "/drive-of-slot-2",
    "/drive-of-slot-3",
  ]);
  expect(plan?.changes).toEqual({ generation: 3, geometry });
});

test("a drive that was taken out is not used, and neither is one that was replaced", () => {
  const rest = [pathed[0], pathed[2]].filter((slot) => slot !== undefined);
  const plan = placeFolders([changed(0, 2, rest), changed(1, 2, rest, "/third"), drive(1)]);
  expect(plan?.slots.map(({ path }) => path)).toEqual(["/drive-of-slot-0", "/third"]);
  expect(plan?.remarks).toEqual([expect.stringMatching(/slot-1 is a drive that was taken out/)]);

  const old = drive(2);
  const replaced = placeFolders([
    old,
    changed(0, 2, pathed),
    changed(1, 2, pathed),
    changed(2, 2, pathed, "/new"),
  ]);
  expect(replaced?.slots.map(({ path }) => path)).toContain("/new");
  expect(replaced?.remarks).toEqual([expect.stringMatching(/that \/new has replaced/)]);
});

test("once drives have come or gone, a blank folder stands only for the drive whose path it has", () => {
  const all = [...pathed, added];
  const there = [changed(0, 2, all), changed(1, 2, all), changed(2, 2, all)];
  expect(placed([...there, blank("/elsewhere/added")])).toContain("new /elsewhere/added");
  const plan = placeFolders([...there, blank("/another")]);
  expect(plan?.slots[3]).toMatchObject({ path: undefined });
});
