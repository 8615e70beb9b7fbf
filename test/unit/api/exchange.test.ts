// What is known of a request's connection, whatever becomes of it.

import { once } from "node:events";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { Exchange } from "../../../src/api/exchange.ts";

test("policies are asked about the connection as it was when the request came", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const request = get({ host: "127.0.0.1", port }).on("error", () => undefined);
  const [message, out] = await once(server, "request");
  const exchange = new Exchange(message, out, "/");
  request.destroy();
  await once(message.socket, "close");
  expect(exchange.connection).toMatchObject({ remoteAddress: "127.0.0.1", isSecure: false });
  server.close();
});
