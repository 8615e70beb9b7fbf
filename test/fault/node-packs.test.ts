// Packs on a data node: what it keeps open, for whom and how long, and that a broken append leaves no trace.

import { expect, test } from "vitest";
import { OpenPacks } from "../../src/datanode/open-packs.ts";
import { newName, readShard, shardErrorOf } from "../contract/shard-store.ts";
import { driveOf, givenClient, givenLocalDrive, givenNode } from "../support/data-node.ts";

test("F17 a node that was restarted has no pack open; what it has of it stays, and a new one begins", async () => {
  const drive = await givenLocalDrive();
  const node = await givenNode({ nodeId: "node", drives: [drive] });
  const client = await givenClient(node.url);
  const remote = driveOf(client);
  const name = newName();
  const pack = await remote.createPack(name);
  await pack.append(0, [Buffer.from("first")]);
  await node.server.close(0);
  await givenNode({ nodeId: "node", drives: [drive], port: node.port });
  const lost = await shardErrorOf(pack.append(5, [Buffer.from("second")]));
  expect(["Denied", "Unavailable"]).toContain(lost);
  await client.ready();
  expect(await shardErrorOf(pack.append(5, [Buffer.from("second")]))).toBe("Unavailable");
  await pack.close();
  // Nor for another who believes that it is open.
  const same = await remote.createPack(name);
  expect(await shardErrorOf(same.append(5, [Buffer.from("second")]))).toBe("Unavailable");
  expect((await readShard(remote, name, 0, 5)).toString()).toBe("first");
  expect(await remote.size(name)).toBe(5);
  const other = await remote.createPack(newName());
  await other.append(0, [Buffer.from("again")]);
  await other.seal(5, []);
});

test("a node keeps the packs open that were used last, and closes the others", async () => {
  const drive = await givenLocalDrive();
  const packs = new OpenPacks();
  const names = Array.from({ length: 300 }, () => newName());
  const [first = newName(), second = newName()] = names;
  for (const name of names) {
    await packs.append(drive, name, { offset: 0, isLast: false }, [Buffer.from("x")]);
    await packs.append(drive, first, { offset: await drive.size(first), isLast: false }, [
      Buffer.from("y"),
    ]);
  }
  const more = { offset: 1, isLast: false };
  expect(await shardErrorOf(packs.append(drive, second, more, []))).toBe("Unavailable");
  expect((await readShard(drive, first, 0, 3)).toString()).toBe("xyy");
  expect(await drive.size(first)).toBe(301);
  await packs.closeAll();
  const last = { offset: 301, isLast: true };
  expect(await shardErrorOf(packs.append(drive, first, last, []))).toBe("Unavailable");
});

test("F55 an append that comes again is refused, and the pack takes no more", async () => {
  const drive = await givenLocalDrive();
  const packs = new OpenPacks();
  const name = newName();
  await packs.append(drive, name, { offset: 0, isLast: false }, [Buffer.from("first")]);
  const again = packs.append(drive, name, { offset: 0, isLast: false }, [Buffer.from("first")]);
  expect(await shardErrorOf(again)).toBe("Exists");
  const behind = { offset: 3, isLast: false };
  expect(await shardErrorOf(packs.append(drive, name, behind, []))).toBe("Unavailable");
  const right = { offset: 5, isLast: false };
  expect(await shardErrorOf(packs.append(drive, name, right, []))).toBe("Unavailable");
  expect(await drive.size(name)).toBe(5);
});
