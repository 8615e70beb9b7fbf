// Reads of a gateway through one node, on channels that are used again: those that go on where the last one ended, those that
// are more than there are channels, and those that nodes and networks break off.

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { NodeClient } from "../../src/datanode/client.ts";
import type { ShardName, ShardStore } from "../../src/datanode/shard-store.ts";
import { seededRandom } from "../../src/util/seeded-random.ts";
import { givenShard, newName, readShard, shardErrorOf } from "../contract/shard-store.ts";
import { driveOf, givenClient, givenLocalDrive, givenNode } from "../support/data-node.ts";
import { givenFaultProxy, type FaultProxy } from "../support/fault-proxy.ts";
import { holdDrive } from "../support/held-drive.ts";

const DEADLINE_MS = 1_000;

/** A drive that counts what is asked of it. */
class CountedDrive {
  readonly reads: { readonly offset: number; readonly length: number }[] = [];

  wrap(drive: ShardStore): ShardStore {
    return new Proxy(drive, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== "function") return value;
        if (property !== "read") return value.bind(target);
        return (name: ShardName, offset: number, bytes: Uint8Array) => {
          this.reads.push({ offset, length: bytes.length });
          return target.read(name, offset, bytes);
        };
      },
    });
  }
}

interface Lab {
  readonly remote: ShardStore;
  readonly client: NodeClient;
  readonly proxy: FaultProxy;
  readonly counted: CountedDrive;
}

async function givenLab(): Promise<Lab> {
  const counted = new CountedDrive();
  const node = await givenNode({ drives: [counted.wrap(await givenLocalDrive())] });
  const proxy = await givenFaultProxy(node.port);
  const client = await givenClient(proxy.url, { deadlineMs: DEADLINE_MS });
  return { remote: driveOf(client), client, proxy, counted };
}

async function readAhead(
  store: ShardStore,
  name: ShardName,
  {
    offset,
    length,
    ahead,
  }: { readonly offset: number; readonly length: number; readonly ahead: number },
): Promise<Buffer> {
  const target = Buffer.alloc(length, 0xaa);
  await store.read(name, offset, target, ahead);
  return target;
}

test("a read that goes on where the last one ended asks the node for nothing", async () => {
  const { remote, proxy } = await givenLab();
  const content = randomBytes(3_000_000);
  const name = await givenShard(remote, content);
  const first = await readAhead(remote, name, { offset: 0, length: 100_000, ahead: 2_900_000 });
  expect(first.equals(content.subarray(0, 100_000))).toBe(true);
  proxy.set({});
  for (let at = 100_000; at < content.length; at += 145_000) {
    const next = await readAhead(remote, name, { offset: at, length: 145_000, ahead: 0 });
    expect(next.equals(content.subarray(at, at + 145_000))).toBe(true);
  }
  expect(proxy.sent).toHaveLength(0);
  // And then as ever.
  expect((await readShard(remote, name, 5, 3)).equals(content.subarray(5, 8))).toBe(true);
});

test("reads in any order and number, with and without more to come, are the bytes that stand there", async () => {
  const seed = Date.now() % 1_000_000;
  const random = seededRandom(seed);
  const { remote } = await givenLab();
  const content = randomBytes(1_000_000);
  const name = await givenShard(remote, content);
  const wrong: string[] = [];
  const reader = async (): Promise<void> => {
    let offset = 0;
    for (let count = 0; count < 40; count += 1) {
      if (offset >= content.length || random.below(4) === 0) offset = random.below(content.length);
      const length = 1 + random.below(Math.min(60_000, content.length - offset));
      const left = content.length - offset - length;
      const ahead = random.below(2) === 0 ? 0 : random.below(left + 1);
      const found = await readAhead(remote, name, { offset, length, ahead });
      if (!found.equals(content.subarray(offset, offset + length)))
        wrong.push(`${offset} ${length}`);
      offset += length;
    }
  };
  await Promise.all(Array.from({ length: 90 }, reader));
  expect({ seed, wrong }).toEqual({ seed, wrong: [] });
}, 30_000);

test("no more of what nobody has asked for is read than the kernel takes", async () => {
  const { remote, counted } = await givenLab();
  const content = randomBytes(16 * 1024 * 1024);
  const name = await givenShard(remote, content);
  await readAhead(remote, name, { offset: 0, length: 1_000, ahead: 8 * 1024 * 1024 });
  const readBytes = () => counted.reads.reduce((sum, { length }) => sum + length, 0);
  await expect.poll(readBytes).toBeGreaterThan(1_000);
  const pieces = counted.reads.slice(1).map(({ length }) => length);
  expect(Math.max(...pieces)).toBeLessThanOrEqual(64 * 1024);
});

test("F55 where what was to come is cut off, the read is made anew, and right", async () => {
  const { remote, proxy } = await givenLab();
  const content = randomBytes(8_000_000);
  const name = await givenShard(remote, content);
  await readAhead(remote, name, { offset: 0, length: 1_000, ahead: 7_900_000 });
  proxy.resetAll();
  const next = await readAhead(remote, name, { offset: 1_000, length: 7_000_000, ahead: 0 });
  expect(next.equals(content.subarray(1_000, 7_001_000))).toBe(true);
});

test("F53 reads that wait for a channel of a node that falls silent end by their deadline, and it recovers", async () => {
  const { remote, proxy, client } = await givenLab();
  const name = await givenShard(remote, randomBytes(10_000));
  proxy.set({ toClient: { kind: "blackhole" } });
  const reads = Array.from({ length: 150 }, () => shardErrorOf(readShard(remote, name, 0, 10_000)));
  expect(new Set(await Promise.all(reads))).toEqual(new Set(["Unavailable"]));
  proxy.set({});
  await client.ready();
  expect((await readShard(remote, name, 0, 10_000)).length).toBe(10_000);
});

test("a node that is started anew is read on channels of its new life", async () => {
  const drives = [await givenLocalDrive()];
  const first = await givenNode({ drives, nodeId: "one" });
  const client = await givenClient(first.url, { deadlineMs: DEADLINE_MS });
  const remote = driveOf(client);
  const content = randomBytes(2_000_000);
  const name = await givenShard(remote, content);
  await readAhead(remote, name, { offset: 0, length: 10, ahead: 1_000_000 });
  await readShard(remote, name, 20, 10);
  await first.server.close(0);
  await givenNode({ drives, nodeId: "one", port: first.port });
  await client.ready();
  const next = await readAhead(remote, name, { offset: 10, length: 10, ahead: 0 });
  expect(next.equals(content.subarray(10, 20))).toBe(true);
});

test("a node that stops lets a read end that is under way", async () => {
  const held = holdDrive(await givenLocalDrive(), "read");
  const node = await givenNode({ drives: [held.drive] });
  const client = await givenClient(node.url, { deadlineMs: 5_000 });
  const content = randomBytes(4_000_000);
  const name = await givenShard(driveOf(client), content);
  const read = readShard(driveOf(client), name, 0, content.length);
  await held.reached;
  const closed = node.server.close(5_000);
  held.letGo();
  const [found] = await Promise.all([read, closed]);
  expect(found.equals(content)).toBe(true);
  expect(await shardErrorOf(readShard(driveOf(client), newName(), 0, 1))).toBe("Unavailable");
});
