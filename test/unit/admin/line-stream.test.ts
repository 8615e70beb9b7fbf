// An answer in lines over a real connection: what a slow, and what a vanished client, mean for the work behind it.

import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { AdminError } from "../../../src/admin/admin-error.ts";
import { LineStream } from "../../../src/admin/line-stream.ts";

async function givenExchange(): Promise<{ out: ServerResponse; client: Socket }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  onTestFinished(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: "127.0.0.1", port });
  client.on("error", () => undefined);
  client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  const [, out] = (await once(server, "request")) as [unknown, ServerResponse];
  return { out, client };
}

async function textOf(client: Socket, end: RegExp): Promise<string> {
  let text = "";
  while (!end.test(text)) {
    const [chunk] = (await once(client, "data")) as [Buffer];
    text += chunk.toString();
  }
  return text;
}

test("lines and the report come one JSON object a line", async () => {
  const { out, client } = await givenExchange();
  const stream = new LineStream(out);
  await stream.send("finding", { key: "a\nb" });
  stream.end({ objects: 1 });
  const text = await textOf(client, /report/);
  expect(text).toContain('{"type":"finding","key":"a\\nb"}\n');
  expect(text).toContain('{"type":"report","objects":1}\n');
});

test("an error before the first line leaves the answer to others, one after it is a line", async () => {
  const first = await givenExchange();
  new LineStream(first.out).fail(new AdminError(404, "NoSuchBucket", "none"));
  expect(first.out.headersSent).toBe(false);
  const second = await givenExchange();
  const stream = new LineStream(second.out);
  await stream.send("finding", {});
  stream.fail(new AdminError(500, "InternalError", "words"));
  const text = await textOf(second.client, /error/);
  expect(text).toContain('{"type":"error","code":"InternalError","message":"words"}\n');
});

test("a client that goes away aborts the work, and what is sent then is no error", async () => {
  const { out, client } = await givenExchange();
  const stream = new LineStream(out);
  await stream.send("finding", {});
  client.destroy();
  await once(out, "close");
  expect(stream.signal.aborted).toBe(true);
  await stream.send("finding", {});
  stream.end({});
});

test("a client that does not read holds up findings, and misses progress instead of piling it up", async () => {
  const { out, client } = await givenExchange();
  client.pause();
  const stream = new LineStream(out);
  const filler = "f".repeat(64 * 1024);
  let held: Promise<void> | undefined;
  for (let count = 0; count < 1_000 && !out.writableNeedDrain; count += 1) {
    held = stream.send("finding", { filler });
  }
  expect(out.writableNeedDrain).toBe(true);
  const bufferedBytes = out.writableLength;
  await stream.send("progress", { filler });
  expect(out.writableLength).toBe(bufferedBytes);
  client.resume();
  await held;
});
