// What a data node answers to those who should not change a drive's journal, or no longer its shards: rows S86, S88 and
// S89 of the attack list for the routes of members, and the fence. After each attack the journal is what it was.

import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { RECORDS_BYTES_MAX } from "../../src/datanode/journal-messages.ts";
import { bodyDigest } from "../../src/datanode/rpc-auth.ts";
import type { BodyKey } from "../../src/datanode/shard-body.ts";
import type { NodeHello } from "../../src/datanode/protocol.ts";
import { renderOwner } from "../../src/datanode/owner-header.ts";
import {
  CHAIN_START,
  type Authority,
  type JournalMember,
} from "../../src/journal/journal-member.ts";
import { encodeRecord } from "../../src/journal/journal-record.ts";
import { givenMemberNode } from "../support/member-node.ts";
import type { RunningNode } from "../support/data-node.ts";
import { exchange, sendRaw, type RawAnswer } from "../support/raw-http.ts";
import { newName } from "../contract/shard-store.ts";
import { RawChannel } from "../support/raw-channel.ts";
import {
  channelAnswer,
  renderFrame,
  renderHead,
  renderShardBody,
  sendWrite,
  type RawWrite,
  type WriteAnswer,
} from "../support/raw-write.ts";
import { codeOf, hearHello, renderRpc, type RpcRequest } from "../support/signed-rpc.ts";

const SET = `${"0".repeat(30)}7f`;
const ours: Authority = { epoch: 3, owner: "0123456789abcdef" };
const others: Authority = { epoch: 2, owner: "fedcba9876543210" };
const later: Authority = { epoch: 4, owner: "fedcba9876543210" };

interface Lab {
  readonly node: RunningNode;
  readonly member: JournalMember;
  readonly hello: NodeHello;
  readonly drivePath: string;
  readonly send: (request: RpcRequest, owner?: Authority | string) => Promise<RawAnswer>;
  readonly write: (write: RawWrite, owner?: Authority) => Promise<WriteAnswer>;
  readonly post: (
    route: string,
    body: Buffer | string,
    owner?: Authority | string,
  ) => Promise<RawAnswer>;
}

async function givenLab(): Promise<Lab> {
  const { node, member } = await givenMemberNode();
  const hello = await hearHello(node.port);
  const drivePath = `/_kintsugi/node/drives/${hello.driveIds[0]}`;
  const send = (request: RpcRequest, owner?: Authority | string): Promise<RawAnswer> => {
    const text = typeof owner === "object" ? renderOwner(owner) : owner;
    const headers = { ...request.headers, "kintsugi-owner": text };
    const signed = { owner: text, ...request.signed };
    return sendRaw(node.port, renderRpc(hello, { ...request, headers, signed }));
  };
  const post = (route: string, content: Buffer | string, owner?: Authority | string) => {
    const body = Buffer.from(content);
    return send({ method: "POST", url: `${drivePath}/journal/${route}`, body }, owner);
  };
  const write = (request: RawWrite, owner?: Authority): Promise<WriteAnswer> => {
    const text = owner === undefined ? undefined : renderOwner(owner);
    return sendWrite(node.port, hello, { ...request, owner: text }, { isLast: true });
  };
  return { node, member, hello, drivePath, send, write, post };
}

function firstRecord({ epoch }: Authority): Uint8Array {
  const payload = [Buffer.from("{}")];
  const previousDigest = CHAIN_START.digest;
  return encodeRecord({ sequence: 1, epoch, kind: 1, previousDigest, payload }).bytes;
}

function framed(...records: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    records.flatMap((record) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(record.length);
      return [length, record];
    }),
  );
}

const beginning = JSON.stringify({ position: CHAIN_START, clusterId: "cluster" });

async function unreadable(): Promise<never> {
  throw new Error("it is damaged");
}

/** A journal with one record, promised to us. */
async function begin({ post }: Lab): Promise<void> {
  expect((await post("promise", "", ours)).status).toBe(200);
  expect((await post("truncate", beginning, ours)).status).toBe(200);
  expect((await post("records", framed(firstRecord(ours)), ours)).status).toBe(200);
}

test("S88 the owner is part of what is signed, and must be well-formed", async () => {
  const lab = await givenLab();
  const url = `${lab.drivePath}/journal/promise`;
  const owner = renderOwner(ours);
  const forged: readonly RpcRequest[] = [
    { method: "POST", url, headers: { "kintsugi-owner": owner } },
    { method: "POST", url, headers: { "kintsugi-owner": owner }, signed: { owner: "4-0" } },
    { method: "POST", url, signed: { owner } },
  ];
  for (const request of forged) {
    const answer = await sendRaw(lab.node.port, renderRpc(lab.hello, request));
    expect([request, answer.status, codeOf(answer)]).toEqual([request, 401, "Denied"]);
  }
  const malformed = [
    "",
    "3",
    "3-",
    "-0123456789abcdef",
    "-1-0123456789abcdef",
    "3-0123456789ABCDEF",
  ];
  const more = ["03-0123456789abcdef", `3-${"0".repeat(17)}`, `${"9".repeat(16)}-0123456789abcdef`];
  for (const text of [...malformed, ...more]) {
    expect([text, (await lab.post("promise", "", text)).status]).toEqual([text, 400]);
  }
  for (const route of ["promise", "records", "truncate", "cut"]) {
    expect([route, (await lab.post(route, "x")).status]).toEqual([route, 400]);
  }
  expect((await lab.member.inspect()).promised).toBeUndefined();
});

test("S88 an append that is delivered twice is made once, and with another body it is refused", async () => {
  const lab = await givenLab();
  await begin(lab);
  const url = `${lab.drivePath}/journal/cut`;
  const owner = renderOwner(ours);
  const body = Buffer.from('{"sequence":1}');
  const headers = { "kintsugi-owner": owner };
  const once = renderRpc(lab.hello, { method: "POST", url, body, headers, signed: { owner } });
  expect((await sendRaw(lab.node.port, once)).status).toBe(200);
  expect((await sendRaw(lab.node.port, once)).status).toBe(401);
  const changed = { owner, body: bodyDigest(Buffer.from("{}")) };
  const request = { method: "POST", url, body, headers, signed: changed };
  expect((await sendRaw(lab.node.port, renderRpc(lab.hello, request))).status).toBe(401);
});

test("S89 bodies and queries that make no sense are 400 and change nothing", async () => {
  const lab = await givenLab();
  await begin(lab);
  const before = await lab.member.inspect();
  const digest = "0".repeat(64);
  const bodies: readonly (readonly [string, Buffer | string])[] = [
    ["records", ""],
    ["records", "x"],
    ["records", Buffer.alloc(4)],
    ["records", Buffer.concat([framed(firstRecord(ours)), Buffer.from([1])])],
    ["records", framed(firstRecord(ours)).subarray(0, -1)],
    ["records", Buffer.alloc(8, 0xff)],
    ["truncate", ""],
    ["truncate", "{}"],
    ["truncate", JSON.stringify({ position: CHAIN_START, clusterId: "" })],
    ["truncate", JSON.stringify({ position: CHAIN_START, clusterId: "c".repeat(201) })],
    ["truncate", JSON.stringify({ position: { ...CHAIN_START, sequence: -1 }, clusterId: "c" })],
    ["truncate", JSON.stringify({ position: { ...CHAIN_START, digest: "0" }, clusterId: "c" })],
    ["truncate", JSON.stringify({ position: { digest }, clusterId: "c" })],
    ["truncate", `{"__proto__":{"position":1},"clusterId":"c"}`],
    ["cut", "[]"],
    ["cut", '{"sequence":-1}'],
    ["cut", '{"sequence":1e300}'],
    ["cut", Buffer.from([0xff, 0xfe])],
    ["cut", `{"sequence":${"1".repeat(70_000)}}`],
  ];
  for (const [route, body] of bodies) {
    const answer = await lab.post(route, body, ours);
    expect([route, body.toString().slice(0, 80), answer.status]).toEqual([
      route,
      body.toString().slice(0, 80),
      400,
    ]);
  }
  const queries = ["", "?sequence=1", "?bytes=1", "?sequence=-1&bytes=1", "?sequence=1&bytes=1e3"];
  const more = ["?bytes=1&sequence=1", `?sequence=1&bytes=${RECORDS_BYTES_MAX + 1}`];
  for (const query of [...queries, ...more, `?sequence=${"9".repeat(16)}&bytes=1`]) {
    const answer = await lab.send({ url: `${lab.drivePath}/journal/records${query}` });
    expect([query, answer.status]).toEqual([query, 400]);
  }
  for (const query of ["", `?sequence=1&epoch=1&digest=${digest}&size=1&file=x`, "?size=1"]) {
    const url = `${lab.drivePath}/journal/snapshot${query}`;
    expect([query, (await lab.send({ url }, ours)).status]).toEqual([query, 400]);
    expect([query, (await lab.write({ url, makeBody: someBody }, ours)).status]).toEqual([
      query,
      400,
    ]);
  }
  expect(await lab.member.inspect()).toEqual(before);
});

test("S89 records that are none, or that do not follow, are refused by the journal", async () => {
  const lab = await givenLab();
  await begin(lab);
  const before = await lab.member.inspect();
  for (const record of [randomBytes(100), Buffer.alloc(100), firstRecord(ours)]) {
    const answer = await lab.post("records", framed(record), ours);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(["Corrupt", "Gap"]).toContain(codeOf(answer));
  }
  expect((await lab.member.inspect()).head).toEqual(before.head);
});

test("S89 a body larger than any append is refused before it is read", async () => {
  const lab = await givenLab();
  const owner = renderOwner(ours);
  const head = renderRpc(lab.hello, {
    method: "POST",
    url: `${lab.drivePath}/journal/records`,
    headers: { "kintsugi-owner": owner, "content-length": String(RECORDS_BYTES_MAX + 1) },
    signed: { owner },
  });
  const answer = await exchange(lab.node.port, (socket) => socket.write(head));
  expect(answer.status).toBe(400);
});

test("S89 a snapshot that is cut off, changed or too long leaves nothing", async () => {
  const lab = await givenLab();
  await begin(lab);
  const data = randomBytes(10_000);
  const url = await snapshotUrl(lab, data);
  const changed = Buffer.from(data);
  changed[5_000] = (changed[5_000] ?? 0) ^ 1;
  const bodies: Readonly<Record<string, (key: BodyKey) => Buffer>> = {
    "no end": () => renderFrame(data),
    "an abort": (key) => renderShardBody(key, data, { kind: "abort" }),
    "other bytes": (key) => renderShardBody(key, changed),
    "fewer bytes": (key) => renderShardBody(key, data.subarray(1)),
    "more bytes": (key) => renderShardBody(key, Buffer.concat([data, data])),
    "an end of another request": (key) => renderShardBody({ ...key, sequence: 1 }, data),
  };
  for (const [what, makeBody] of Object.entries(bodies)) {
    const { status } = await lab.write({ url, makeBody }, ours);
    expect([what, status]).not.toEqual([what, 200]);
    expect((await lab.member.inspect()).snapshot).toBeUndefined();
  }
  const makeBody = (key: BodyKey): Buffer => renderShardBody(key, data);
  expect((await lab.write({ url, makeBody }, others)).code).toBe("Fenced");
  expect((await lab.member.inspect()).snapshot).toBeUndefined();
  expect((await lab.write({ url, makeBody }, ours)).status).toBe(200);
});

test("a snapshot that is there already is taken to its end, and the channel goes on", async () => {
  const lab = await givenLab();
  await begin(lab);
  const data = randomBytes(1_000_000);
  const url = await snapshotUrl(lab, data);
  const channel = await RawChannel.openWrites(lab.node.port, lab.hello);
  for (const sequence of [0, 1, 2]) {
    const key = { mac: channel.keys.bodyEnd, sequence };
    const head = renderHead(channel.keys, sequence, { url, owner: renderOwner(ours) });
    channel.send(Buffer.concat([head, renderShardBody(key, data)]));
    expect(await channelAnswer(channel, sequence)).toEqual({ status: 200, code: undefined });
  }
});

test("records are taken however many shards are being written", async () => {
  const lab = await givenLab();
  expect((await lab.post("promise", "", ours)).status).toBe(200);
  expect((await lab.post("truncate", beginning, ours)).status).toBe(200);
  const owner = renderOwner(ours);
  for (let count = 0; count < 1_024; count += 1) {
    const { setId, index } = newName();
    const url = `${lab.drivePath}/shards/${setId}.${index}`;
    const channel = await RawChannel.openWrites(lab.node.port, lab.hello);
    channel.send(renderHead(channel.keys, 0, { url, owner }));
  }
  const makeBody = (key: BodyKey): Buffer => renderShardBody(key, framed(firstRecord(ours)));
  const oneMore = { url: `${lab.drivePath}/shards/${SET}.0`, makeBody };
  await expect.poll(async () => (await lab.write(oneMore, ours)).code).toBe("Unavailable");
  const body = bodyDigest(framed(firstRecord(ours)));
  const append = {
    method: "POST",
    url: `${lab.drivePath}/journal/records`,
    makeBody,
    body,
  } as const;
  expect((await lab.write(append, ours)).status).toBe(200);
});

async function snapshotUrl(lab: Lab, data: Buffer): Promise<string> {
  const file = createHash("sha256").update(data).digest("hex");
  const { head } = await lab.member.inspect();
  const place = `sequence=${head.sequence}&epoch=${head.epoch}&digest=${head.digest}`;
  return `${lab.drivePath}/journal/snapshot?${place}&size=${data.length}&file=${file}`;
}

test("S88 S89 records on a channel are those that were signed, and as bounded as in HTTP", async () => {
  const lab = await givenLab();
  expect((await lab.post("promise", "", ours)).status).toBe(200);
  expect((await lab.post("truncate", beginning, ours)).status).toBe(200);
  const url = `${lab.drivePath}/journal/records`;
  const records = framed(firstRecord(ours));
  const makeBody = (key: BodyKey): Buffer => renderShardBody(key, records);
  const append = { method: "POST", url, makeBody, body: bodyDigest(records) } as const;
  const refused: readonly (readonly [string, RawWrite, Authority | undefined, string])[] = [
    ["for another body", { ...append, body: bodyDigest(Buffer.from("x")) }, ours, "Denied"],
    ["without a digest", { ...append, body: "UNSIGNED" }, ours, "Denied"],
    ["for nobody", append, undefined, "BadRequest"],
    ["for another owner", append, others, "Fenced"],
    ["streamed", { ...append, method: "PUT", body: "UNSIGNED" }, ours, "BadRequest"],
    [
      "given up",
      { ...append, makeBody: (key) => renderShardBody(key, records, { kind: "abort" }) },
      ours,
      "Unavailable",
    ],
    [
      "far too large",
      { ...append, url: `${lab.drivePath}/journal/cut`, makeBody: largeBody },
      ours,
      "BadRequest",
    ],
  ];
  for (const [what, write, owner, code] of refused) {
    expect([what, (await lab.write(write, owner)).code]).toEqual([what, code]);
    expect((await lab.member.inspect()).head.sequence).toBe(0);
  }
  expect((await lab.write(append, ours)).status).toBe(200);
  expect((await lab.member.inspect()).head.sequence).toBe(1);
});

function someBody(key: BodyKey): Buffer {
  return renderShardBody(key, Buffer.from("bytes"));
}

/** Larger than any body but that of records. */
function largeBody(key: BodyKey): Buffer {
  return renderShardBody(key, Buffer.alloc(100_000));
}

test("shards of a drive that is promised are changed by nobody else", async () => {
  const lab = await givenLab();
  const url = `${lab.drivePath}/shards/${SET}.0`;
  const put = (owner?: Authority): Promise<WriteAnswer> => {
    return lab.write({ url, makeBody: someBody }, owner);
  };
  const remove = (owner?: Authority) => lab.send({ method: "DELETE", url }, owner);
  // Nothing is promised yet: whoever belongs to the cluster may.
  expect((await put()).status).toBe(200);
  expect((await remove()).status).toBe(200);

  expect((await lab.post("promise", "", ours)).status).toBe(200);
  expect((await put(ours)).status).toBe(200);
  for (const owner of [undefined, others, { ...others, epoch: ours.epoch }]) {
    expect([owner, codeOf(await remove(owner))]).toEqual([owner, "Fenced"]);
    expect([owner, (await put(owner)).code]).toEqual([owner, "Fenced"]);
  }
  expect(await lab.node.drives[0]?.list(0x7f)).toHaveLength(1);
  expect((await lab.send({ url: `${url}/size` })).status).toBe(200);

  // A later gateway that has not come to this drive yet with its promise.
  expect((await remove(later)).status).toBe(200);
  expect((await put(ours)).code).toBe("Fenced");
  // The journal's own promise stands until a later one is made.
  expect((await lab.member.inspect()).promised).toEqual(ours);
  expect((await lab.post("promise", "", later)).status).toBe(200);
  expect(codeOf(await lab.post("promise", "", ours))).toBe("Fenced");
  expect(codeOf(await lab.post("records", framed(firstRecord(ours)), ours))).toBe("Fenced");
});

test("a drive whose promise cannot be read is changed by nobody, and tells nothing of its owner", async () => {
  const { node } = await givenMemberNode({ readPromised: unreadable });
  const hello = await hearHello(node.port);
  const url = `/_kintsugi/node/drives/${hello.driveIds[0]}/shards/${SET}.0`;
  const answer = await sendRaw(node.port, renderRpc(hello, { method: "DELETE", url }));
  expect([answer.status, codeOf(answer)]).toEqual([503, "Unavailable"]);
  const owners = await sendRaw(node.port, renderRpc(hello, { url: "/_kintsugi/node/owners" }));
  expect(JSON.parse(owners.body)).toEqual({ owners: {} });
});

test("a drive that keeps no journal says so", async () => {
  const { givenNode } = await import("../support/data-node.ts");
  const node = await givenNode();
  const hello = await hearHello(node.port);
  const url = `/_kintsugi/node/drives/${hello.driveIds[0]}/journal`;
  const answer = await sendRaw(node.port, renderRpc(hello, { url }));
  expect(codeOf(answer)).toBe("Unavailable");
});
