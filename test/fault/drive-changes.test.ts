// Drives that come and go under a real server, by command, under load: no request fails, nothing is below full redundancy at
// the end, and a start finds the drives where they are then. What cannot be is refused, with the reason.

import { mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { verify } from "../../src/cli/admin-commands.ts";
import { changeDrives, type DriveRequest } from "../../src/cli/drive-command.ts";
import { heal } from "../../src/cli/heal-command.ts";
import { commandScreen, type CommandScreen } from "../support/command-screen.ts";
import { startAdmin, type AdminLab } from "../support/admin-server.ts";
import { atEnd } from "../support/at-end.ts";
import { sdkClientOf } from "../support/sdk-client.ts";
import { SteadyLoad } from "../support/steady-load.ts";
import { until } from "../support/until.ts";

const Bucket = "moved";
const LOGIN = { accessKey: "operator", secretKey: "operator-secret" };

interface Lab {
  readonly admin: AdminLab;
  readonly client: S3Client;
}

async function givenFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-drives-"));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function start(dir: string): Promise<Lab> {
  const admin = await startAdmin({ dir, ...LOGIN });
  return { admin, client: sdkClientOf(admin.server.endpoint, LOGIN) };
}

function screenOf({ endpoint, keys }: AdminLab): CommandScreen {
  return commandScreen(endpoint, keys);
}

/** Runs the command to its end; what it has printed. */
async function drive({ admin }: Lab, request: DriveRequest): Promise<string> {
  const { context, text } = screenOf(admin);
  expect(await changeDrives(context, request, true), text()).toBe(0);
  return text();
}

async function expectClean({ admin }: Lab): Promise<void> {
  const { context, text } = screenOf(admin);
  expect(await verify(context, undefined), text()).toBe(0);
}

test("a seventh drive, then one of the first less, under load; a start finds what there is then", async () => {
  const dir = await givenFolder();
  const seventh = join(await givenFolder(), "seventh");
  const lab = await start(dir);
  await lab.client.send(new CreateBucketCommand({ Bucket }));
  const load = new SteadyLoad(lab.client, Bucket);
  await load.fill();
  load.begin();
  expect(await drive(lab, { verb: "add", folders: [seventh] })).toMatch(
    /7 {2}.*seventh: in-use, 14\.\d% of all shards/,
  );
  await drive(lab, { verb: "drain", drive: join(dir, "drive-2") });
  const listed = await drive(lab, { verb: "list" });
  expect(listed).toMatch(/drive-2: drained, 0\.0% of all shards/);
  expect(listed.match(/in-use, 16\.7%/g)).toHaveLength(6);
  const before = load.count;
  await load.end();
  expect(before).toBeGreaterThan(5);
  await load.expectAll();
  await expectClean(lab);
  await drive(lab, { verb: "remove", drive: "2" });
  await rm(join(dir, "drive-2"), { recursive: true });
  await load.expectAll();
  await expectClean(lab);
  await lab.admin.server.stop();

  const again = await start(dir);
  const found = await drive(again, { verb: "list" });
  expect(found).toMatch(/6 {2}.*seventh: in-use/);
  expect(found).not.toMatch(/drive-2/);
  expect(found.match(/a copy of the metadata/g)).toHaveLength(5);
  await load.expectAll(again.client);
  await expectClean(again);
  // Nobody has made it anew.
  expect(await readdir(dir)).not.toContain("drive-2");
}, 120_000);

test("a drive is replaced while it works, and another once it is gone", async () => {
  const dir = await givenFolder();
  const [one, two] = [join(await givenFolder(), "one"), join(await givenFolder(), "two")];
  const lab = await start(dir);
  await lab.client.send(new CreateBucketCommand({ Bucket }));
  const load = new SteadyLoad(lab.client, Bucket);
  await load.fill();
  load.begin();
  await drive(lab, { verb: "replace", drive: join(dir, "drive-6"), folder: one });
  expect(await drive(lab, { verb: "list" })).toMatch(/drive-6: drained/);
  await drive(lab, { verb: "remove", drive: join(dir, "drive-6") });
  await load.end();

  // Another is gone: a file stands where it was.
  await rename(join(dir, "drive-5"), join(dir, "gone"));
  await writeFile(join(dir, "drive-5"), "");
  await load.expectAll();
  await drive(lab, { verb: "replace", drive: join(dir, "drive-5"), folder: two });
  await until(60_000, "all is made anew", async () => {
    const { context } = screenOf(lab.admin);
    return (await heal(context, { isWatch: true, isNow: true })) === 0;
  });
  await load.expectAll();
  // Its copy of the metadata is brought up to date beside the rest.
  await until(60_000, "every copy is there", async () => {
    return (await verify(screenOf(lab.admin).context, undefined)) === 0;
  });
  await lab.admin.server.stop();

  // The old one comes back: it is not used.
  await rm(join(dir, "drive-5"));
  await rename(join(dir, "gone"), join(dir, "drive-5"));
  const again = await start(dir);
  expect(await drive(again, { verb: "list" })).toMatch(/5 {2}.*two: in-use/);
  await load.expectAll(again.client);
  await expectClean(again);
}, 120_000);

test("what cannot be is refused, and nothing is changed", async () => {
  const dir = await givenFolder();
  const other = await givenFolder();
  const lab = await start(dir);
  const { context } = screenOf(lab.admin);
  const refused = (request: DriveRequest) => changeDrives(context, request, false);
  await expect(refused({ verb: "drain", drive: "2" })).rejects.toThrow(
    /lies on 6 drives \(4\+2\), and 5 would be left/,
  );
  await expect(refused({ verb: "remove", drive: "2" })).rejects.toThrow(/drive drain first/);
  await expect(refused({ verb: "remove", drive: "9" })).rejects.toThrow(/no drive 9/);
  await expect(refused({ verb: "add", folders: ["relative"] })).rejects.toThrow(/absolute path/);
  await expect(refused({ verb: "add", folders: [join(dir, "drive-1", "x")] })).rejects.toThrow(
    /one within the other/,
  );
  await expect(refused({ verb: "add", folders: [join(dir, "drive-1")] })).rejects.toThrow(
    /is a drive of this cluster already/,
  );
  await expect(refused({ verb: "add", folders: [dir] })).rejects.toThrow(/holds files/);
  await expect(refused({ verb: "add", folders: [other, other] })).rejects.toThrow(/named twice/);
  expect(await drive(lab, { verb: "list" })).not.toMatch(/7 {2}/);
  expect(await readdir(other)).toEqual([]);
}, 30_000);
