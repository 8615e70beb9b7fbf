// Who answers at the address of a data node: one that comes late, comes back, is another one, has other drives, or is no
// node at all. The gateway's client learns once who it is, and says in words what does not fit.

import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { newDriveId } from "../../src/datanode/drive-identity.ts";
import {
  PROOF_HEADER,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  SALT_HEADER,
  renderHello,
  WRITES_PATH,
} from "../../src/datanode/protocol.ts";
import type { Answer } from "../../src/datanode/node-answer.ts";
import { renderAnswerHead, renderProvenAnswer } from "../../src/datanode/channel-frames.ts";
import {
  bodyDigest,
  deriveClusterKeys,
  deriveReadKeys,
  deriveWriteKeys,
  proveAnswer,
  type ChannelKeys,
} from "../../src/datanode/rpc-auth.ts";
import type { ShardStore } from "../../src/datanode/shard-store.ts";
import { SimDrive } from "../../src/disk/sim-drive.ts";
import { givenShard, newName, readShard, shardErrorOf } from "../contract/shard-store.ts";
import {
  CLUSTER_SECRET,
  driveOf,
  givenClient,
  givenLocalDrive,
  givenNode,
} from "../support/data-node.ts";

function nonceOf({ headers }: IncomingMessage): string {
  return /nonce=([0-9a-f]+)/.exec(headers.authorization ?? "")?.[1] ?? "";
}

type OnChannel = (socket: Duplex, keys: ChannelKeys) => void;

/** The drive of a node that proves who it is, and then says on channels what it likes. */
async function givenLiar(onChannel: OnChannel): Promise<ShardStore> {
  const node = { nodeId: "liar", session: "0".repeat(32), driveIds: [newDriveId()] };
  const keys = deriveClusterKeys(CLUSTER_SECRET);
  const onRequest: RequestListener = (request, response) => {
    const body = renderHello(node);
    const proven = { nonce: nonceOf(request), status: 200, body: bodyDigest(body) };
    response.setHeader(PROTOCOL_HEADER, PROTOCOL_VERSION);
    response.setHeader(PROOF_HEADER, proveAnswer(keys, proven));
    response.setHeader("content-length", body.length);
    response.end(body);
  };
  const port = await givenServer(onRequest, (request, socket) => {
    const nonce = nonceOf(request);
    const lines = [
      "HTTP/1.1 101 Switching Protocols",
      `${PROTOCOL_HEADER}: ${PROTOCOL_VERSION}`,
      `${PROOF_HEADER}: ${proveAnswer(keys, { nonce, status: 101, body: "salt" })}`,
      `${SALT_HEADER}: salt`,
    ];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    const isWrites = request.url === WRITES_PATH;
    const derive = isWrites ? deriveWriteKeys : deriveReadKeys;
    onChannel(socket, derive(keys, nonce, "salt"));
  });
  return driveOf(await givenClient(`http://127.0.0.1:${port}`));
}

test.each([9, 11, 0, 100_000])(
  "F51 an answer of %i bytes where 10 were asked for is none",
  async (sizeBytes) => {
    const drive = await givenLiar((socket) => {
      socket.on("data", () => {
        socket.write(
          Buffer.concat([
            renderAnswerHead(0, { status: 200, length: sizeBytes }),
            Buffer.alloc(sizeBytes),
          ]),
        );
      });
    });
    expect(await shardErrorOf(readShard(drive, newName(), 0, 10))).toBe("Unavailable");
    expect(await shardErrorOf(readShard(drive, newName(), 0, sizeBytes))).toBeUndefined();
  },
);

test.each<[string, Omit<Answer, "isLast">]>([
  ["no code that is known", { status: 404, body: Buffer.from('{"code":"Odd","message":""}') }],
  ["another status", { status: 409, body: Buffer.from('{"code":"NotFound","message":""}') }],
  ["no JSON", { status: 404, body: Buffer.from("what?") }],
  ["nothing", { status: 404, body: Buffer.alloc(0) }],
])("F51 an error with %s is one all the same, and the node is asked again", async (_what, said) => {
  const drive = await givenLiar((socket, keys) => {
    socket.on("data", () => socket.write(renderProvenAnswer(keys.answer, 0, said)));
  });
  expect(await shardErrorOf(readShard(drive, newName(), 0, 10))).toBe("Unavailable");
  expect(await shardErrorOf(readShard(drive, newName(), 0, 10))).toBe("Unavailable");
});

test("what a node says unasked ends the channel, and the next read has another", async () => {
  const sockets: Duplex[] = [];
  const drive = await givenLiar((socket) => {
    sockets.push(socket);
    socket.on("data", () => {
      socket.write(
        Buffer.concat([renderAnswerHead(0, { status: 200, length: 10 }), Buffer.alloc(10)]),
      );
    });
  });
  expect(await shardErrorOf(readShard(drive, newName(), 0, 10))).toBeUndefined();
  const [first] = sockets;
  if (first === undefined) throw new Error("there is a channel");
  const ended = once(first, "end");
  first.write(Buffer.alloc(24));
  await ended;
  expect(await shardErrorOf(readShard(drive, newName(), 0, 10))).toBeUndefined();
  expect(sockets).toHaveLength(2);
});

const done = { status: 200, body: Buffer.from("{}") };

/** Writes a shard that is a little larger than what fits on its way. */
async function writeShard(drive: ShardStore): Promise<void> {
  const writer = await drive.create(newName());
  try {
    await writer.append([Buffer.alloc(100_000)]);
    await writer.finish([Buffer.alloc(10)]);
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

test.each<[string, (keys: ChannelKeys) => Buffer]>([
  ["that is for another request", ({ answer }) => renderProvenAnswer(answer, 1, done)],
  ["that nobody has proven", ({ request }) => renderProvenAnswer(request, 0, done)],
  [
    "that is none",
    ({ answer }) => renderProvenAnswer(answer, 0, { ...done, body: Buffer.alloc(0) }),
  ],
  ["that is far too long", () => renderAnswerHead(0, { status: 200, length: 1e9 })],
])("F51 a success %s is none: the shard counts as not written", async (_what, answerOf) => {
  const drive = await givenLiar((socket, keys) => {
    socket.once("data", () => socket.write(answerOf(keys)));
  });
  expect(await shardErrorOf(writeShard(drive))).toBe("Unavailable");
});

test("F51 a success before the end of the body is none", async () => {
  const drive = await givenLiar((socket, { answer }) => {
    socket.once("data", () => socket.write(renderProvenAnswer(answer, 0, done)));
  });
  const writer = await drive.create(newName());
  await expect.poll(() => shardErrorOf(writer.append([Buffer.alloc(1)]))).toBe("Unavailable");
  expect(await shardErrorOf(writer.finish([]))).toBe("Unavailable");
  await writer.abort();
});

test("writes go on on the same channel, and after a refusal on another", async () => {
  let channelCount = 0;
  const answers = [
    done,
    done,
    { status: 507, body: Buffer.from('{"code":"Full","message":"no room"}') },
  ];
  const drive = await givenLiar((socket, keys) => {
    channelCount += 1;
    let [sequence, receivedBytes] = [0, 0];
    socket.on("data", (bytes: Buffer) => {
      receivedBytes += bytes.length;
      // All of the body, its end and more than a head.
      if (receivedBytes < 100_010 + 33) return;
      receivedBytes = 0;
      const said = answers.shift() ?? done;
      setImmediate(() => socket.write(renderProvenAnswer(keys.answer, sequence++, said)));
    });
  });
  expect(await shardErrorOf(writeShard(drive))).toBeUndefined();
  expect(await shardErrorOf(writeShard(drive))).toBeUndefined();
  expect(channelCount).toBe(1);
  expect(await shardErrorOf(writeShard(drive))).toBe("Full");
  expect(await shardErrorOf(writeShard(drive))).toBeUndefined();
  expect(channelCount).toBe(2);
});

type UpgradeListener = (request: IncomingMessage, socket: Duplex) => void;

async function givenServer(
  listener: RequestListener,
  onUpgrade: UpgradeListener = (_request, socket) => socket.destroy(),
): Promise<number> {
  const server = createServer((request, response) => {
    request.resume();
    listener(request, response);
  });
  const upgraded = new Set<Duplex>();
  server.on("upgrade", (request, socket) => {
    upgraded.add(socket);
    socket.on("error", () => undefined);
    onUpgrade(request, socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve());
  });
  onTestFinished(() => {
    server.closeAllConnections();
    for (const socket of upgraded) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

test.each<[string, RequestListener]>([
  ["agrees to everything", (_request, response) => response.writeHead(200).end("{}")],
  ["is not found", (_request, response) => response.writeHead(404).end("no")],
  [
    "sends the right words without a proof",
    (_request, response) => {
      response.setHeader(PROTOCOL_HEADER, PROTOCOL_VERSION);
      response.end(JSON.stringify({ nodeId: "x", session: "0".repeat(32), driveIds: ["d"] }));
    },
  ],
  [
    "speaks a newer protocol",
    (_request, response) => {
      response.setHeader(PROTOCOL_HEADER, "kintsugi-node/5");
      response.end("{}");
    },
  ],
])("F60 a server that %s is no node", async (_what, listener) => {
  const port = await givenServer(listener);
  const expected = { nodeId: "x", driveIds: [newDriveId()] };
  const client = await givenClient(`http://127.0.0.1:${port}`, { expected });
  expect(client.problem).toMatch(/no data node|does not prove|protocol kintsugi-node\/5/);
  expect(await shardErrorOf(driveOf(client).space())).toBe("Unavailable");
});

test("a gateway with another secret is told so, and no drive is touched", async () => {
  const node = await givenNode();
  const client = await givenClient(node.url, { secret: "some other secret, long enough too" });
  expect(client.drives).toEqual([]);
  expect(client.problem).toContain("cluster secret is missing or wrong");
});

test("a gateway whose clock is off is told so", async () => {
  const node = await givenNode();
  const now = Date.now() + 3_600_000;
  const clock = { now: () => now, monotonic: () => 0, translate: (dateMs: number) => dateMs };
  const client = await givenClient(node.url, { clock });
  expect(client.problem).toContain("compare the clocks");
});

test("a node that is away at first is found when it comes", async () => {
  const first = await givenNode();
  const { port, nodeId, drives, url } = first;
  await first.server.close(0);
  const client = await givenClient(url);
  expect([client.drives, client.known]).toEqual([[], undefined]);
  expect(client.problem).toBeDefined();
  let heardOf: readonly ShardStore[] = [];
  client.onDrives((found) => {
    heardOf = found;
  });
  await givenNode({ port, nodeId, drives });
  const found = await client.ready();
  expect(found.map((drive) => drive.driveId)).toEqual(drives.map((drive) => drive.driveId));
  expect(heardOf).toBe(found);
  await givenShard(driveOf(client), Buffer.from("hello"));
});

test("a node that is expected has its drives from the start, Unavailable until it is there", async () => {
  const first = await givenNode();
  const { port, nodeId, drives, url } = first;
  await first.server.close(0);
  const driveIds = drives.map((drive) => drive.driveId);
  const client = await givenClient(url, { expected: { nodeId, driveIds } });
  expect(client.drives.map((drive) => drive.driveId)).toEqual(driveIds);
  expect(await shardErrorOf(driveOf(client).space())).toBe("Unavailable");
  await givenNode({ port, nodeId, drives });
  await client.ready();
  await givenShard(driveOf(client), Buffer.from("hello"));
});

test("a node that restarts while nothing is asked of it is no failure", async () => {
  const drives = [await givenLocalDrive(new SimDrive({ seed: 1 }))];
  const first = await givenNode({ drives });
  const { port, nodeId, url } = first;
  const client = await givenClient(url);
  const name = await givenShard(driveOf(client), Buffer.from("stays"));
  await first.server.close(0);
  await givenNode({ port, nodeId, drives });
  // Whether the client has seen the end of its connection, only the event loop knows.
  await expect
    .poll(() =>
      driveOf(client)
        .size(name)
        .catch(() => 0),
    )
    .toBe(5);
  await givenShard(driveOf(client), Buffer.from("and goes on"));
});

test("another node at the address of a known one is refused with words", async () => {
  const first = await givenNode();
  const client = await givenClient(first.url);
  await first.server.close(0);
  const other = await givenNode({ port: first.port });
  await shardErrorOf(driveOf(client).space());
  await expect.poll(() => client.problem).toContain(`${first.nodeId} belongs here`);
  expect(await shardErrorOf(givenShard(driveOf(client), Buffer.from("x")))).toBe("Unavailable");
  expect(await other.drives[0]?.list(0x7f)).toEqual([]);
});

test("a drive that a known node no longer has is Unavailable, and a new one is not used", async () => {
  const first = await givenNode();
  const { port, nodeId, url } = first;
  const client = await givenClient(url);
  await first.server.close(0);
  await givenNode({ port, nodeId });
  await client.ready();
  await expect.poll(() => shardErrorOf(driveOf(client).space())).toBe("Unavailable");
  await client.ready();
  await expect(driveOf(client).space()).rejects.toThrow(/no longer has the drive/);
  expect(client.drives).toHaveLength(1);
});
