// What happens on a connection: health checks, virtual hosts, expectations, bodies that come short or come in surplus,
// requests behind one another, and what the log says of it all. Raw sockets, for no SDK does these things.

import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { expect, test, vi } from "vitest";
import { openS3Server } from "../../src/api/http-server.ts";
import type { S3ServerOptions } from "../../src/api/http-server.ts";
import type { AccountId } from "../../src/core/ids.ts";
import { silentLogger } from "../../src/telemetry/logger.ts";
import type { Logger } from "../../src/telemetry/logger.ts";
import { realClock } from "../../src/util/clock.ts";
import { errorCode, exchange, sendRaw } from "../support/raw-http.ts";
import { startS3 } from "../support/s3-server.ts";
import { presignV4, sha256Hex, signV4, wireBytes } from "../support/signing.ts";
import type { SigningKeys } from "../support/signing.ts";

async function givenPort() {
  const lab = await startS3();
  const { accessKeyId, secretAccessKey } = await lab.client.config.credentials();
  const keys: SigningKeys = { accessKey: accessKeyId, secretKey: secretAccessKey };
  const port = Number(new URL(lab.endpoint).port);
  return { ...lab, keys, port, host: `127.0.0.1:${port}` };
}

/** The bytes of a signed PUT's head, for a body of the given length. */
function putHead(
  given: { readonly keys: SigningKeys; readonly host: string },
  path: string,
  body: string,
  more: Readonly<Record<string, string>> = {},
): Buffer {
  const { headers } = signV4(given.keys, {
    method: "PUT",
    path,
    payload: sha256Hex(body),
    headers: { host: given.host, "content-length": String(Buffer.byteLength(body)) },
  });
  return wireBytes("PUT", path, { ...headers, ...more });
}

const get = (path: string, host: string) =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

test("health is told without a signature, in a few words", async () => {
  const { port, host } = await givenPort();
  const live = await sendRaw(port, get("/_kintsugi/live", host));
  const ready = await sendRaw(port, get("/_kintsugi/ready", host));
  expect([live.status, live.body]).toEqual([200, '{"status":"live"}']);
  expect([ready.status, ready.body]).toEqual([200, '{"status":"ready"}']);
  expect((await sendRaw(port, get("/_kintsugi/else", host))).status).toBe(404);
  expect(errorCode(await sendRaw(port, get("/_kintsugi", host)))).toBe("InvalidBucketName");
});

test("health is told to HEAD too, and every answer has its id", async () => {
  const { port, host } = await givenPort();
  for (const path of ["live", "ready", "ready?verbose=%20", "else"]) {
    const head = get(`/_kintsugi/${path}`, host).replace("GET", "HEAD");
    const asked = await sendRaw(port, head, { isHead: true });
    expect(asked.status).toBe(path === "else" ? 404 : 200);
    expect(asked.headers.get("x-amz-request-id")).toMatch(/^[0-9A-F]{16}$/);
  }
  const body = "Content-Type: application/json\r\nContent-Length: 3\r\n\r\n{x}";
  const posted = await sendRaw(port, `POST /_kintsugi/live HTTP/1.1\r\nHost: ${host}\r\n${body}`);
  expect([posted.status, posted.body]).toEqual([404, '{"status":"not found"}']);
  expect(errorCode(await sendRaw(port, get("/_kintsugi/%zz", host)))).toBe("InvalidBucketName");
});

test("a request without a Host is refused in S3's words, HTTP/1.0 knows none", async () => {
  const { port } = await givenPort();
  const refused = await sendRaw(port, "GET / HTTP/1.1\r\n\r\n");
  expect([refused.status, errorCode(refused)]).toEqual([400, "BadRequest"]);
  expect(refused.headers.has("x-amz-request-id")).toBe(true);
  expect(errorCode(await sendRaw(port, "GET / HTTP/1.0\r\n\r\n"))).toBe("AccessDenied");
});

test("below a bucket's host name the same path is a key", async () => {
  const { port, keys, bucket, givenObject } = await givenPort();
  await givenObject("_kintsugi/live", "an object");
  const host = `${bucket}.localhost:${port}`;
  expect(errorCode(await sendRaw(port, get("/_kintsugi/live", host)))).toBe("AccessDenied");
  const target = `/_kintsugi/live?${presignV4(keys, { method: "GET", path: "/_kintsugi/live", host })}`;
  expect((await sendRaw(port, get(target, host))).body).toBe("an object");
});

test("a body waits for 100-continue, and the connection goes on after it (S82)", async () => {
  const given = await givenPort();
  const head = putHead(given, `/${given.bucket}/key`, "body", { expect: "100-continue" });
  const seen: string[] = [];
  const answer = await exchange(given.port, (socket) => {
    socket.write(head);
    socket.on("data", (data) => {
      seen.push(data.toString("latin1").split("\r\n")[0] ?? "");
      if (seen.length === 1) socket.write("body");
    });
  });
  expect(seen).toEqual(["HTTP/1.1 100 Continue", "HTTP/1.1 200 OK"]);
  expect(answer.headers.get("connection")).toBe("keep-alive");
});

test.each(["200", "", "something-else"])(
  "the odd expectation %j is ignored",
  async (expectation) => {
    const given = await givenPort();
    const head = putHead(given, `/${given.bucket}/key`, "body", { expect: expectation });
    const answer = await sendRaw(given.port, Buffer.concat([head, Buffer.from("body")]));
    expect(answer.status).toBe(200);
  },
);

test("a small body that is refused leaves the connection open, a large one does not (S75)", async () => {
  const given = await givenPort();
  const small = putHead(given, "/no-such-bucket/key", "body");
  const answer = await sendRaw(given.port, Buffer.concat([small, Buffer.from("body")]));
  expect(errorCode(answer)).toBe("NoSuchBucket");
  expect(answer.headers.get("connection")).toBe("keep-alive");

  const body = "x".repeat(2_000_000);
  const large = putHead(given, "/no-such-bucket/key", body);
  const refused = await exchange(
    given.port,
    (socket) => socket.write(Buffer.concat([large, Buffer.from(body.slice(0, 1_500_000))])),
    { untilClosed: true },
  );
  expect(errorCode(refused)).toBe("NoSuchBucket");
  expect(refused.headers.get("connection")).toBe("close");
  expect([refused.closed, refused.rest]).toEqual([true, ""]);
});

test("a body that ends early is IncompleteBody and leaves nothing (F62)", async () => {
  const given = await givenPort();
  const head = putHead(given, `/${given.bucket}/short`, "whole body");
  const answer = await exchange(
    given.port,
    (socket) => socket.end(Buffer.concat([head, Buffer.from("whole")])),
    { untilClosed: true },
  );
  expect([answer.status, errorCode(answer)]).toEqual([400, "IncompleteBody"]);
  expect((await given.send({ method: "HEAD", path: "short" })).status).toBe(404);
});

test("a broken chunk is a bad request and leaves nothing (F61)", async () => {
  const given = await givenPort();
  const path = `/${given.bucket}/broken`;
  const { headers } = signV4(given.keys, {
    method: "PUT",
    path,
    payload: "UNSIGNED-PAYLOAD",
    headers: { host: given.host, "transfer-encoding": "chunked" },
  });
  const head = wireBytes("PUT", path, headers);
  const answer = await exchange(
    given.port,
    (socket) => socket.write(Buffer.concat([head, Buffer.from("4\r\nabcd\r\nzz\r\n")])),
    { untilClosed: true },
  );
  expect([answer.status, errorCode(answer)]).toEqual([400, "BadRequest"]);
  expect((await given.send({ method: "HEAD", path: "broken" })).status).toBe(404);
});

test("bytes beyond the length are another request, and the first object is exact (F63)", async () => {
  const given = await givenPort();
  const head = putHead(given, `/${given.bucket}/exact`, "exact");
  const answer = await sendRaw(
    given.port,
    Buffer.concat([head, Buffer.from("exact and garbage\r\n\r\n")]),
    { untilClosed: true },
  );
  expect([answer.status, answer.closed, answer.rest]).toEqual([200, true, ""]);
  expect((await given.send({ method: "GET", path: "exact" })).body).toBe("exact");
});

test("requests behind one another are answered in their order", async () => {
  const { port, keys, host, bucket, givenObject } = await givenPort();
  const names = ["one", "two", "three"];
  for (const name of names) await givenObject(name, name);
  const payload = sha256Hex("");
  const requests = names.map((name) => {
    const path = `/${bucket}/${name}`;
    return wireBytes(
      "GET",
      path,
      signV4(keys, { method: "GET", path, payload, headers: { host } }).headers,
    );
  });
  const seen: string = await new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.concat(requests)));
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (text.endsWith("three")) socket.destroy();
    });
    socket.on("close", () => resolve(text));
  });
  const bodies = seen.split("\r\n\r\n").slice(1);
  expect(bodies.map((body) => /^[a-z]+?(?=HTTP|$)/.exec(body)?.[0])).toEqual(names);
});

/** A server whose buckets are looked up only when the gate opens, and then are not there: or what `store` says. */
async function givenGatedServer(
  store: (opened: () => Promise<unknown>) => Readonly<Record<string, unknown>> = () => ({}),
) {
  const asked: string[] = [];
  const gate = new AbortController();
  const opened = async () => gate.signal.aborted || once(gate.signal, "abort");
  const keys: SigningKeys = { accessKey: "AKID-OF-A-GATE", secretKey: "secret-of-a-gate" };
  const account = { id: "id" as AccountId, name: "n", displayName: "n", email: undefined };
  const bare = await givenBareServer({
    store: {
      findBucket: async (name: string) => {
        asked.push(name);
        await opened();
        return undefined;
      },
      ...store(opened),
    } as unknown as S3ServerOptions["store"],
    auth: {
      credentials: { find: () => ({ ...keys, account }) },
      clock: realClock,
      region: "us-east-1",
      publicHosts: [],
      sigv2: true,
    },
  });
  const requests = (names: readonly string[]) =>
    Buffer.concat(
      names.map((name) => {
        const [method, path, payload] = ["GET", `/${name}`, sha256Hex("")];
        const headers = { host: `127.0.0.1:${bare.port}` };
        return wireBytes(method, path, signV4(keys, { method, path, payload, headers }).headers);
      }),
    );
  return { ...bare, asked, open: () => gate.abort(), requests };
}

test("a request is begun when the one before it on its connection is answered", async () => {
  const { server, port, asked, open, requests } = await givenGatedServer();
  const socket = connect(port, "127.0.0.1", () => socket.write(requests(["first", "second"])));
  let text = "";
  socket.on("data", (data) => (text += data.toString("latin1")));
  await vi.waitFor(() => expect(asked).toEqual(["first"]));
  // Another connection does not wait, and by its answer the second request has long been parsed.
  const other = connect(port, "127.0.0.1", () => other.write(requests(["other"])));
  await vi.waitFor(() => expect(asked).toEqual(["first", "other"]));
  open();
  await vi.waitFor(() => expect(text.match(/<BucketName>\w+/g)).toHaveLength(2));
  expect(text.match(/(?<=<BucketName>)\w+/g)).toEqual(["first", "second"]);
  for (const each of [socket, other]) each.destroy();
  await server.close(1_000);
});

test("a request whose client left while it waited is never begun, and holds nothing", async () => {
  const { server, port, asked, open, requests, lines } = await givenGatedServer();
  const socket = connect(port, "127.0.0.1", () => socket.write(requests(["first", "second"])));
  await vi.waitFor(() => expect(asked).toEqual(["first"]));
  socket.destroy();
  await server.close(1_000);
  open();
  await vi.waitFor(() => expect(lines).toHaveLength(1));
  expect(asked).toEqual(["first"]);
});

test("too many requests behind one another end their connection", async () => {
  const { server, port, asked, requests } = await givenGatedServer();
  const names = Array.from({ length: 150 }, (_, at) => `bucket-${at}`);
  const socket = connect(port, "127.0.0.1", () => socket.write(requests(names)));
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => void socket.on("close", () => resolve()));
  expect(asked).toEqual(["bucket-0"]);
  await server.close(1_000);
});

const half = () => ({ chunks: [Buffer.from("half")], release: () => undefined });

test("an answer that began before the closing is finished, and its connection ends with it", async () => {
  const { server, port, open, requests } = await givenGatedServer((opened) => ({
    findBucket: async () => ({ id: 1, ownerId: "id", versioning: "off", settingsVersion: 1 }),
    findBucketConfig: async () => undefined,
    openObject: async () => ({
      object: {
        key: "key",
        etag: "etag",
        modifiedAt: 0,
        sizeBytes: 8,
        tags: [],
        lock: { retention: undefined, legalHold: undefined },
        attributes: { headers: {}, userMetadata: {} },
        content: { kind: "inline" },
      },
      unlock: async () => undefined,
      readAtOnce: () => undefined,
      close: () => undefined,
      async *read() {
        yield half();
        await opened();
        yield half();
      },
    }),
  }));
  let text = "";
  const socket = connect(port, "127.0.0.1", () => socket.write(requests(["bucket/key"])));
  socket.on("data", (data) => (text += data.toString("latin1")));
  const ended = new Promise<void>((resolve) => void socket.on("close", () => resolve()));
  await vi.waitFor(() => expect(text).toMatch(/half$/));
  expect(text).toMatch(/connection: keep-alive/i);
  const closing = server.close(60_000);
  open();
  await Promise.all([closing, ended]);
  expect(text).toMatch(/halfhalf$/);
});

test("every answer has an id, its own, and an error says it again in its document", async () => {
  const { send } = await givenPort();
  const answers = [
    await send({ method: "GET", path: "" }),
    await send({ method: "GET", path: "missing" }),
    await send({ method: "HEAD", path: "missing" }),
  ];
  const ids = answers.map(({ headers }) => headers.get("x-amz-request-id"));
  expect(new Set(ids).size).toBe(3);
  expect(answers[1]?.body).toContain(`<RequestId>${ids[1]}</RequestId>`);
  for (const { headers } of answers) {
    expect(headers.get("server")).toBe("Kintsugi");
    expect(headers.has("date")).toBe(true);
    expect(headers.has("x-amz-id-2")).toBe(true);
  }
});

/** A server without anything behind it: for what is refused before the store. Port 0 takes a free one. */
async function givenBareServer(options: Partial<S3ServerOptions> = {}, wantedPort = 0) {
  const lines: string[] = [];
  const write = (fields: unknown, message: string) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger: Logger = { ...silentLogger, info: write, error: write, isLevelEnabled: () => true };
  const server = await openS3Server({
    store: {} as S3ServerOptions["store"],
    auth: {
      credentials: { find: () => undefined },
      clock: realClock,
      region: "us-east-1",
      publicHosts: [],
      sigv2: true,
    },
    newBuckets: "blocked",
    accounts: { find: () => undefined, findByEmail: () => undefined },
    clock: realClock,
    logger,
    region: "us-east-1",
    domains: ["localhost"],
    isReady: () => true,
    ...options,
  });
  const { port } = await server.listen("127.0.0.1", wantedPort);
  return { server, port, lines };
}

test("the log has a line for a request, without its query (S92)", async () => {
  const { server, port, lines } = await givenBareServer();
  const query = "X-Amz-Signature=0123456789abcdef&X-Amz-Credential=AKID";
  await sendRaw(port, get(`/bucket/key?${query}`, "h"));
  await server.close(1_000);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('"path":"/bucket/key"');
  expect(lines[0]).toContain('"operation":"GetObject"');
  expect(lines[0]).not.toMatch(/0123456789abcdef|AKID|X-Amz/);
});

test("a server that is not ready says so and goes on living", async () => {
  const { server, port } = await givenBareServer({ isReady: async () => false });
  expect((await sendRaw(port, get("/_kintsugi/ready", "h"))).status).toBe(503);
  expect((await sendRaw(port, get("/_kintsugi/live", "h"))).status).toBe(200);
  await server.close(1_000);
});

test("closing ends idle connections at once and waits for no silent client", async () => {
  const { server, port } = await givenBareServer();
  const closed: Promise<void>[] = [];
  for (const bytes of [
    "",
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "PUT /bucket/k HTTP/1.1\r\nHost: h\r\n",
  ]) {
    const socket = connect(port, "127.0.0.1");
    closed.push(new Promise((resolve) => void socket.on("close", () => resolve())));
    socket.on("error", () => undefined);
    socket.resume();
    await new Promise<void>((resolve) => void socket.on("connect", () => resolve()));
    socket.write(bytes);
  }
  await sendRaw(port, get("/", "h"));
  await server.close(50);
  await Promise.all(closed);
  await expect(sendRaw(port, get("/", "h"))).rejects.toThrow("without an answer");
});

test("a port that is taken fails the start", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => void other.listen(0, "127.0.0.1", () => resolve()));
  const { port } = other.address() as AddressInfo;
  await expect(givenBareServer({}, port)).rejects.toThrow("EADDRINUSE");
  other.close();
});
