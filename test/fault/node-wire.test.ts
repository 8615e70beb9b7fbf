// A gateway's client against nodes and networks that fail: silent, slow, cut off, killed, hanging.
// Every test holds that calls end by their deadline with a ShardError, that connections are given back, and that the
// client recovers by itself; none waits for a time, only for conditions.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import type { NodeClient } from "../../src/datanode/client.ts";
import type { ShardStore } from "../../src/datanode/shard-store.ts";
import { SimDrive } from "../../src/disk/sim-drive.ts";
import { givenShard, newName, readShard, shardErrorOf } from "../contract/shard-store.ts";
import { findingsOf } from "../lab/faults/fault-loop.ts";
import { silenceConnections } from "../lab/faults/silent-wire.ts";
import { holdDrive } from "../support/held-drive.ts";
import { driveOf, givenClient, givenLocalDrive, givenNode } from "../support/data-node.ts";
import { sendRaw } from "../support/raw-http.ts";
import { givenFaultProxy, type FaultProxy, type Faults } from "../support/fault-proxy.ts";

/** Short, so that tests of deadlines are; long enough for a busy machine to answer. */
const DEADLINE_MS = 1_000;

interface Lab {
  readonly local: ShardStore;
  readonly remote: ShardStore;
  readonly client: NodeClient;
  readonly proxy: FaultProxy;
}

async function givenLab(): Promise<Lab> {
  const node = await givenNode();
  const proxy = await givenFaultProxy(node.port);
  const client = await givenClient(proxy.url, { deadlineMs: DEADLINE_MS });
  const [local] = node.drives;
  if (local === undefined) throw new Error("a node has a drive");
  return { local, remote: driveOf(client), client, proxy };
}

async function recovered({ client, proxy, remote }: Lab): Promise<void> {
  proxy.set({});
  await client.ready();
  const name = await givenShard(remote, Buffer.from("well again"));
  expect((await readShard(remote, name, 0, 10)).toString()).toBe("well again");
  await remote.delete(name);
}

async function expectEmpty(store: ShardStore): Promise<void> {
  await expect.poll(() => store.list(0x7f)).toEqual([]);
}

async function writeShard(store: ShardStore, content: Uint8Array, name = newName()): Promise<void> {
  const writer = await store.create(name);
  try {
    await writer.append([content]);
    await writer.finish([]);
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

const silent: Faults = { toServer: { kind: "blackhole" }, toClient: { kind: "blackhole" } };

test.each<[string, Faults]>([
  ["F53 F54 a silent network", silent],
  ["F53 a network silent towards the node", { toServer: { kind: "blackhole" } }],
  ["F53 a network silent towards the gateway", { toClient: { kind: "blackhole" } }],
  ["a trickle towards the gateway", { toClient: { kind: "trickle", intervalMs: 20 } }],
  ["a trickle towards the node", { toServer: { kind: "trickle", intervalMs: 20 } }],
  ["F55 a reset", { toClient: { kind: "reset", afterBytes: 0 } }],
  ["F55 a reset towards the node", { toServer: { kind: "reset", afterBytes: 100 } }],
  ["F55 an answer cut off in its head", { toClient: { kind: "truncate", afterBytes: 40 } }],
  ["F55 an answer cut off in its body", { toClient: { kind: "truncate", afterBytes: 1_000 } }],
])("%s: every call is Unavailable, frees its connection, and recovers", async (_what, faults) => {
  const lab = await givenLab();
  const { remote, proxy } = lab;
  const name = await givenShard(remote, randomBytes(100_000));
  proxy.set(faults);
  const outcomes = await Promise.all([
    shardErrorOf(readShard(remote, name, 0, 100_000)),
    shardErrorOf(writeShard(remote, randomBytes(2_000_000))),
    shardErrorOf(remote.size(name)),
    shardErrorOf(remote.space()),
  ]);
  // Small answers pass where only large ones are cut off.
  expect(outcomes.slice(0, 1)).toEqual(["Unavailable"]);
  expect(outcomes.filter((code) => code !== undefined && code !== "Unavailable")).toEqual([]);
  await recovered(lab);
  await lab.client.close();
  await expect.poll(() => proxy.connectionCount).toBe(0);
});

test("F54 connections that are silently gone are given back, and nothing is taken for done or left over", async () => {
  expect(await findingsOf(silenceConnections, 1)).toEqual([]);
}, 60_000);

test("F50 while a node is known to be away, calls fail at once", async () => {
  const lab = await givenLab();
  const { remote, proxy, client } = lab;
  proxy.set(silent);
  await shardErrorOf(remote.space());
  await expect.poll(() => client.problem).toMatch(/no answer/);
  proxy.set(silent);
  for (let count = 0; count < 100; count += 1) {
    expect(await shardErrorOf(remote.space())).toBe("Unavailable");
    expect(await shardErrorOf(remote.create(newName()))).toBe("Unavailable");
  }
  await recovered(lab);
});

test("a little delay is no failure", async () => {
  const lab = await givenLab();
  lab.proxy.set({
    toServer: { kind: "delay", delayMs: 20 },
    toClient: { kind: "delay", delayMs: 20 },
  });
  await writeShard(lab.remote, randomBytes(500_000));
  expect(await lab.local.list(0x7f)).toHaveLength(1);
});

test("F55 an upload cut off anywhere leaves nothing", async () => {
  const lab = await givenLab();
  const { proxy, remote, local } = lab;
  const content = randomBytes(400_000);
  for (const kind of ["truncate", "reset"] as const) {
    for (const afterBytes of [1, 300, 700, 200_000, 399_999, 400_100]) {
      await lab.client.ready();
      proxy.set({ toServer: { kind, afterBytes } });
      expect([afterBytes, await shardErrorOf(writeShard(remote, content))]).toEqual([
        afterBytes,
        "Unavailable",
      ]);
      proxy.set({});
      await expectEmpty(local);
    }
  }
  await recovered(lab);
});

test("F51 one bit turned on the way to the node is never stored as if it were right", async () => {
  const lab = await givenLab();
  const { proxy, remote, local } = lab;
  const content = randomBytes(20_000);
  const wrong: number[] = [];
  for (let round = 0; round < 60; round += 1) {
    const atByte = round < 40 ? round * 17 : round * 340;
    const name = newName();
    await lab.client.ready();
    proxy.set({ toServer: { kind: "flip", atByte } });
    const outcome = await shardErrorOf(writeShard(remote, content, name));
    proxy.set({});
    if (outcome === undefined) {
      const stored = await readShard(local, name, 0, content.length);
      if (!stored.equals(content)) wrong.push(atByte);
      await local.delete(name);
    } else {
      await expectEmpty(local);
    }
  }
  expect(wrong).toEqual([]);
  await recovered(lab);
});

test("F51 one bit turned in a small answer never passes as another answer", async () => {
  const lab = await givenLab();
  const name = await givenShard(lab.remote, randomBytes(12_345));
  const sizes = new Set<number | undefined>();
  for (let atByte = 0; atByte < 420; atByte += 7) {
    await lab.client.ready();
    lab.proxy.set({ toClient: { kind: "flip", atByte } });
    const size = await lab.remote.size(name).catch(() => undefined);
    sizes.add(size);
    lab.proxy.set({});
  }
  expect(sizes).toEqual(new Set([12_345, undefined]));
  await recovered(lab);
});

test("F55 requests recorded on the wire and sent again change nothing", async () => {
  const lab = await givenLab();
  lab.proxy.set({});
  const name = await givenShard(lab.remote, randomBytes(1_000));
  const upload = lab.proxy.sent;
  lab.proxy.set({});
  await lab.remote.delete(name);
  const remove = lab.proxy.sent;
  // All of it: an opened channel, and what was written on it.
  const socket = connect({ host: "127.0.0.1", port: lab.proxy.port });
  socket.write(upload);
  socket.resume();
  await once(socket, "close");
  expect(await lab.local.list(0x7f)).toEqual([]);
  expect((await sendRaw(lab.proxy.port, remove)).status).toBe(401);
});

test("a node killed in the middle of an upload: the upload fails, and nothing is left", async () => {
  const disk = new SimDrive({ seed: 1 });
  const drives = [await givenLocalDrive(disk)];
  const node = await givenNode({ drives });
  const client = await givenClient(node.url, { deadlineMs: DEADLINE_MS });
  const writer = await driveOf(client).create(newName());
  await writer.append([randomBytes(1_000_000)]);
  await node.server.close(0);
  const rest = async (): Promise<void> => {
    for (let count = 0; count < 100; count += 1) await writer.append([randomBytes(300_000)]);
  };
  expect(await shardErrorOf(rest())).toBe("Unavailable");
  expect(await shardErrorOf(writer.finish([]))).toBe("Unavailable");
  await writer.abort();
  await expectEmpty(drives[0] ?? driveOf(client));
});

test("an error of the drive reaches the writer in the middle of an upload, and nothing is left", async () => {
  const disk = new SimDrive({ seed: 1, capacityBytes: 1_000_000 });
  const drive = await givenLocalDrive(disk);
  const client = await givenClient((await givenNode({ drives: [drive] })).url);
  const writer = await driveOf(client).create(newName());
  const fill = async (): Promise<void> => {
    for (let count = 0; count < 40; count += 1) await writer.append([randomBytes(200_000)]);
    await writer.finish([]);
  };
  expect(await shardErrorOf(fill())).toBe("Full");
  await writer.abort();
  await expectEmpty(drive);
  await writeShard(driveOf(client), randomBytes(1_000));
});

test("closing a client ends what is under way and what waits", async () => {
  const { client, remote, proxy } = await givenLab();
  proxy.set(silent);
  const outcomes = Promise.all([shardErrorOf(remote.space()), shardErrorOf(remote.list(1))]);
  await client.close();
  expect(await outcomes).toEqual(["Unavailable", "Unavailable"]);
  expect(await shardErrorOf(remote.space())).toBe("Unavailable");
  expect(await shardErrorOf(client.ready())).toBe("Unavailable");
});

test("F46 a drive of the node that hangs costs its own calls their deadline, and nothing else", async () => {
  const held = holdDrive(await givenLocalDrive(), "read");
  const node = await givenNode({ drives: [held.drive, await givenLocalDrive()] });
  const proxy = await givenFaultProxy(node.port);
  const client = await givenClient(proxy.url, { deadlineMs: DEADLINE_MS });
  const [hanging = driveOf(client), healthy = driveOf(client)] = client.drives;
  const name = await givenShard(hanging, Buffer.from("stuck"));
  const stuck = shardErrorOf(readShard(hanging, name, 0, 5));
  await held.reached;
  const other = await givenShard(healthy, Buffer.from("fluid"));
  expect((await readShard(healthy, other, 0, 5)).toString()).toBe("fluid");
  expect(await stuck).toBe("Unavailable");
  expect((await readShard(healthy, other, 0, 5)).toString()).toBe("fluid");
  held.letGo();
  await expect.poll(() => shardErrorOf(readShard(hanging, name, 0, 5))).toBeUndefined();
});

test("a shard that became durable when its sender had given it up is removed again", async () => {
  const local = await givenLocalDrive();
  const held = holdDrive(local, "finish");
  const node = await givenNode({ drives: [held.drive] });
  const client = await givenClient(node.url, { deadlineMs: DEADLINE_MS });
  const writer = await driveOf(client).create(newName());
  const finished = shardErrorOf(writer.finish([randomBytes(1_000)]));
  await held.reached;
  expect(await finished).toBe("Unavailable");
  await writer.abort();
  // The node has heard of the broken connection once it answers on another one that was made after it.
  await client.ready();
  await driveOf(client).space();
  held.letGo();
  await held.isOver;
  await expectEmpty(local);
});

test("a shard that repair has made anew stays, however late the first one is taken back", async () => {
  const local = await givenLocalDrive();
  const held = holdDrive(local, "finish");
  const node = await givenNode({ drives: [held.drive] });
  const client = await givenClient(node.url, { deadlineMs: DEADLINE_MS });
  const name = newName();
  const bytes = randomBytes(1_000);
  const writer = await driveOf(client).create(name);
  const finished = shardErrorOf(writer.finish([bytes]));
  await held.reached;
  expect(await finished).toBe("Unavailable");
  await writer.abort();
  await client.ready();
  await (await local.create(name, "replacement")).finish([bytes]);
  held.letGo();
  await held.isOver;
  for (let turn = 0; turn < 5; turn += 1) await driveOf(client).space();
  expect(bytes.equals(await readShard(local, name, 0, bytes.length))).toBe(true);
});
