// A gateway at its start: it waits for its data nodes and says so; later it starts without those it can spare, and
// takes them in when they come.

import { join } from "node:path";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { keptPort } from "../support/kept-port.ts";
import { givenFolder, runProcess, startProcess } from "../support/kintsugi-process.ts";
import { sdkClientOf } from "../support/sdk-client.ts";

const keys = { accessKey: "operator", secretKey: "operator-secret" };
const env = {
  KINTSUGI_ACCESS_KEY: keys.accessKey,
  KINTSUGI_SECRET_KEY: keys.secretKey,
  KINTSUGI_CLUSTER_SECRET: "0123456789abcdef0123456789abcdef",
};

const startNode = (folder: string, port: number) =>
  startProcess(["node", folder, "--port", String(port)], { env });
const startGateway = (folder: string, nodes: readonly number[]) => {
  const urls = nodes.map((port) => `http://127.0.0.1:${port}`);
  return startProcess(["gateway", folder, "--port", "0", "--nodes", urls.join(",")], { env });
};

test("the first start waits for every node, later ones for as many as reading takes", async () => {
  const base = await givenFolder();
  const ports = [await keptPort(), await keptPort(), await keptPort()];
  const folderOf = (port: number) => join(base, `node-${port}`);
  const [one = 0, two = 0, three = 0] = ports;
  const gatewayFolder = join(base, "gateway");

  const gateway = startGateway(gatewayFolder, ports);
  const nodes = new Map([one, two].map((port) => [port, startNode(folderOf(port), port)]));
  await gateway.waitFor(new RegExp(`waiting for data nodes: http://127\\.0\\.0\\.1:${three} \\(`));
  expect(gateway.stdout).toBe("");
  nodes.set(three, startNode(folderOf(three), three));
  const url = await gateway.ready();
  expect(gateway.stdout).toContain("3: 2 data + 1 parity");
  const client = sdkClientOf(url, keys);
  await client.send(new CreateBucketCommand({ Bucket: "cluster" }));
  const object = { Bucket: "cluster", Key: "a" };
  const Body = "c".repeat(500_000);
  await client.send(new PutObjectCommand({ ...object, Body }));
  await gateway.stop();
  await nodes.get(three)?.stop();

  const again = startGateway(gatewayFolder, ports);
  const secondClient = sdkClientOf(await again.ready(), keys);
  expect(again.stdout).toMatch(new RegExp(`note +http://127\\.0\\.0\\.1:${three} is away`));
  expect(await textOf(secondClient, object)).toBe(Body);
  startNode(folderOf(three), three);
  await again.waitFor(new RegExp(`:${three}".*"a data node is there"`));
  await secondClient.send(new PutObjectCommand({ ...object, Key: "b", Body }));
  // Two data and one parity: without this node the one that came late must have its shard.
  await nodes.get(two)?.stop();
  expect(await textOf(secondClient, { ...object, Key: "b" })).toBe(Body);
});

async function textOf(client: S3Client, object: { Bucket: string; Key: string }) {
  const { Body } = await client.send(new GetObjectCommand(object));
  return Body?.transformToString();
}

test("a node with another secret is no node of this cluster", async () => {
  const base = await givenFolder();
  const port = await keptPort();
  const stranger = { ...env, KINTSUGI_CLUSTER_SECRET: "another secret that is long enough too" };
  const node = startProcess(["node", join(base, "node"), "--port", String(port)], {
    env: stranger,
  });
  await node.ready();
  const gateway = startGateway(join(base, "gateway"), [port]);
  await gateway.waitFor(/waiting for data nodes: .*secret/i);
  expect(gateway.stdout).toBe("");
});

test("a node's drives are its own: a second process on them is refused", async () => {
  const folder = await givenFolder();
  const node = startProcess(["node", folder, "--port", "0"], { env });
  await node.ready();
  const second = await runProcess(["node", folder, "--port", "0"], { env });
  expect(second).toMatchObject({ code: 1, stdout: "" });
  expect(second.stderr).toMatch(/in use by another process/);
});
