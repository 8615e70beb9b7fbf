// What a data node answers on channels for writes to those who should not be heard, and to what is malformed, cut off or out of its
// turn: rows S86, S88 and S89 of the attack list. After each attack the node lives, and holds no shard that it did not hold before.

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { WRITES_PATH, type NodeHello } from "../../src/datanode/protocol.ts";
import { makeNonce, type WriteChannelKeys } from "../../src/datanode/rpc-auth.ts";
import { FRAME_BYTES_MAX, PING_FRAME, type BodyKey } from "../../src/datanode/shard-body.ts";
import { WRITE_UPGRADE } from "../../src/datanode/write-frames.ts";
import type { ShardName } from "../../src/datanode/shard-store.ts";
import { writeShortMac } from "../../src/util/short-mac.ts";
import { newName, readShard } from "../contract/shard-store.ts";
import { givenLocalDrive, givenNode, type RunningNode } from "../support/data-node.ts";
import { holdDrive } from "../support/held-drive.ts";
import { RawChannel, renderUpgrade } from "../support/raw-channel.ts";
import { sendRaw } from "../support/raw-http.ts";
import {
  channelAnswer,
  renderFrame,
  renderHead,
  renderShardBody,
  sendWrite,
} from "../support/raw-write.ts";
import { codeOf, hearHello, renderRpc } from "../support/signed-rpc.ts";

interface Lab {
  readonly node: RunningNode;
  readonly hello: NodeHello;
  readonly drivePath: string;
  readonly name: ShardName;
  readonly url: string;
  readonly expectUnharmed: () => Promise<void>;
}

async function givenLab(node?: RunningNode): Promise<Lab> {
  const target = node ?? (await givenNode());
  const hello = await hearHello(target.port);
  const drivePath = `/_kintsugi/node/drives/${hello.driveIds[0]}`;
  const name = newName();
  return {
    node: target,
    name,
    hello,
    drivePath,
    url: `${drivePath}/shards/${name.setId}.${name.index}`,
    expectUnharmed: async () => {
      expect(await hearHello(target.port)).toEqual(hello);
      await expect.poll(() => target.drives[0]?.list(0x7f)).toEqual([]);
    },
  };
}

const keyOf = (keys: WriteChannelKeys, sequence: number): BodyKey => {
  return { mac: keys.bodyEnd, sequence };
};

test("shards are stored one after the other on one channel, in whatever pieces they come", async () => {
  const { node, hello, drivePath } = await givenLab();
  const channel = await RawChannel.openWrites(node.port, hello);
  for (const [sequence, sizeBytes] of [0, 1, 1_000, 300_000].entries()) {
    const name = newName();
    const url = `${drivePath}/shards/${name.setId}.${name.index}`;
    const data = randomBytes(sizeBytes);
    const body = renderShardBody(keyOf(channel.keys, sequence), data);
    const bytes = Buffer.concat([renderHead(channel.keys, sequence, { url }), PING_FRAME, body]);
    const cut = sequence === 2 ? 5 : Math.floor(bytes.length / 2);
    channel.send(bytes.subarray(0, cut));
    await hearHello(node.port);
    channel.send(bytes.subarray(cut));
    expect(await channelAnswer(channel, sequence)).toEqual({ status: 200, code: undefined });
    const [drive] = node.drives;
    if (drive === undefined) throw new Error("a node has a drive");
    expect(data.equals(await readShard(drive, name, 0, sizeBytes))).toBe(true);
  }
});

function renderWritesUpgrade(
  who: Pick<NodeHello, "nodeId" | "session">,
  path = WRITES_PATH,
): Buffer {
  return renderUpgrade(who, path, makeNonce(), WRITE_UPGRADE);
}

function someBody(key: BodyKey): Buffer {
  return renderShardBody(key, Buffer.from("bytes"));
}

test("S86 nobody who cannot prove the secret, for this node and this life of it, gets a channel", async () => {
  const { node, hello } = await givenLab();
  const upgrade = { connection: "Upgrade", upgrade: WRITE_UPGRADE };
  const stranger = { url: WRITES_PATH, headers: { ...upgrade, authorization: undefined } };
  const askers: readonly [string, Buffer, number][] = [
    ["a stranger", renderRpc(hello, stranger), 401],
    ["of another node", renderWritesUpgrade({ ...hello, nodeId: "another" }), 401],
    ["of another life", renderWritesUpgrade({ ...hello, session: "0".repeat(32) }), 401],
    ["for something else", renderWritesUpgrade(hello, `${WRITES_PATH}/more`), 400],
    ["to the protocol for reads", renderUpgrade(hello, WRITES_PATH), 400],
    ["by a POST", renderRpc(hello, { url: WRITES_PATH, method: "POST", headers: upgrade }), 400],
  ];
  for (const [who, bytes, status] of askers) {
    const answer = await sendRaw(node.port, bytes, { untilClosed: true });
    expect([who, answer.status, answer.closed]).toEqual([who, status, true]);
  }
  const old = { url: WRITES_PATH, headers: { ...upgrade, "kintsugi-protocol": "kintsugi-node/2" } };
  expect(codeOf(await sendRaw(node.port, renderRpc(hello, old)))).toBe("UnknownProtocol");
});

test("S88 F55 what was recorded on one channel is refused on another, and out of its turn", async () => {
  const { node, hello, name, url, expectUnharmed } = await givenLab();
  const nonce = makeNonce();
  const upgrade = renderUpgrade(hello, WRITES_PATH, nonce, WRITE_UPGRADE);
  const first = await RawChannel.openWrites(node.port, hello, { upgrade, nonce });
  const body = renderShardBody(keyOf(first.keys, 0), Buffer.from("once"));
  const write = Buffer.concat([renderHead(first.keys, 0, { url }), body]);
  first.send(write);
  expect((await channelAnswer(first, 0)).status).toBe(200);
  await node.drives[0]?.delete(name);
  // Once more on the same one, and on another; and nobody opens one by what he has heard.
  first.send(write);
  expect((await channelAnswer(first, 1)).code).toBe("Denied");
  await first.closed();
  const second = await RawChannel.openWrites(node.port, hello);
  second.send(write);
  expect((await channelAnswer(second, 0)).code).toBe("Denied");
  await second.closed();
  expect((await sendRaw(node.port, upgrade)).status).toBe(401);
  await expectUnharmed();
});

test("S88 no bit of a head, nor of the end of a body, can be turned", async () => {
  const { node, hello, url, expectUnharmed } = await givenLab();
  const data = Buffer.from("what is written");
  const headBytes = renderHead((await RawChannel.openWrites(node.port, hello)).keys, 0, { url });
  const places = [...headBytes.keys()];
  const endAt = headBytes.length + 4 + data.length;
  for (let at = endAt; at < endAt + 25; at += 1) places.push(at);
  for (const at of places) {
    const channel = await RawChannel.openWrites(node.port, hello);
    const body = renderShardBody(keyOf(channel.keys, 0), data);
    const bytes = Buffer.concat([renderHead(channel.keys, 0, { url }), body]);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
    channel.send(bytes);
    // A length that says that there is more to come has the node wait.
    channel.end();
    expect([at, (await channelAnswer(channel, 0)).status]).not.toEqual([at, 200]);
  }
  await expectUnharmed();
});

test("S89 heads that name nothing, or not in this way, are 400 even when they are signed", async () => {
  const { node, hello, name, drivePath, url, expectUnharmed } = await givenLab();
  const set = name.setId;
  const urls = [
    `${drivePath}/shards/../../../etc/passwd`,
    `${drivePath}/shards/..`,
    `${drivePath}/shards//etc/passwd`,
    `${drivePath}/shards/%2e%2e%2fetc%2fpasswd`,
    `${drivePath}/shards/${set}`,
    `${drivePath}/shards/${set}.255`,
    `${drivePath}/shards/${set}.00`,
    `${drivePath}/shards/${set.toUpperCase()}.0`,
    `${drivePath}/shards/${set}0.0`,
    `${drivePath}/shards/`,
    `${drivePath}/packs/${set}.0`,
    `${drivePath}/packs/${set}.0?offset=-1&then=keep`,
    `${drivePath}/packs/${set}.0?offset=0&then=go`,
    `${drivePath}/space`,
    `${drivePath}/reads`,
    "/_kintsugi/node/hello",
    "/",
    "*",
    `${url}/size`,
    url.replace(/drives\/[^/]+/, "drives/__proto__"),
    `x${url}`,
    `/${url}`,
    `${url}?${"a".repeat(490)}`,
  ];
  const makeBody = someBody;
  for (const each of urls) {
    const { status } = await sendWrite(node.port, hello, { url: each, makeBody });
    expect([each, status]).toEqual([each, 400]);
  }
  const elsewhere = url.replace(/drives\/[^/]+/, "drives/other");
  expect((await sendWrite(node.port, hello, { url: elsewhere, makeBody })).code).toBe(
    "Unavailable",
  );
  const owned = { url, makeBody, owner: "somebody" };
  expect((await sendWrite(node.port, hello, owned)).status).toBe(400);
  expect((await sendWrite(node.port, hello, { url, makeBody, method: "POST" })).status).toBe(400);
  await expectUnharmed();
});

test("S89 heads that are no text of ours end the channel", async () => {
  const { node, hello, url, expectUnharmed } = await givenLab();
  const texts = ["", "PUT", `PUT ${url}`, `GET ${url} UNSIGNED`, `PUT ${url} UNSIGNED a b`, "\0"];
  for (const text of texts) {
    const channel = await RawChannel.openWrites(node.port, hello);
    const frame = Buffer.alloc(16 + text.length);
    frame.writeUInt16LE(text.length, 4);
    frame.write(text, 8);
    const macAt = 8 + text.length;
    const place = { target: frame, offset: macAt };
    writeShortMac(channel.keys.request, frame.subarray(0, macAt), place);
    channel.send(frame);
    expect([text, (await channelAnswer(channel, 0)).status]).toEqual([text, 400]);
    await channel.closed();
  }
  for (const noise of [
    randomBytes(48),
    Buffer.alloc(2_000, 0xff),
    Buffer.from("PUT / HTTP/1.1\r\n"),
  ]) {
    const channel = await RawChannel.openWrites(node.port, hello);
    channel.send(noise);
    expect((await channelAnswer(channel, 0)).code).toBe("Denied");
    await channel.closed();
  }
  await expectUnharmed();
});

function frameHeader(dataBytes: number): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32LE(dataBytes);
  return header;
}

test("S89 malformed, oversized and cut-off bodies store nothing", async () => {
  const { node, hello, url, expectUnharmed } = await givenLab();
  const data = randomBytes(1_000);
  const malformed: Readonly<Record<string, (key: BodyKey) => Buffer>> = {
    "a frame too large": () => Buffer.concat([frameHeader(FRAME_BYTES_MAX + 1), data]),
    "a frame far too large": () => frameHeader(0xffff_fffe),
    "bytes after the end": (key) => Buffer.concat([renderShardBody(key, data), frameHeader(0)]),
    "an end of another request": (key) => renderShardBody({ ...key, sequence: 1 }, data),
    "fewer bytes than its end says": (key) => renderShardBody(key, data, { dataBytes: 1_001 }),
    "more bytes than its end says": (key) => renderShardBody(key, data, { dataBytes: 999 }),
    "another checksum": (key) => renderShardBody(key, data, { checksum: 1 }),
    noise: () => Buffer.alloc(5_000, 0xee),
  };
  for (const [what, makeBody] of Object.entries(malformed)) {
    const { status } = await sendWrite(node.port, hello, { url, makeBody });
    expect([what, status]).toEqual([what, 400]);
    await expectUnharmed();
  }
  const cutOff: Readonly<Record<string, (key: BodyKey) => Buffer>> = {
    nothing: () => Buffer.alloc(0),
    "no end": () => renderFrame(data),
    "half a header": () => Buffer.from([1, 0]),
    "half a frame": () => renderFrame(data).subarray(0, 500),
    "half an end": (key) => renderShardBody(key, data).subarray(0, -1),
  };
  for (const [what, makeBody] of Object.entries(cutOff)) {
    const answer = await sendWrite(node.port, hello, { url, makeBody }, { isLast: true });
    expect([what, answer.status]).toEqual([what, undefined]);
    await expectUnharmed();
  }
});

test("any number of signs of life is no shard, and no memory", async () => {
  const { node, hello, name, url, expectUnharmed } = await givenLab();
  const pings = Buffer.alloc(30_000_000);
  for (const [path, sizeBytes] of [
    [url, 0],
    [url.replace("shards", "packs") + "?offset=0&then=seal", 1],
  ] as const) {
    const makeBody = (key: BodyKey): Buffer => {
      return Buffer.concat([pings, renderShardBody(key, Buffer.alloc(sizeBytes))]);
    };
    const answer = await sendWrite(node.port, hello, { url: path, makeBody });
    expect([path, answer]).toEqual([path, { status: 200, code: undefined }]);
    await node.drives[0]?.delete(name);
  }
  await expectUnharmed();
});

test("a refused body is read on for a while, so that its sender gets to read the refusal", async () => {
  const { node, hello, drivePath, expectUnharmed } = await givenLab();
  const channel = await RawChannel.openWrites(node.port, hello);
  const url = `${drivePath}/shards/none`;
  channel.send(renderHead(channel.keys, 0, { url }));
  for (let count = 0; count < 50; count += 1) channel.send(renderFrame(randomBytes(500_000)));
  expect((await channelAnswer(channel, 0)).status).toBe(400);
  await channel.closed();
  await expectUnharmed();
});

test("a sender that goes on before it has its answer is cut off, and what it wrote is taken back", async () => {
  const held = holdDrive(await givenLocalDrive(), "finish");
  const { node, hello, url, expectUnharmed } = await givenLab(
    await givenNode({ drives: [held.drive] }),
  );
  const channel = await RawChannel.openWrites(node.port, hello);
  const body = renderShardBody(keyOf(channel.keys, 0), Buffer.from("bytes"));
  channel.send(Buffer.concat([renderHead(channel.keys, 0, { url }), body]));
  await held.reached;
  channel.send(renderHead(channel.keys, 1, { url }));
  await channel.closed();
  held.letGo();
  await held.isOver;
  await expectUnharmed();
  expect(await held.drive.list(0x7f)).toEqual([]);
});

test("a node that closes answers what is under way first", async () => {
  const held = holdDrive(await givenLocalDrive(), "finish");
  const { node, hello, url } = await givenLab(await givenNode({ drives: [held.drive] }));
  const idle = await RawChannel.openWrites(node.port, hello);
  const channel = await RawChannel.openWrites(node.port, hello);
  const body = renderShardBody(keyOf(channel.keys, 0), Buffer.from("bytes"));
  channel.send(Buffer.concat([renderHead(channel.keys, 0, { url }), body]));
  await held.reached;
  const closed = node.server.close(10_000);
  await idle.closed();
  held.letGo();
  expect((await channelAnswer(channel, 0)).status).toBe(200);
  await channel.closed();
  await closed;
});
