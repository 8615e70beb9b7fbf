// A gateway that is told which cluster its nodes are (KINTSUGI_CLUSTER_ID): another one is refused, and where all that
// there was is gone it does not begin anew. The same for a server of drive folders: bad-drives.test.ts.

import { expect, onTestFinished, test } from "vitest";
import { Cluster } from "../support/cluster.ts";
import { treeOf } from "../support/folder-tree.ts";

const OTHER_ID = "00000000-0000-4000-8000-000000000000";
const NODES = [0, 1, 2];

async function givenCluster() {
  const endings: (() => Promise<unknown>)[] = [];
  onTestFinished(async () => {
    for (const end of endings.toReversed()) await end();
  }, 60_000);
  const cluster = await Cluster.start(NODES.length, (end) => endings.push(end));
  const [, clusterId = ""] = /cluster +(\S+)/.exec(cluster.gateway.stdout) ?? [];
  await cluster.gateway.stop();
  return { cluster, clusterId };
}

async function refusalOf(cluster: Cluster, folder: string, id: string): Promise<string> {
  const { code, stdout, stderr } = await cluster.spawnGateway(folder, "--cluster-id", id).exited();
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).not.toMatch(/ at .*\.js/);
  return stderr;
}

test("F41 nodes of another cluster than the one that is meant are refused, and keep what they have", async () => {
  const { cluster, clusterId } = await givenCluster();
  const trees = () => Promise.all(NODES.map((node) => treeOf(cluster.nodeFolder(node))));
  const before = await trees();
  expect(await refusalOf(cluster, "elsewhere", OTHER_ID)).toMatch(/another cluster/);
  expect(await trees()).toEqual(before);
  const meant = cluster.spawnGateway("elsewhere", "--cluster-id", clusterId);
  await meant.ready();
  expect(meant.stdout).toContain(clusterId);
});

test("F39 nodes that are all empty do not become a new cluster where an old one is meant", async () => {
  const { cluster, clusterId } = await givenCluster();
  await cluster.loseGatewayFolder();
  await cluster.wipe(...NODES);
  await cluster.revive(...NODES);
  expect(await refusalOf(cluster, "gateway", clusterId)).toMatch(
    /the cluster is to be .*Nothing was changed: are these the right nodes/,
  );
});
