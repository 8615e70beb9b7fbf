// A look serves those who ask before the microtasks that wait have run, and nobody who was received after it.

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, test } from "vitest";
import { atEnd } from "../../support/at-end.ts";
import { Moment } from "../../../src/util/moment.ts";

/** Whether whoever asks here has to look; then it has looked. */
function looks(moment: Moment): boolean {
  if (!moment.isOver) return false;
  moment.begin();
  return true;
}

test("those who wait for their step when the look is made share it, and those behind them do not", async () => {
  const moment = new Moment();
  const asked: boolean[] = [];
  const step = Promise.resolve();
  const steps = [1, 2, 3].map(() => step.then(() => asked.push(looks(moment))));
  await Promise.all(steps);
  expect(asked).toEqual([true, false, false]);
  await step.then(() => asked.push(looks(moment)));
  expect(asked).toEqual([true, false, false, true]);
});

test("what was seen is not used any more once that is said", () => {
  const moment = new Moment();
  moment.begin();
  expect(moment.isOver).toBe(false);
  moment.end();
  expect(moment.isOver).toBe(true);
});

test("each who comes in another event looks: sockets of one poll, immediates, ticks and timers", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const moment = new Moment();
  const asked: boolean[] = [];
  const ask = (): void => void asked.push(looks(moment));
  const served = new Promise<void>((resolve) => {
    server.on("connection", (socket: Socket) => {
      socket.on("data", () => {
        ask();
        if (asked.length === 8) resolve();
      });
      socket.on("error", () => undefined);
    });
  });
  const clients = Array.from({ length: 8 }, () => connect(port, "127.0.0.1"));
  atEnd(() => {
    for (const client of clients) client.destroy();
  });
  await Promise.all(clients.map((client) => once(client, "connect")));
  // All of them are readable when the server looks next.
  for (const client of clients) client.write("x");
  await served;
  for (let count = 0; count < 3; count += 1) {
    setImmediate(ask);
    setTimeout(ask, 0);
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(asked).toEqual(Array.from({ length: 14 }, () => true));
});
