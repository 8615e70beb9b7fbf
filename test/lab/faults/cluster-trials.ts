// F17, F53: a gateway and six nodes in processes of their own, under a steady load of reads and writes, while nodes are
// killed, or the network to them is parted. With one away nothing fails; with two reads go on, and writes are refused, in
// time; nothing that was acknowledged is lost, and of no set is more than one shard missing.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { atEnd } from "../../support/at-end.ts";
import { Cluster, type ClusterOptions } from "../../support/cluster.ts";
import { givenFaultProxy, type FaultProxy, type Faults } from "../../support/fault-proxy.ts";
import { SteadyLoad } from "../../support/hang/steady-load.ts";
import { until } from "../../support/until.ts";
import { verify } from "../lab-admin.ts";
import { LAB_KEYS } from "../lab-server.ts";
import { oneOf, someBelow, type Trial } from "./fault-trial.ts";

const NODES = 6;
const LANES = 4;
const BUCKET = "lab-bucket";
/** One deadline of a drive's call, and what a busy machine adds. */
const LONGEST_MS = 20_000;
const GOOD_LIMIT_MS = 60_000;
const DEATHS = 4;
/** What a node passes while it is written to. */
const NODE_POINTS = ["journal.appended", "journal.synced"] as const;
const PASSING_MAX = 40;
const POINT_MS_MAX = 8_000;
const POLL_MS = 20;
/** With two nodes away writes are refused, if need be before they are sent to their end; nothing else ever fails. */
const REFUSALS =
  /^[^:]*(with two away|coming back)[^:]*: PUT (ServiceUnavailable|SlowDown|EPIPE|ECONNRESET)$/;

interface Lab extends Trial {
  readonly cluster: Cluster;
  readonly load: SteadyLoad;
}

async function givenLab(trial: Trial, options: ClusterOptions = {}): Promise<Lab> {
  const cluster = await Cluster.start(NODES, atEnd, {
    ...options,
    keys: LAB_KEYS,
    adminPort: "0",
  });
  await cluster.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const seed = trial.random.below(2 ** 31);
  const load = new SteadyLoad({ client: cluster.client, bucket: BUCKET, seed, lanes: LANES });
  load.start();
  atEnd(() => load.stop());
  await goOn(load, "before", 10);
  return { ...trial, cluster, load };
}

/** From now on this is what goes on; resolves when so many requests of it were good. */
async function goOn(load: SteadyLoad, phase: string, count: number): Promise<void> {
  load.phase = phase;
  const before = load.goodIn(phase);
  await until(GOOD_LIMIT_MS, `${count} good requests ${phase}`, () => {
    return load.goodIn(phase) >= before + count;
  });
}

/** Nodes are killed at any moment, at random or at a point of their own; first one, then another too. */
export async function killNodes(trial: Trial): Promise<void> {
  const lab = await givenLab(trial);
  const { cluster, load, random, journal } = lab;
  // The same two all the time: nothing repairs yet, so that a set may lack a shard of one of them for good.
  const pair = someBelow(random, NODES, 2);
  for (let round = 0; round < DEATHS; round += 1) {
    const [first = 0, second = 1] = random.below(2) === 0 ? pair : pair.toReversed();
    load.phase = "with one away";
    await killOne(lab, first);
    await goOn(load, "with one away", 10);
    if (random.below(2) === 0) {
      load.phase = "with two away";
      await sleep(random.below(100));
      await cluster.kill(second);
      await goOn(load, "with two away", 10);
      journal.note("a second node killed");
      load.phase = "coming back";
      await cluster.revive(second);
    }
    await cluster.revive(first);
    await untilWhole(lab);
  }
  await judge(lab);
}

async function killOne({ cluster, journal, random }: Lab, node: number): Promise<void> {
  if (random.below(2) === 0) {
    await sleep(random.below(300));
    await cluster.kill(node);
    journal.note("nodes killed at random");
    return;
  }
  const point = oneOf(random, NODE_POINTS);
  await cluster.kill(node);
  await cluster.reviveWith(node, {
    KINTSUGI_CRASH_AT: `${point}:${1 + random.below(PASSING_MAX)}`,
  });
  // One of the six is no member, and writes no journal.
  const deadline = performance.now() + POINT_MS_MAX;
  while (!cluster.isDead(node) && performance.now() < deadline) await sleep(POLL_MS);
  journal.note(cluster.isDead(node) ? `nodes killed at ${point}` : "nodes killed at random");
  await cluster.kill(node);
}

/** The gateway uses every node: each has got a shard since. */
async function untilWhole({ cluster, load }: Lab): Promise<void> {
  load.phase = "coming back";
  const nodes = Array.from({ length: NODES }, (_, index) => index);
  const filesOf = (): Promise<readonly (readonly string[])[]> =>
    Promise.all(nodes.map((index) => cluster.shardFiles(index)));
  const before = (await filesOf()).map((files) => new Set(files));
  await until(GOOD_LIMIT_MS, "all nodes are written to", async () => {
    const after = await filesOf();
    return after.every((files, index) => files.some((file) => before[index]?.has(file) === false));
  });
}

const SILENT = { kind: "blackhole" } as const;
const PARTINGS: readonly [Faults, ...Faults[]] = [
  { toServer: SILENT, toClient: SILENT },
  { toServer: SILENT },
  { toClient: SILENT },
];

/** The network to one node or two is silent, in one direction or both, without end or on and off. */
export async function partNetwork(trial: Trial): Promise<void> {
  const proxies: FaultProxy[] = [];
  const front = async (port: number): Promise<string> => {
    const proxy = await givenFaultProxy(port);
    proxies.push(proxy);
    return proxy.url;
  };
  const lab = await givenLab(trial, { front });
  const { journal, load, random } = lab;
  const away = someBelow(random, NODES, 1 + random.below(2));
  const parted = proxies.filter((_, index) => away.includes(index));
  const faults = oneOf(random, PARTINGS);
  const isFlapping = random.below(3) === 0;
  const directions = Object.keys(faults).join(" and ");
  journal.note(`${away.length} of 6 parted ${directions}${isFlapping ? ", on and off" : ""}`);
  load.phase = away.length === 1 ? "with one away" : "with two away";
  for (let round = isFlapping ? 2 + random.below(6) : 1; round > 0; round -= 1) {
    for (const proxy of parted) proxy.set(faults);
    await sleep(isFlapping ? random.below(1_500) : 0);
    if (!isFlapping) break;
    for (const proxy of parted) proxy.set({});
    await sleep(random.below(1_500));
    for (const proxy of parted) proxy.set(faults);
  }
  await goOn(load, load.phase, 20);
  for (const proxy of parted) {
    proxy.resetAll();
    proxy.set({});
  }
  await untilWhole(lab);
  await judge(lab);
}

async function judge({ cluster, journal, load }: Lab): Promise<void> {
  await goOn(load, "after", 20);
  await load.stop();
  await load.verify();
  assert.deepEqual(load.wrong, []);
  for (const [failure, count] of load.failures) {
    journal.note(`failed ${failure}`, count);
    const isAllowed = REFUSALS.test(failure);
    assert.ok(isAllowed, `${count} failed ${failure}`);
  }
  assert.ok(load.longestMs < LONGEST_MS, `a request took ${Math.round(load.longestMs)} ms`);
  const findings = await verify({ process: cluster.gatewayAdmin });
  for (const finding of findings) {
    const { kind, shards } = finding;
    const isSpared = kind === "below-redundancy" && Array.isArray(shards) && shards.length === 1;
    assert.ok(isSpared, `verify: ${JSON.stringify(finding)}`);
  }
  journal.note("sets with a shard missing", findings.length);
  journal.note("requests", load.timings.length);
  for (const { isGood } of load.timings) if (isGood) journal.count("beside nodes that go");
}
