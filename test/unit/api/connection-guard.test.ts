// The end of connections that the HTTP parser has given up: one answer, which the client gets to read.

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { errorOfParser, refuseConnection } from "../../../src/api/connection-guard.ts";

async function givenConnection(): Promise<{ readonly ours: Socket; readonly client: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "connection");
  const client = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  const [ours] = (await accepted) as [Socket];
  return { ours, client };
}

test("a client that goes on sending gets one answer, and no reset while it reads", async () => {
  const { ours, client } = await givenConnection();
  let text = "";
  const errors: unknown[] = [];
  client.on("data", (data) => (text += data.toString()));
  client.on("error", (error) => errors.push(error));
  const refusal = errorOfParser(new Error("a packet"));
  refuseConnection(ours, refusal);
  refuseConnection(ours, refusal);
  await once(client, "end");
  expect(text.match(/HTTP\/1\.1 400 Bad Request/g)).toHaveLength(1);
  expect(text).toContain("<Code>BadRequest</Code>");
  await new Promise((resolve) => client.write(Buffer.alloc(1_000_000), resolve));
  client.end();
  await once(client, "close");
  expect(errors).toEqual([]);
});

test("a client that does not go away is cut off", async () => {
  const { ours, client } = await givenConnection();
  client.on("error", () => undefined);
  client.resume();
  refuseConnection(ours, errorOfParser(new Error("a packet")));
  await once(client, "end");
  expect(ours.destroyed).toBe(false);
  await once(ours, "close");
  client.destroy();
});
