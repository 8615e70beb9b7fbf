// Data nodes that come and go under a real gateway, by command, under load: no request fails, nothing is below full
// redundancy at the end, and a start finds the nodes as they are then, whichever of them it is given. What cannot be is
// refused, with the reason.

import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { verify } from "../../src/cli/admin-commands.ts";
import { changeNodes, type NodeRequest } from "../../src/cli/node-command.ts";
import { NodeCluster } from "../support/node-cluster.ts";
import { SteadyLoad } from "../support/steady-load.ts";
import { until } from "../support/until.ts";

const Bucket = "moved";
const SIX = [{}, {}, {}, {}, {}, {}];

/** Runs the command to its end; what it has printed. */
async function node(cluster: NodeCluster, request: NodeRequest, code = 0): Promise<string> {
  const { context, text } = cluster.screen();
  expect(await changeNodes(context, request, true), text()).toBe(code);
  return text();
}

async function expectClean(cluster: NodeCluster): Promise<void> {
  const { context, text } = cluster.screen();
  expect(await verify(context, undefined), text()).toBe(0);
}

test("a seventh node, then one of the first less, under load; a start finds what there is then", async () => {
  const cluster = await NodeCluster.start(SIX);
  const client = await cluster.startGateway([0, 1, 2, 3, 4, 5]);
  await client.send(new CreateBucketCommand({ Bucket }));
  const load = new SteadyLoad(client, Bucket);
  await load.fill();
  load.begin();
  const seventh = await cluster.addNode();
  expect(await node(cluster, { verb: "add", urls: [seventh] })).toMatch(
    new RegExp(`7 {2}${seventh}: in-use, 14\\.\\d% of all shards`),
  );
  const second = cluster.url(1);
  await node(cluster, { verb: "drain", node: second });
  const listed = await node(cluster, { verb: "list" });
  expect(listed).toMatch(new RegExp(`2 {2}${second}: drained, 0\\.0% of all shards`));
  expect(listed.match(/in-use, 16\.7%/g)).toHaveLength(6);
  await load.end();
  expect(load.count).toBeGreaterThan(5);
  await expectClean(cluster);
  await node(cluster, { verb: "remove", node: second });
  await cluster.stopNode(1);
  await load.expectAll();
  await expectClean(cluster);
  await cluster.stopGateway();

  // The seventh is not named, and the one that went still is.
  load.useClient(await cluster.startGateway([0, 1, 2, 3, 4, 5]));
  const found = await node(cluster, { verb: "list" });
  expect(found).toMatch(new RegExp(`6 {2}${seventh}: in-use`));
  expect(found).not.toContain(second);
  expect(found.match(/1 copy of the metadata/g)).toHaveLength(5);
  await load.expectAll();
  await expectClean(cluster);
  await cluster.stopGateway();

  // With its folder lost, and one node named alone, the drives say where the others are.
  await cluster.loseGatewayFolder();
  load.useClient(await cluster.startGateway([0]));
  expect(await node(cluster, { verb: "list" })).toMatch(new RegExp(`6 {2}${seventh}: in-use`));
  await load.expectAll();
  await expectClean(cluster);
}, 120_000);

test("a node that comes back with empty folders takes its own place, and is found there", async () => {
  const cluster = await NodeCluster.start([{}, {}, {}]);
  const client = await cluster.startGateway([0, 1, 2]);
  await client.send(new CreateBucketCommand({ Bucket }));
  const load = new SteadyLoad(client, Bucket);
  await load.fill();
  await cluster.stopNode(1);
  await cluster.emptyNode(1);
  await cluster.startNode(1);
  const url = cluster.url(1);
  await until(20_000, "it is told from the one that was there", async () =>
    /belongs here/.test(await node(cluster, { verb: "list" }, 1)),
  );
  const { context, text } = cluster.screen();
  await changeNodes(context, { verb: "replace", node: url }, true);
  expect(text()).toMatch(new RegExp(`2 {2}${url}: drained, does not answer`));
  expect(text()).toMatch(new RegExp(`4 {2}${url}: in-use, 33\\.3%`));
  await node(cluster, { verb: "remove", node: url });
  await load.expectAll();
  await expectClean(cluster);
  await cluster.stopGateway();

  load.useClient(await cluster.startGateway([0, 1, 2]));
  const found = await node(cluster, { verb: "list" });
  expect(found.match(/in-use, 33\.3%/g)).toHaveLength(3);
  // Of three drives one may be lost: what was made anew is used.
  await cluster.stopNode(0);
  await load.expectAll();
}, 120_000);

test("what cannot be is refused, and nothing is changed", async () => {
  const [ours, theirs] = [
    await NodeCluster.start([{}, {}, {}]),
    await NodeCluster.start([{}, {}, {}]),
  ];
  const client = await ours.startGateway([0, 1, 2]);
  const other = await theirs.startGateway([0, 1, 2]);
  await client.send(new CreateBucketCommand({ Bucket }));
  await other.send(new CreateBucketCommand({ Bucket }));
  const refused = (request: NodeRequest) => changeNodes(ours.screen().context, request, false);
  await expect(refused({ verb: "drain", node: "2" })).rejects.toThrow(
    /lies on 3 drives \(2\+1\), and 2 would be left/,
  );
  await expect(refused({ verb: "remove", node: "2" })).rejects.toThrow(/node drain first/);
  await expect(refused({ verb: "remove", node: "9" })).rejects.toThrow(/no node 9/);
  await expect(refused({ verb: "add", urls: ["node-7"] })).rejects.toThrow(/URL is like/);
  await expect(refused({ verb: "add", urls: [ours.url(1)] })).rejects.toThrow(
    /is a node of this cluster already/,
  );
  await expect(refused({ verb: "add", urls: [theirs.url(1)] })).rejects.toThrow(
    /node of another cluster/,
  );
  // Neither has heard of the other.
  const object = { Bucket, Key: "kept" };
  for (const each of [client, other]) {
    await each.send(new PutObjectCommand({ ...object, Body: "here" }));
    expect(await (await each.send(new GetObjectCommand(object))).Body?.transformToString()).toBe(
      "here",
    );
  }
  expect(await node(ours, { verb: "list" })).not.toMatch(/4 {2}/);
}, 60_000);

test("the loss of a zone costs no more than parity replaces, and what would let it cost more is refused when asked", async () => {
  const cluster = await NodeCluster.start([
    { driveCount: 3, zone: "cellar" },
    { driveCount: 3, zone: "attic" },
    { driveCount: 2 },
  ]);
  const client = await cluster.startGateway([0, 1, 2]);
  await client.send(new CreateBucketCommand({ Bucket }));
  const load = new SteadyLoad(client, Bucket);
  await load.fill();
  // Eight drives, of which each object uses six: without regard to zones some would have three in the cellar.
  await cluster.stopNode(0);
  await load.expectAll();
  await cluster.startNode(0);
  await until(20_000, "the node is back", async () => {
    const { context, text } = cluster.screen();
    await changeNodes(context, { verb: "list" }, false);
    return !/does not answer/.test(text());
  });
  expect(await node(cluster, { verb: "list" })).toMatch(/zone cellar/);
  const third = cluster.url(2);
  const { context } = cluster.screen();
  const drain = { verb: "drain", node: third } as const;
  await expect(changeNodes(context, { ...drain, requireZones: true }, false)).rejects.toThrow(
    /with zone (cellar|attic) 3 shards of some objects would be lost, and 2 may be/,
  );
  expect(await node(cluster, drain)).toMatch(
    /3 shards of some objects would be lost, and 2 may be/,
  );
  await load.expectAll();
  await expectClean(cluster);
}, 60_000);
