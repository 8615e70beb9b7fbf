// What a data node answers on channels for reads to those who should not be heard, and how much of what is malformed it takes:
// rows S86, S88 and S89 of the attack list.

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { NodeHello } from "../../src/datanode/protocol.ts";
import { READ_BYTES_MAX } from "../../src/datanode/protocol.ts";
import { renderReadRequest, type WireRead } from "../../src/datanode/read-frames.ts";
import { makeNonce } from "../../src/datanode/rpc-auth.ts";
import { signReadRequest } from "../support/sign-read-request.ts";
import { givenShard } from "../contract/shard-store.ts";
import { givenNode, type RunningNode } from "../support/data-node.ts";
import { RawChannel, readsPath, renderUpgrade } from "../support/raw-channel.ts";
import { sendRaw } from "../support/raw-http.ts";
import { codeOf, hearHello, renderRpc } from "../support/signed-rpc.ts";

interface Lab {
  readonly node: RunningNode;
  readonly hello: NodeHello;
  readonly content: Buffer;
  readonly read: WireRead;
}

async function givenLab(): Promise<Lab> {
  const node = await givenNode();
  const hello = await hearHello(node.port);
  const content = randomBytes(50_000);
  const [drive] = node.drives;
  if (drive === undefined) throw new Error("a node has a drive");
  const name = await givenShard(drive, content);
  const read = { name, offset: 100, length: 1_000, aheadBytes: 0 };
  return { node, hello, content, read };
}

test("a read is answered with the bytes, and with those after them where more is likely to be wanted", async () => {
  const { node, hello, content, read } = await givenLab();
  const channel = await RawChannel.open(node.port, hello);
  channel.send(renderReadRequest(channel.keys.request, 0, read));
  expect(await channel.answer(0)).toEqual({ status: 200, body: content.subarray(100, 1_100) });
  channel.send(renderReadRequest(channel.keys.request, 1, { ...read, aheadBytes: 20_000 }));
  expect(await channel.answer(1)).toEqual({ status: 200, body: content.subarray(100, 21_100) });
  channel.send(renderReadRequest(channel.keys.request, 2, { ...read, length: 0 }));
  expect(await channel.answer(2)).toEqual({ status: 200, body: Buffer.alloc(0) });
});

test("S86 nobody who cannot prove the secret, for this node and this life of it, gets a channel", async () => {
  const { node, hello } = await givenLab();
  const path = readsPath(hello);
  const upgrade = { connection: "Upgrade", upgrade: "kintsugi-reads" };
  const stranger = { url: path, headers: { ...upgrade, authorization: undefined } };
  const askers: readonly [string, Buffer, number][] = [
    ["a stranger", renderRpc(hello, stranger), 401],
    ["of another node", renderUpgrade({ ...hello, nodeId: "another" }, path), 401],
    ["of another life", renderUpgrade({ ...hello, session: "0".repeat(32) }, path), 401],
    [
      "for a drive that is none",
      renderUpgrade(hello, path.replace(/drives\/[^/]+/, "drives/x")),
      503,
    ],
    ["for something else", renderUpgrade(hello, `${path}/more`), 400],
    ["for no path", renderUpgrade(hello, "/%2e%2e/"), 400],
    [
      "to another protocol",
      renderRpc(hello, { url: path, headers: { ...upgrade, upgrade: "h2c" } }),
      400,
    ],
    ["by another method", renderRpc(hello, { url: path, method: "POST", headers: upgrade }), 400],
  ];
  for (const [who, bytes, status] of askers) {
    const answer = await sendRaw(node.port, bytes, { untilClosed: true });
    expect([who, answer.status, answer.closed]).toEqual([who, status, true]);
  }
  const old = renderRpc(hello, {
    url: path,
    headers: { ...upgrade, "kintsugi-protocol": "kintsugi-node/1" },
  });
  expect(codeOf(await sendRaw(node.port, old))).toBe("UnknownProtocol");
  expect(await hearHello(node.port)).toEqual(hello);
});

test("S88 what was recorded on one channel is refused on another, and out of its turn", async () => {
  const { node, hello, read } = await givenLab();
  const nonce = makeNonce();
  const upgrade = renderUpgrade(hello, readsPath(hello), nonce);
  const first = await RawChannel.open(node.port, hello, { upgrade, nonce });
  const request = renderReadRequest(first.keys.request, 0, read);
  first.send(request);
  expect((await first.answer(0))?.status).toBe(200);
  // Once more on the same one, and on another; and nobody opens one by what he has heard.
  first.send(request);
  expect((await first.answer(1))?.status).toBe(401);
  await first.closed();
  const second = await RawChannel.open(node.port, hello);
  second.send(request);
  expect((await second.answer(0))?.status).toBe(401);
  await second.closed();
  expect((await sendRaw(node.port, upgrade)).status).toBe(401);
});

test("S88 no bit of a request can be turned", async () => {
  const { node, hello, read } = await givenLab();
  for (let at = 0; at < 48; at += 1) {
    const channel = await RawChannel.open(node.port, hello);
    const request = renderReadRequest(channel.keys.request, 0, read);
    request.writeUInt8(request.readUInt8(at) ^ (1 << (at % 8)), at);
    channel.send(request);
    expect([at, (await channel.answer(0))?.status]).toEqual([at, 401]);
    await channel.closed();
  }
});

test("S89 requests that are malformed, too large or ahead of their turn end the channel, and nothing else", async () => {
  const { node, hello, read } = await givenLab();
  const bad: readonly [string, (request: Buffer) => void][] = [
    ["too long", (request) => request.writeUInt32LE(READ_BYTES_MAX + 1, 4)],
    ["too far ahead", (request) => request.writeUInt32LE(0xffff_ffff, 16)],
    ["an index that no shard has", (request) => request.writeUInt16LE(255, 20)],
    ["something where nothing is", (request) => request.writeUInt16LE(1, 22)],
    ["an offset beyond all", (request) => request.writeUInt16LE(1, 14)],
  ];
  for (const [what, change] of bad) {
    const channel = await RawChannel.open(node.port, hello);
    const request = renderReadRequest(channel.keys.request, 0, read);
    change(request);
    signReadRequest(channel.keys.request, request);
    channel.send(request);
    expect([what, (await channel.answer(0))?.status]).toEqual([what, 400]);
    await channel.closed();
  }
  const impatient = await RawChannel.open(node.port, hello);
  const twice = [0, 1].map((sequence) => renderReadRequest(impatient.keys.request, sequence, read));
  impatient.send(Buffer.concat(twice));
  await impatient.closed();
  const noise = await RawChannel.open(node.port, hello);
  noise.send(randomBytes(48));
  expect((await noise.answer(0))?.status).toBe(401);
  await noise.closed();
  expect(await hearHello(node.port)).toEqual(hello);
});

test("errors of the drive are answers, and the channel goes on", async () => {
  const { node, hello, read, content } = await givenLab();
  const channel = await RawChannel.open(node.port, hello);
  const absent = { ...read, name: { ...read.name, index: 7 } };
  channel.send(renderReadRequest(channel.keys.request, 0, absent));
  expect((await channel.answer(0))?.status).toBe(404);
  channel.send(
    renderReadRequest(channel.keys.request, 1, { ...read, offset: content.length - 10 }),
  );
  expect((await channel.answer(1))?.status).toBe(422);
  channel.send(renderReadRequest(channel.keys.request, 2, read));
  expect((await channel.answer(2))?.status).toBe(200);
  // What is only likely to be wanted, and is not there, ends it.
  channel.send(renderReadRequest(channel.keys.request, 3, { ...read, aheadBytes: 100_000 }));
  expect(await channel.answer(3)).toBeUndefined();
  await channel.closed();
});
