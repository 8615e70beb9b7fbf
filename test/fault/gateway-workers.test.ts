// A gateway of several workers before data nodes, from outside: whichever of them a request comes to, the answer is the same; nodes go
// away and come back, are added and taken out, for all of them; and none answers once it is not certain that the drives are theirs.

import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { verify } from "../../src/cli/admin-commands.ts";
import { changeNodes, type NodeRequest } from "../../src/cli/node-command.ts";
import { commandScreen, type CommandScreen } from "../support/command-screen.ts";
import { NodeCluster, SECRET } from "../support/node-cluster.ts";
import { patterned } from "../support/s3-server.ts";
import { givenWorkers, KEYS, type SeveralWorkers } from "../support/several-workers.ts";
import { SteadyLoad } from "../support/steady-load.ts";
import { until } from "../support/until.ts";

const Bucket = "bucket";
const LONG = { timeout: 240_000 };
const LIMIT_MS = 60_000;
/** Inline, packed, and a set of its own. */
const SIZES = [100, 70_000, 2_000_000];

interface Lab {
  readonly cluster: NodeCluster;
  readonly gateway: SeveralWorkers;
  /** One of each worker, the lead's first. */
  readonly clients: readonly S3Client[];
}

async function givenLab(nodeCount: number): Promise<Lab> {
  const cluster = await NodeCluster.start(Array.from({ length: nodeCount }, () => ({})));
  const gateway = await givenWorkers({ nodes: { urls: cluster.urls, secret: SECRET } });
  return { cluster, gateway, clients: await clientsOf(gateway) };
}

function clientsOf(gateway: SeveralWorkers): Promise<readonly S3Client[]> {
  return Promise.all([gateway.lead, ...gateway.sides].map((pid) => gateway.clientAt(pid)));
}

async function isThere(client: S3Client, Key: string, content: Uint8Array): Promise<boolean> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []).equals(content);
}

/** Each worker writes some objects, and all read them. */
async function expectAllServe(clients: readonly S3Client[], name: string): Promise<void> {
  for (const [index, writer] of clients.entries()) {
    for (const sizeBytes of SIZES) {
      const [Key, Body] = [`${name}/${index}/${sizeBytes}`, patterned(sizeBytes)];
      await writer.send(new PutObjectCommand({ Bucket, Key, Body }));
      for (const reader of clients) expect(await isThere(reader, Key, Body)).toBe(true);
    }
  }
}

function screenOf({ adminUrl }: SeveralWorkers): CommandScreen {
  return commandScreen(adminUrl, KEYS);
}

async function node(gateway: SeveralWorkers, request: NodeRequest): Promise<void> {
  const { context, text } = screenOf(gateway);
  const code = await changeNodes(context, request, true).catch((error: unknown) => {
    throw new Error(`${text()}\n${gateway.server.output.slice(-3_000)}`, { cause: error });
  });
  expect(code, text()).toBe(0);
}

async function expectClean(gateway: SeveralWorkers): Promise<void> {
  const { context, text } = screenOf(gateway);
  expect(await verify(context, undefined), text()).toBe(0);
}

test("every worker writes and reads, with a node away, and after it is back", LONG, async () => {
  const { cluster, clients } = await givenLab(4);
  expect(clients).toHaveLength(2);
  await expectAllServe(clients, "all");
  await cluster.stopNode(1);
  await expectAllServe(clients, "without one");
  await cluster.startNode(1);
  await expectAllServe(clients, "with it again");
});

test(
  "a worker that is killed is followed by another, and nothing that it acknowledged is lost",
  LONG,
  async () => {
    const { gateway, clients } = await givenLab(4);
    const [side] = gateway.sides;
    const [lead, other] = clients;
    if (side === undefined || lead === undefined || other === undefined) throw new Error("two");
    const Body = patterned(70_000);
    for (let count = 0; count < 10; count += 1) {
      await other.send(new PutObjectCommand({ Bucket, Key: `kept/${count}`, Body }));
    }
    process.kill(side, "SIGKILL");
    for (let count = 0; count < 10; count += 1) {
      expect(await isThere(lead, `kept/${count}`, Body)).toBe(true);
    }
    await until(
      LIMIT_MS,
      "another side",
      () => gateway.sides.length === 1 && gateway.sides[0] !== side,
    );
    await expectAllServe(await clientsOf(gateway), "after");
    await expectClean(gateway);
  },
);

test("nodes are added and taken out while all workers serve", LONG, async () => {
  const { cluster, gateway, clients } = await givenLab(4);
  const load = new SteadyLoad(gateway.client(), Bucket);
  await load.fill();
  load.begin();
  const fifth = await cluster.addNode();
  await node(gateway, { verb: "add", urls: [fifth] });
  await node(gateway, { verb: "drain", node: cluster.url(1) });
  await load.end();
  expect(load.count).toBeGreaterThan(5);
  await node(gateway, { verb: "remove", node: cluster.url(1) });
  await cluster.stopNode(1);
  await expectAllServe(clients, "after");
  await load.expectAll();
  await expectClean(gateway);
  // The nodes are those of now for a worker that comes later, too.
  const [side = 0] = gateway.sides;
  process.kill(side, "SIGKILL");
  await until(
    LIMIT_MS,
    "another side",
    () => gateway.sides.length === 1 && gateway.sides[0] !== side,
  );
  await expectAllServe(await clientsOf(gateway), "later");
});

test(
  "a worker answers nothing once the lead can no longer say that the drives are theirs",
  LONG,
  async () => {
    const { gateway, clients } = await givenLab(3);
    const [, side] = clients;
    if (side === undefined) throw new Error("two workers");
    await expectAllServe(clients, "before");
    process.kill(gateway.lead, "SIGSTOP");
    // Of a stranger's request on a connection of its own: the lead's get no answer.
    const statusNow = async (): Promise<number> => {
      try {
        const signal = AbortSignal.timeout(500);
        return (await fetch(gateway.url, { headers: { connection: "close" }, signal })).status;
      } catch {
        return 0;
      }
    };
    await until(LIMIT_MS, "an answer", async () => (await statusNow()) === 403);
    // Before the supervisor has noticed that the lead hangs, which takes ten seconds.
    await until(9_000, "refusal", async () => (await statusNow()) === 503);
    // Then it replaces all of them.
    await until(LIMIT_MS, "answers again", async () => (await statusNow()) === 403);
    await gateway.sidesReady(1);
    expect(gateway.workers).toHaveLength(2);
  },
);
