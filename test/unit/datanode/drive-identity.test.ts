// When a folder is a drive, when it is blank, and when it is neither and must be left alone.

import { expect, test } from "vitest";
import {
  DriveIdentityError,
  formatDrive,
  IDENTITY_FILE,
  newDriveId,
  readIdentity,
  writeIdentity,
  type DriveIdentity,
} from "../../../src/datanode/drive-identity.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import { diskErrorOf, givenFile } from "../../contract/disk.ts";

test("a formatted drive says who it is, also after a power cut", async () => {
  const drive = new SimDrive({ seed: 1 });
  const identity = newIdentity();
  expect(await readIdentity(drive)).toBeUndefined();
  await formatDrive(drive, identity);
  drive.crash();
  expect(await readIdentity(drive)).toEqual(identity);
  const moved = { ...identity, slot: 1, driveId: identity.slots[1]?.driveId ?? identity.driveId };
  await writeIdentity(drive, moved);
  expect(await readIdentity(drive)).toEqual(moved);
});

test("what has changed since the first start is said too, and checked; without a change nothing is", async () => {
  const drive = new SimDrive({ seed: 1 });
  const first = newIdentity();
  await formatDrive(drive, first);
  expect(JSON.parse(Buffer.from(await drive.readFile(IDENTITY_FILE)).toString())).toMatchObject({
    formatVersion: 1,
  });
  const changed: DriveIdentity = {
    ...first,
    slots: first.slots.map((slot, index) => ({
      ...slot,
      path: `/drive-${index}`,
      isLeaving: index === 1,
    })),
    changes: { generation: 2, geometry: { dataShards: 4, parityShards: 2 } },
  };
  await writeIdentity(drive, changed);
  expect(await readIdentity(drive)).toEqual(changed);
  const text = Buffer.from(await drive.readFile(IDENTITY_FILE)).toString();
  for (const [from, to] of [
    [`"generation": 2`, `"generation": 3`],
    [`"/drive-1"`, `"/drive-2"`],
    [`"isLeaving": true`, `"isLeaving": false`],
    [`"parityShards": 2`, `"parityShards": 1`],
  ] as const) {
    expect(text).toContain(from);
    await drive.writeFile(IDENTITY_FILE, Buffer.from(text.replace(from, to)));
    await expect(readIdentity(drive)).rejects.toThrow("its checksum does not match");
  }
});

test("a power cut at any call of formatting leaves a blank folder or a drive", async () => {
  for (let call = 0; call < 20; call += 1) {
    const drive = new SimDrive({ seed: call });
    const identity = newIdentity();
    const end = drive.inject({ skip: call, effect: { kind: "error", code: "EIO" } });
    await diskErrorOf(formatDrive(drive, identity));
    end();
    drive.crash("torn");
    const found = await readIdentity(drive);
    if (found === undefined) await formatDrive(drive, identity);
    expect(await readIdentity(drive)).toEqual(identity);
  }
});

test("lost+found and the rest of a format that was cut off do not count", async () => {
  const drive = new SimDrive({ seed: 1 });
  await drive.makeDirectory("lost+found");
  await givenFile(drive, `${IDENTITY_FILE}.tmp`, ["half"]);
  await givenFile(drive, `${IDENTITY_FILE}.77-1.tmp`, ["half"]);
  expect(await readIdentity(drive)).toBeUndefined();
  await formatDrive(drive, newIdentity());
  expect(await readIdentity(drive)).toBeDefined();
});

test("F41 a folder with other files is refused by name, and never formatted over", async () => {
  const drive = new SimDrive({ seed: 1, name: "some-folder" });
  await givenFile(drive, "holiday.jpg", ["x"]);
  await expect(readIdentity(drive)).rejects.toThrow(/some-folder holds files \(holiday\.jpg\)/);
  await expect(formatDrive(drive, newIdentity())).rejects.toThrow(DriveIdentityError);
  expect(await drive.list("")).toHaveLength(1);
});

test("F41 a drive is never formatted again", async () => {
  const drive = new SimDrive({ seed: 1 });
  const identity = newIdentity();
  await formatDrive(drive, identity);
  await expect(formatDrive(drive, newIdentity())).rejects.toThrow("a drive already");
  expect(await readIdentity(drive)).toEqual(identity);
});

test("F29 with any bit flipped an identity is refused or is the same, and the drive is left alone", async () => {
  const drive = new SimDrive({ seed: 1 });
  const identity = newIdentity();
  await formatDrive(drive, identity);
  const sizeBytes = (await drive.readFile(IDENTITY_FILE)).length;
  const outcomes = new Set<string>();
  for (let bit = 0; bit < sizeBytes * 8; bit += 1) {
    const flip = { kind: "flip", offset: bit >> 3, bit: bit & 7 } as const;
    drive.corrupt(IDENTITY_FILE, flip);
    outcomes.add(await outcomeOf(drive));
    drive.corrupt(IDENTITY_FILE, flip);
  }
  // White space may have turned into other white space.
  outcomes.delete(JSON.stringify(identity));
  expect([...outcomes]).toEqual(["refused"]);
  expect(await readIdentity(drive)).toEqual(identity);
});

test("F34 an identity that is empty, cut off or too long is refused", async () => {
  const drive = new SimDrive({ seed: 1 });
  await formatDrive(drive, newIdentity());
  const whole = await drive.readFile(IDENTITY_FILE);
  for (const sizeBytes of [0, 1, 50, whole.length - 2]) {
    await drive.writeFile(IDENTITY_FILE, whole.subarray(0, sizeBytes));
    await expect(readIdentity(drive)).rejects.toThrow("is damaged");
  }
  await drive.writeFile(IDENTITY_FILE, Buffer.concat([whole, Buffer.from("x")]));
  await expect(readIdentity(drive)).rejects.toThrow("is damaged");
});

test("an identity of a newer version is refused with clear words", async () => {
  const drive = new SimDrive({ seed: 1 });
  await drive.writeFile(IDENTITY_FILE, Buffer.from(`{"formatVersion":3,"unknown":true}`));
  await expect(readIdentity(drive)).rejects.toThrow("run the newer program");
});

test("a drive that does not answer is not taken for a blank one", async () => {
  const drive = new SimDrive({ seed: 1 });
  drive.setOffline(true);
  expect(await diskErrorOf(readIdentity(drive))).toBe("EIO");
});

async function outcomeOf(drive: SimDrive): Promise<string> {
  try {
    return JSON.stringify(await readIdentity(drive));
  } catch (error) {
    if (error instanceof DriveIdentityError) return "refused";
    throw error;
  }
}

function newIdentity(): DriveIdentity {
  const slots = [
    { driveId: newDriveId(), wasMountPoint: false },
    { driveId: newDriveId(), wasMountPoint: true },
  ];
  const driveId = slots[0]?.driveId ?? newDriveId();
  return { clusterId: "a cluster", driveId, slot: 0, slots, createdAt: 1_790_000_000_000 };
}
