// What a data node answers to those who should not be heard, over bare sockets: rows S86, S88, S89 and S90 of the
// attack list. After each attack the node lives, and holds no shard that it did not hold before.

import { expect, test } from "vitest";
import { deriveClusterKeys, makeNonce } from "../../src/datanode/rpc-auth.ts";
import type { NodeHello } from "../../src/datanode/protocol.ts";
import { newName } from "../contract/shard-store.ts";
import { givenNode, type RunningNode } from "../support/data-node.ts";
import { exchange, sendRaw, type RawAnswer } from "../support/raw-http.ts";
import { codeOf, hearHello, renderRpc, type RpcRequest } from "../support/signed-rpc.ts";

const SET = `${"0".repeat(30)}7f`;

interface Lab {
  readonly node: RunningNode;
  readonly hello: NodeHello;
  readonly drivePath: string;
  readonly shardPath: string;
  send(request: RpcRequest): Promise<RawAnswer>;
  expectUnharmed(): Promise<void>;
}

async function givenLab(): Promise<Lab> {
  const node = await givenNode();
  const hello = await hearHello(node.port);
  const drivePath = `/_kintsugi/node/drives/${hello.driveIds[0]}`;
  return {
    node,
    hello,
    drivePath,
    shardPath: `${drivePath}/shards/${SET}.0`,
    send: (request) => sendRaw(node.port, renderRpc(hello, request)),
    async expectUnharmed() {
      expect(await hearHello(node.port)).toEqual(hello);
      expect(await node.drives[0]?.list(0x7f)).toEqual([]);
    },
  };
}

/** Every route of a node, but the two open ones. */
function everyRoute({ drivePath, shardPath }: Lab): readonly (readonly [string, string])[] {
  return [
    ["GET", "/_kintsugi/node/hello"],
    ["PUT", shardPath],
    ["GET", `${drivePath}/reads`],
    ["GET", "/_kintsugi/node/writes"],
    ["DELETE", shardPath],
    ["GET", `${shardPath}/size`],
    ["GET", `${drivePath}/buckets/127`],
    ["GET", `${drivePath}/space`],
    ["GET", `${drivePath}/device`],
    ["GET", `${drivePath}/nodes`],
    ["POST", `${drivePath}/nodes`],
    ["GET", "/_kintsugi/node/owners"],
    ["GET", `${drivePath}/journal`],
    ["POST", `${drivePath}/journal/promise`],
    ["GET", `${drivePath}/journal/records?sequence=1&bytes=1`],
    ["POST", `${drivePath}/journal/records`],
    ["POST", `${drivePath}/journal/truncate`],
    ["POST", `${drivePath}/journal/cut`],
    ["GET", `${drivePath}/journal/snapshot`],
    ["PUT", `${drivePath}/journal/snapshot`],
    ["GET", "/"],
    ["POST", "/_kintsugi/node/verify"],
    ["GET", "/_kintsugi/metrics"],
    ["GET", "/debug/pprof"],
    ["PROPFIND", "/"],
    ["OPTIONS", "/_kintsugi/node/hello"],
  ];
}

test("S86 every route without a credential is 401, and so is a wrong or malformed one", async () => {
  const lab = await givenLab();
  const credentials = [
    undefined,
    "",
    "Kintsugi",
    "Bearer x",
    "AWS4-HMAC-SHA256 Credential=a/b",
    `Kintsugi node=${lab.hello.nodeId},session=${lab.hello.session},time=${Date.now()},nonce=${makeNonce()},body=UNSIGNED,signature=${"0".repeat(64)}`,
  ];
  for (const [method, url] of everyRoute(lab)) {
    for (const authorization of credentials) {
      const answer = await lab.send({ method, url, headers: { authorization } });
      expect([method, url, authorization, answer.status]).toEqual([
        method,
        url,
        authorization,
        401,
      ]);
      expect(codeOf(answer)).toBe("Denied");
    }
    const keys = deriveClusterKeys("another secret that is also long enough");
    expect((await lab.send({ method, url, keys })).status).toBe(401);
  }
  await lab.expectUnharmed();
});

test("S88 a signature is good for one method, URL, body, node, session and minute", async () => {
  const lab = await givenLab();
  const { shardPath, drivePath } = lab;
  const url = `${drivePath}/space`;
  expect((await lab.send({ url })).status).toBe(200);

  const replays: readonly RpcRequest[] = [
    { method: "DELETE", url: shardPath, signed: { method: "GET" } },
    { method: "DELETE", url: shardPath, signed: { url: `${drivePath}/shards/${SET}.1` } },
    { url, signed: { url: `${drivePath}/device` } },
    { url: `${shardPath}/size`, signed: { url: `${drivePath}/shards/${SET}.1/size` } },
    { url, body: Buffer.from("x"), signed: { body: "0".repeat(64) } },
    { url, body: Buffer.from("x"), signed: { body: "UNSIGNED" } },
    { url, signed: { timeMs: Date.now() - 61_000 } },
    { url, signed: { timeMs: Date.now() + 61_000 } },
    { url, signed: { nodeId: "another-node" } },
    { url, signed: { nodeId: "*" } },
    { url, signed: { session: "0".repeat(32) } },
    { url, signed: { session: "*" } },
    { url: "/_kintsugi/node/hello" },
  ];
  for (const replay of replays) {
    const answer = await lab.send(replay);
    expect([replay, answer.status, codeOf(answer)]).toEqual([replay, 401, "Denied"]);
  }
  await lab.expectUnharmed();
});

test("S88 a request with another body than was signed is refused", async () => {
  const lab = await givenLab();
  const bytes = renderRpc(lab.hello, {
    url: `${lab.drivePath}/space`,
    body: Buffer.from("what was signed"),
  });
  bytes.write("what was changed".slice(0, 15), bytes.length - 15);
  expect((await sendRaw(lab.node.port, bytes)).status).toBe(401);
});

test("S88 F55 a change that is delivered twice is made once", async () => {
  const lab = await givenLab();
  const name = newName();
  const remove = renderRpc(lab.hello, {
    method: "DELETE",
    url: `${lab.drivePath}/shards/${name.setId}.0`,
  });
  expect((await sendRaw(lab.node.port, remove)).status).toBe(200);
  await (await lab.node.drives[0]?.create(name))?.finish([Buffer.from("made since")]);
  expect((await sendRaw(lab.node.port, remove)).status).toBe(401);
  expect(await lab.node.drives[0]?.size(name)).toBe(10);
});

test("S88 what was recorded in an earlier life of a node is refused in the next", async () => {
  const lab = await givenLab();
  const remove = renderRpc(lab.hello, { method: "DELETE", url: lab.shardPath });
  await lab.node.server.close(0);
  const { nodeId, drives } = lab.node;
  const next = await givenNode({ nodeId, drives });
  expect((await sendRaw(next.port, remove)).status).toBe(401);
});

test("S89 paths that name no shard are 400 even when they are signed", async () => {
  const lab = await givenLab();
  const { drivePath, shardPath } = lab;
  const urls = [
    `${drivePath}/shards/../../../etc/passwd`,
    `${drivePath}/shards/..`,
    `${drivePath}/shards/.`,
    `${drivePath}/shards//etc/passwd`,
    `${drivePath}/shards/%2e%2e%2fetc%2fpasswd`,
    `${drivePath}/shards/${SET}.0%00`,
    `${drivePath}/shards/%00`,
    `${drivePath}/shards/%zz`,
    `${drivePath}/shards/${SET}`,
    `${drivePath}/shards/${SET}.255`,
    `${drivePath}/shards/${SET}.00`,
    `${drivePath}/shards/${SET}.-1`,
    `${drivePath}/shards/${SET.toUpperCase()}.0`,
    `${drivePath}/shards/${SET}0.0`,
    `${drivePath}/shards/`,
    `/_kintsugi/node/drives/../drives/x/shards/${SET}.0`,
    `//_kintsugi/node/hello`,
    `http://node${shardPath}`,
    `${shardPath}\\x`,
    `${shardPath}?${"a".repeat(600)}`,
    "*",
  ];
  for (const method of ["GET", "PUT", "DELETE"]) {
    for (const url of urls) {
      const answer = await lab.send({ method, url });
      expect([method, url, answer.status]).toEqual([method, url, 400]);
    }
  }
  for (const bucket of ["256", "-1", "00", "x", "1e1"]) {
    expect((await lab.send({ url: `${drivePath}/buckets/${bucket}` })).status).toBe(400);
  }
  await lab.expectUnharmed();
});

test("S89 an unknown drive is no crash, and an unknown route is 400", async () => {
  const lab = await givenLab();
  const elsewhere = { url: `/_kintsugi/node/drives/other/space` };
  expect(codeOf(await lab.send(elsewhere))).toBe("Unavailable");
  expect((await lab.send({ url: "/_kintsugi/node/drives/__proto__/space" })).status).toBe(503);
  expect((await lab.send({ url: "/_kintsugi/node/env" })).status).toBe(400);
  expect((await lab.send({ method: "POST", url: lab.shardPath })).status).toBe(400);
});

test("S89 what is not HTTP, or too large, is refused and the connection ended", async () => {
  const lab = await givenLab();
  const attacks = [
    "\0\0\0\0\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    `GET /${"a".repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`,
    `GET / HTTP/1.1\r\nhost: a\r\nx: ${"a".repeat(20_000)}\r\n\r\n`,
    "GET / HTTP/1.1\r\nhost: a\r\nx\0y: 1\r\n\r\n",
    "\x16\x03\x01\x00\xa5\x01\x00\x00",
  ];
  for (const attack of attacks) {
    const answer = await sendRaw(lab.node.port, attack, { untilClosed: true });
    expect([attack.slice(0, 30), answer.status]).toEqual([attack.slice(0, 30), 400]);
    expect(answer.closed).toBe(true);
  }
  const big = { url: `${lab.drivePath}/space`, body: Buffer.alloc(100_000) };
  expect((await lab.send(big)).status).toBe(400);
  await lab.expectUnharmed();
});

test("S89 an unsigned body of any size is refused before it is read", async () => {
  const lab = await givenLab();
  const head = renderRpc(lab.hello, {
    method: "PUT",
    url: lab.shardPath,
    headers: { authorization: undefined, "content-length": String(5 * 1024 ** 3) },
  });
  const answer = await exchange(lab.node.port, (socket) => socket.write(head));
  expect(answer.status).toBe(401);
  await lab.expectUnharmed();
});

test("writes are taken on channels only", async () => {
  const lab = await givenLab();
  const body = Buffer.from("a shard");
  const put = { method: "PUT", url: lab.shardPath, body };
  expect(codeOf(await lab.send(put))).toBe("BadRequest");
  expect(codeOf(await lab.send({ ...put, signed: { body: "UNSIGNED" } }))).toBe("Denied");
  await lab.expectUnharmed();
});

test("S90 the open routes tell nothing, and there are no others", async () => {
  const lab = await givenLab();
  const live = await sendRaw(lab.node.port, "GET /_kintsugi/live HTTP/1.1\r\nhost: a\r\n\r\n");
  const ready = await sendRaw(lab.node.port, "GET /_kintsugi/ready HTTP/1.1\r\nhost: a\r\n\r\n");
  expect([live.status, live.body]).toEqual([200, '{"status":"live"}']);
  expect([ready.status, ready.body]).toEqual([200, '{"status":"ready"}']);
  for (const answer of [live, ready]) {
    const names = [...answer.headers.keys()].toSorted();
    expect(names.filter((name) => /server|powered|kintsugi/.test(name))).toEqual([]);
  }
  for (const name of ["health", "metrics", "env", "profile", "verify", "bootstrap", "config"]) {
    const bare = `GET /_kintsugi/${name} HTTP/1.1\r\nhost: a\r\n\r\n`;
    const answer = await sendRaw(lab.node.port, bare);
    expect(answer.status).toBe(401);
    expect(answer.body).not.toContain(lab.hello.nodeId);
  }
});

test("F60 another protocol version is refused in clear words", async () => {
  const lab = await givenLab();
  for (const version of ["kintsugi-node/1", "kintsugi-node/3", "kintsugi-node/5", "", undefined]) {
    const headers = { "kintsugi-protocol": version };
    const answer = await lab.send({ url: `${lab.drivePath}/space`, headers });
    expect([answer.status, codeOf(answer)]).toEqual([400, "UnknownProtocol"]);
    expect(answer.body).toContain("this node speaks kintsugi-node/4");
  }
});
