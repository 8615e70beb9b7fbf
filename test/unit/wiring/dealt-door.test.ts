// A server that listens on a door: connections that somebody else has accepted are its own in every respect, and when it
// closes the kernel has no open door left.

import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { DealtDoor } from "../../../src/wiring/dealt-door.ts";
import {
  makeListeningHandle,
  type AcceptedHandle,
  type ListeningHandle,
} from "../../../src/wiring/socket-handles.ts";
import { until } from "../../support/until.ts";

function bound(): ListeningHandle {
  const made = makeListeningHandle("127.0.0.1", 0, 4);
  if (made === undefined || typeof made === "number") throw new Error(`no socket: ${made}`);
  return made;
}

/** One that accepts, as the supervisor does. */
function givenAcceptor(onConnection: (connection: AcceptedHandle) => void): number {
  const socket = bound();
  socket.onconnection = (_status, connection) => {
    if (connection !== undefined) onConnection(connection);
  };
  expect(socket.listen(10)).toBe(0);
  onTestFinished(() => socket.close());
  const name: { port?: number } = {};
  socket.getsockname(name);
  return name.port ?? 0;
}

test("requests on dealt connections are answered, counted, and waited for when the server closes", async () => {
  const door = new DealtDoor(bound());
  const slowOnes: ServerResponse[] = [];
  const server = createServer((request, answer) => {
    if (request.url === "/slow") slowOnes.push(answer);
    else answer.end("quick");
  });
  server.listen(door.handle);
  await once(server, "listening");
  expect(server.address()).toMatchObject({ address: "127.0.0.1", family: "IPv4" });
  const port = givenAcceptor((connection) => door.admit(connection));
  const quick = await fetch(`http://127.0.0.1:${port}/`);
  expect(await quick.text()).toBe("quick");
  expect(door.openCount).toBe(1);
  const slow = fetch(`http://127.0.0.1:${port}/slow`).then((answer) => answer.text());
  await until(5_000, "the slow request", () => slowOnes.length === 1);
  const closed = once(server, "close");
  server.close();
  slowOnes[0]?.end("slow");
  expect(await slow).toBe("slow");
  server.closeIdleConnections();
  await closed;
  await until(5_000, "the end of its connections", () => door.openCount === 0);
});

test("a connection for a server that has closed is cut off", async () => {
  const door = new DealtDoor(bound());
  const server = createServer();
  server.listen(door.handle);
  await once(server, "listening");
  server.close();
  await once(server, "close");
  const port = givenAcceptor((connection) => door.admit(connection));
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "close");
  expect(door.openCount).toBe(0);
});

test("the kernel refuses who connects to the socket itself: this process does not have it", async () => {
  const door = new DealtDoor(bound());
  const name: { port?: number } = {};
  expect(door.handle.getsockname(name)).toBe(0);
  const socket = connect(name.port ?? 0, "127.0.0.1");
  const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNREFUSED");
});
