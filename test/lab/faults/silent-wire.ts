// F54: a data node whose connections are silently gone, without a FIN: whatever is under way ends by its deadline, gives
// its connection back, and is never taken for done; once the network is back, everything goes on, and nothing is left over.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { NodeClient } from "../../../src/datanode/client.ts";
import type { ShardName, ShardStore } from "../../../src/datanode/shard-store.ts";
import { givenShard, newName, readShard, shardErrorOf } from "../../contract/shard-store.ts";
import { driveOf, givenClient, givenNode } from "../../support/data-node.ts";
import { givenFaultProxy, type FaultProxy } from "../../support/fault-proxy.ts";
import { until, within } from "../../support/until.ts";
import type { Trial } from "./fault-trial.ts";

const DEADLINE_MS = 1_000;
/** Well past the deadline, on a busy machine. */
const LIMIT_MS = 30_000;
/** Longer than a node's client keeps a connection that it does not use: where all calls were answered, nobody noticed the silence. */
const IDLE_LIMIT_MS = 90_000;
const CALLS_MAX = 60;
const ROUNDS = 3;
/** All names that are made here lie in one folder. */
const FOLDER = 0x7f;

interface Wire extends Trial {
  readonly local: ShardStore;
  readonly remote: ShardStore;
  readonly client: NodeClient;
  readonly proxy: FaultProxy;
  /** Of a shard that stays. */
  readonly kept: ShardName;
  readonly content: Buffer;
}

export async function silenceConnections(trial: Trial): Promise<void> {
  const node = await givenNode();
  const proxy = await givenFaultProxy(node.port);
  const client = await givenClient(proxy.url, { deadlineMs: DEADLINE_MS });
  const [local] = node.drives;
  assert.ok(local !== undefined);
  const remote = driveOf(client);
  const content = randomBytes(1 + trial.random.below(400_000));
  const kept = await givenShard(remote, content);
  const wire = { ...trial, local, remote, client, proxy, kept, content };
  for (let round = 0; round < ROUNDS; round += 1) await silenceOnce(wire);
  await client.close();
  await until(LIMIT_MS, "all connections are closed", () => proxy.connectionCount === 0);
}

async function silenceOnce(wire: Wire): Promise<void> {
  const { client, journal, kept, local, proxy, random, remote } = wire;
  const written = new Map<ShardName, Buffer>();
  const calls = Array.from({ length: 1 + random.below(CALLS_MAX) }, () => callOf(wire, written));
  // Some are over by then, some have sent a part, and some come later.
  for (let turns = random.below(60); turns > 0; turns -= 1) await new Promise(setImmediate);
  proxy.set({ toServer: { kind: "blackhole" }, toClient: { kind: "blackhole" } });
  calls.push(...Array.from({ length: random.below(5) }, () => callOf(wire, written)));
  const codes = await within(LIMIT_MS, "calls on a silent network", Promise.all(calls));
  for (const code of codes) {
    journal.note(`calls on a silent network: ${code ?? "answered before"}`);
    assert.ok(code === undefined || code === "Unavailable", `a call ended with ${code}`);
  }
  // At most the hello that asks whether it is back.
  await until(IDLE_LIMIT_MS, "connections are given back", () => proxy.connectionCount <= 1);
  proxy.resetAll();
  proxy.set({});
  await within(LIMIT_MS, "the node is found again", client.ready());
  for (const [name, bytes] of written) {
    assert.ok((await readShard(remote, name, 0, bytes.length)).equals(bytes), "what was written");
    await remote.delete(name);
  }
  // What was not acknowledged goes, but for what became durable when its sender had given up: that may still come.
  await until(LIMIT_MS, "nothing is left over", async () => {
    const names = await local.list(FOLDER);
    const others = names.filter(({ setId }) => setId !== kept.setId);
    for (const name of others) await remote.delete(name);
    return others.length === 0;
  });
}

/** Resolves to the code it fails with; undefined when it was answered. */
function callOf(wire: Wire, written: Map<ShardName, Buffer>) {
  const { content, kept, random, remote } = wire;
  const dice = random.below(4);
  if (dice === 0) return shardErrorOf(remote.space());
  if (dice === 1) return shardErrorOf(remote.size(kept));
  if (dice === 2) {
    const read = readShard(remote, kept, 0, content.length);
    return shardErrorOf(read.then((bytes) => assert.ok(bytes.equals(content), "what was read")));
  }
  return shardErrorOf(writeOne(remote, randomBytes(1 + random.below(600_000)), written));
}

async function writeOne(
  remote: ShardStore,
  bytes: Buffer,
  written: Map<ShardName, Buffer>,
): Promise<void> {
  const name = newName(FOLDER.toString(16));
  const writer = await remote.create(name);
  try {
    await writer.append([bytes]);
    await writer.finish([]);
    written.set(name, bytes);
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
