// S74-S84: requests that are not HTTP as it should be, and bodies that come late or never.

import { GetObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AttackCase, attackSuite, putWith } from "./attack-case.ts";
import { type AttackLab, KEPT, startAttackLab, VICTIM } from "./attack-lab.ts";
import { errorCode, exchange } from "../support/raw-http.ts";
import { wireBytes } from "../support/signing.ts";

const PATH = `/${VICTIM}/${KEPT}`;
const BAD = [400, ""] as const;
const BODY = "smuggled";

/** A request whose head is correct and signed, but for what `change` does to its bytes. */
const broken = (name: string, change: (head: string) => string, row = "S74"): AttackCase => ({
  row,
  name,
  answers: [BAD],
  send: (lab) => {
    const { headers } = lab.sign({ method: "PUT", path: PATH, body: BODY });
    const head = wireBytes("PUT", PATH, headers).toString("latin1");
    return lab.sendBytes(`${change(head)}${BODY}`, { untilClosed: true });
  },
  check: (answer) => {
    expect(answer.closed).toBe(true);
    expect(answer.rest).toBe("");
  },
});

const addLine = (line: string) => (head: string) => head.replace("\r\n\r\n", `\r\n${line}\r\n\r\n`);

const INVALID_ARGUMENT = [400, "InvalidArgument"] as const;

attackSuite("broken HTTP", [
  broken("Content-Length and Transfer-Encoding", addLine("transfer-encoding: chunked")),
  broken("two Content-Lengths", addLine("content-length: 3")),
  broken("Transfer-Encoding: xchunked", (head) =>
    head
      .replace(/content-length: \d+\r\n/, "")
      .replace("\r\n\r\n", "\r\ntransfer-encoding: xchunked\r\n\r\n"),
  ),
  broken("a folded header", addLine("x-folded: a\r\n b")),
  broken("a NUL in a header", addLine("x-nul: a\0b")),
  broken("a space before the colon", addLine("x-space : a")),
  broken("bare line feeds", (head) => head.replaceAll("\r\n", "\n")),
  broken("a Content-Length with a sign", (head) =>
    head.replace("content-length: ", "content-length: +"),
  ),
  {
    row: "S75",
    name: "a refused request with another one in its body",
    answers: [[403, "SignatureDoesNotMatch"]],
    send: (lab) => {
      const inner = wireBytes("DELETE", PATH, lab.sign({ method: "DELETE", path: PATH }).headers);
      const { headers } = lab.sign({
        method: "PUT",
        path: PATH,
        body: inner,
        keys: { ...lab.keys, secretKey: "wrong" },
      });
      return lab.sendBytes(wireBytes("PUT", PATH, headers, inner), { untilClosed: true });
    },
    check: (answer) => expect(answer.rest).toBe(""),
  },
  putWith("S76", "a header section over 8 KiB", [[400, "RequestHeaderSectionTooLarge"]], {
    "x-filler": "f".repeat(9_000),
  }),
  putWith("S76", "user metadata over 2 KiB", [[400, "MetadataTooLarge"]], {
    "x-amz-meta-a": "m".repeat(2_100),
  }),
  putWith("S77", "a metadata header without a name", [INVALID_ARGUMENT, BAD], {
    "x-amz-meta-": "x",
  }),
  {
    row: "S81",
    name: "TRACE",
    answers: [[405, "MethodNotAllowed"]],
    send: (lab) => lab.send({ method: "TRACE", path: PATH }),
  },
  {
    row: "S81",
    name: "PROPFIND",
    answers: [[405, "MethodNotAllowed"]],
    send: (lab) => lab.send({ method: "PROPFIND", path: PATH }),
  },
  {
    row: "S81",
    name: "a method that nobody knows",
    answers: [BAD, [405, "MethodNotAllowed"]],
    send: (lab) => lab.sendBytes(`BREW ${PATH} HTTP/1.1\r\nhost: ${lab.host}\r\n\r\n`),
  },
  {
    row: "S81",
    name: "a URL of a megabyte",
    answers: [BAD],
    send: (lab) =>
      lab.sendBytes(`GET /${"u".repeat(1_000_000)} HTTP/1.1\r\nhost: ${lab.host}\r\n\r\n`),
  },
  {
    row: "S82",
    name: "100-continue with a wrong signature is refused before the body",
    answers: [[403, "SignatureDoesNotMatch"]],
    send: (lab) => {
      const keys = { ...lab.keys, secretKey: "wrong" };
      const { headers } = lab.sign({
        method: "PUT",
        path: PATH,
        keys,
        headers: { "content-length": "1000000" },
      });
      // The body is never sent: only an answer without it lets this end.
      return lab.sendBytes(wireBytes("PUT", PATH, { ...headers, expect: "100-continue" }));
    },
  },
  ...["__proto__=1", "constructor%5Bprototype%5D=1", "constructor=x"].map((query): AttackCase => ({
    row: "S83",
    name: `the query ${query}`,
    answers: [[200, ""]],
    send: (lab) => lab.send({ method: "GET", path: PATH, query }),
    check: (answer) => expect(answer.body).toBe("these bytes stay"),
  })),
  {
    row: "S83",
    name: "a header __proto__",
    answers: [[200, ""]],
    send: (lab) =>
      lab.send({
        method: "GET",
        path: PATH,
        headers: { __proto__x: "1", ["__proto__"]: "polluted" },
      }),
    check: () => expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false),
  },
  {
    row: "S84",
    name: "1,001 query parameters",
    answers: [[200, ""], BAD],
    send: (lab) => {
      const query = Array.from(
        { length: 1_001 },
        (_, index) => `p${String(index).padStart(4, "0")}=`,
      ).join("&");
      return lab.send({ method: "GET", path: PATH, query });
    },
  },
  ...["a%3Bb=c", "a=b%3Dc", "=empty"].map((query): AttackCase => ({
    row: "S84",
    name: `the query ${query}`,
    answers: [[200, ""], BAD],
    send: (lab) => lab.send({ method: "GET", path: PATH, query }),
  })),
]);

describe("odd but harmless HTTP", () => {
  let lab: AttackLab;
  beforeAll(async () => {
    lab = await startAttackLab();
  });
  afterAll(() => lab.stop());

  test.each([
    ["bytes=0-4", 206, "these"],
    ["bytes=-4", 206, "stay"],
    ["bytes=6-", 206, "bytes stay"],
    ["bytes=0-99999999999999999999", 206, "these bytes stay"],
    ["bytes=9-3", 200, "these bytes stay"],
    ["bytes=abc", 200, "these bytes stay"],
    [
      `bytes=${Array.from({ length: 300 }, (_, index) => `${index % 5}-${index % 5}`).join(",")}`,
      200,
      "these bytes stay",
    ],
    ["bytes=0-1,2-3", 200, "these bytes stay"],
    ["items=0-1", 200, "these bytes stay"],
  ])("S79: Range %s answers %i", async (range, status, body) => {
    const answer = await lab.send({ method: "GET", path: PATH, headers: { range } });
    expect([answer.status, answer.body]).toEqual([status, body]);
  });

  test.each(["bytes=16-", "bytes=9223372036854775808-", "bytes=-0"])(
    "S79: Range %s is not satisfiable",
    async (range) => {
      const answer = await lab.send({ method: "GET", path: PATH, headers: { range } });
      expect(`${answer.status} ${errorCode(answer)}`).toBe("416 InvalidRange");
    },
  );

  test.each(["", "x", "text/plain; charset=", 'a/b; c="d"', ";;;"])(
    "S80: Content-Type '%s' is stored",
    async (type) => {
      const path = `/${VICTIM}/typed`;
      const put = await lab.send({
        method: "PUT",
        path,
        body: "x",
        headers: { "content-type": type },
      });
      expect(put.status).toBe(200);
      const { headers } = await lab.send({ method: "HEAD", path });
      expect(headers.get("content-type")).toBe(type === "" ? "binary/octet-stream" : type);
      expect((await lab.send({ method: "DELETE", path })).status).toBe(204);
    },
  );

  test.each([
    ["latin-1", "caf\u00E9"],
    ["UTF-8 as it comes over the wire", Buffer.from("\u{1F600}", "utf8").toString("latin1")],
    ["a tab", "a\tb"],
  ])("S77: metadata with %s is read back, never a 500", async (_name, value) => {
    const path = `/${VICTIM}/meta`;
    // Signed over the bytes that are sent.
    const headers = { "x-amz-meta-a": value };
    const answer = await lab.send({ method: "PUT", path, body: "x", headers });
    expect([200, 400, 403]).toContain(answer.status);
    const found = await lab.send({ method: "GET", path });
    expect(found.status).toBe(answer.status === 200 ? 200 : 404);
    await lab.send({ method: "DELETE", path });
  });

  test("S77: __proto__ is a name like any other", async () => {
    const path = `/${VICTIM}/meta`;
    const headers = { ["x-amz-meta-__proto__"]: "polluted" };
    expect((await lab.send({ method: "PUT", path, body: "x", headers })).status).toBe(200);
    const { headers: found } = await lab.send({ method: "HEAD", path });
    expect(found.get("x-amz-meta-__proto__")).toBe("polluted");
    await lab.send({ method: "DELETE", path });
  });

  test("S78: a body that stops coming changes nothing when the client goes", async () => {
    const { headers } = lab.sign({
      method: "PUT",
      path: PATH,
      headers: { "content-length": "1000" },
      payload: "UNSIGNED-PAYLOAD",
    });
    await expect(
      exchange(
        lab.port,
        (socket) => {
          socket.write(wireBytes("PUT", PATH, headers, "only this"));
          socket.end();
        },
        { timeoutMs: 5_000 },
      ).then(
        (answer) => `${answer.status}`,
        () => "cut off",
      ),
    ).resolves.toMatch(/^(400|cut off)$/);
    const { Body } = await lab.client.send(new GetObjectCommand({ Bucket: VICTIM, Key: KEPT }));
    expect(await Body?.transformToString()).toBe("these bytes stay");
  });
});
