// Who gets a connection: the worker that has the fewest, in turn among equals; none is lost with a worker that dies before
// it took it, or that could not receive it, and none waits beyond a bound.

import { expect, test } from "vitest";
import { LISTEN_BACKLOG } from "../../../src/core/limits.ts";
import { ConnectionDealer, type Taker } from "../../../src/wiring/connection-dealer.ts";
import type { AcceptedHandle, ListeningHandle } from "../../../src/wiring/socket-handles.ts";

const WAITING_MAX = 511;

class FakeConnection implements AcceptedHandle {
  isClosed = false;
  close(): void {
    this.isClosed = true;
  }
}

class FakeSocket implements ListeningHandle {
  backlog = 0;
  onconnection?: NonNullable<ListeningHandle["onconnection"]>;
  getsockname(): number {
    return 0;
  }
  listen(backlog: number): number {
    this.backlog = backlog;
    return 0;
  }
  close(): void {
    this.backlog = 0;
  }
  connect(): FakeConnection {
    const connection = new FakeConnection();
    this.onconnection?.(0, connection);
    return connection;
  }
}

class FakeWorker implements Taker {
  readonly given: number[] = [];
  readonly asked: number[] = [];
  give(id: number): void {
    this.given.push(id);
  }
  ask(id: number): void {
    this.asked.push(id);
  }
}

function givenDealer(workerCount: number, shareMax = 10_000) {
  const dealer = new ConnectionDealer<FakeWorker>(shareMax);
  const socket = new FakeSocket();
  expect(dealer.acceptFrom(socket)).toBe(0);
  const workers = Array.from({ length: workerCount }, () => new FakeWorker());
  for (const worker of workers) dealer.add(worker);
  return { dealer, socket, workers };
}

test("equals take turns", () => {
  const { socket, workers } = givenDealer(3);
  for (let count = 0; count < 9; count += 1) socket.connect();
  expect(workers.map(({ given }) => given)).toEqual([
    [1, 4, 7],
    [2, 5, 8],
    [3, 6, 9],
  ]);
});

test("who has the fewest open gets the next ones, until it has as many as the others", () => {
  const { dealer, socket, workers } = givenDealer(2);
  const [busy, idle] = workers;
  if (busy === undefined || idle === undefined) throw new Error("two workers");
  dealer.noteOpen(busy, 5);
  for (let count = 0; count < 5; count += 1) socket.connect();
  expect([busy.given.length, idle.given.length]).toEqual([0, 5]);
  dealer.noteOpen(busy, 0);
  socket.connect();
  expect(busy.given).toHaveLength(1);
});

test("a connection is given up once it is taken, and dealt anew when its worker dies before", () => {
  const { dealer, socket, workers } = givenDealer(2);
  const [first, second] = workers;
  if (first === undefined || second === undefined) throw new Error("two workers");
  const [taken, lost] = [socket.connect(), socket.connect(), socket.connect()];
  dealer.noteTaken(first, 1, 1);
  expect(taken?.isClosed).toBe(true);
  dealer.remove(second);
  expect(lost?.isClosed).toBe(false);
  // 1 and 3 were its own; 2 was the other's, and has come as the fourth.
  expect(first.given).toEqual([1, 3, 4]);
  dealer.noteTaken(first, 4, 2);
  expect(lost?.isClosed).toBe(true);
});

test("connections wait for a worker, a bounded number of them, and are cut off at the end", () => {
  const { dealer, socket } = givenDealer(0);
  expect(socket.backlog).toBe(LISTEN_BACKLOG);
  const waiting = Array.from({ length: 600 }, () => socket.connect());
  expect(waiting.filter(({ isClosed }) => isClosed)).toHaveLength(600 - WAITING_MAX);
  const worker = new FakeWorker();
  dealer.add(worker);
  expect(worker.given).toHaveLength(WAITING_MAX);
  dealer.remove(worker);
  dealer.close();
  expect(waiting.every(({ isClosed }) => isClosed)).toBe(true);
  expect(socket.connect().isClosed).toBe(true);
});

test("what a worker has beyond its part is told when another comes", () => {
  const { dealer, workers } = givenDealer(2);
  const [old, fresh] = workers;
  if (old === undefined || fresh === undefined) throw new Error("two workers");
  dealer.noteOpen(old, 9);
  expect([...dealer.surplus()]).toEqual([[old, 4]]);
  dealer.noteOpen(fresh, 8);
  expect([...dealer.surplus()]).toEqual([]);
});

test("a second start asks for the same socket: it is accepted from once", () => {
  const { dealer, socket } = givenDealer(1);
  const before = socket.onconnection;
  expect(dealer.acceptFrom(socket)).toBe(0);
  expect(socket.onconnection).toBe(before);
});

/** Two workers, of which the first cannot receive the connection with the id 1. */
function givenLoss() {
  const { dealer, socket, workers } = givenDealer(2);
  const [poor, rich] = workers;
  if (poor === undefined || rich === undefined) throw new Error("two workers");
  const lost = socket.connect();
  return { dealer, socket, poor, rich, lost };
}

test("what a worker could not receive is another's once the worker has answered what came later", () => {
  const { dealer, socket, poor, rich, lost } = givenLoss();
  const [, third] = [socket.connect(), socket.connect()];
  expect([poor.given, rich.given]).toEqual([[1, 3], [2]]);
  dealer.noteTaken(poor, 3, 1);
  expect(third?.isClosed).toBe(true);
  expect(rich.given).toEqual([2, 4]);
  dealer.noteTaken(rich, 2, 1);
  dealer.noteTaken(rich, 4, 2);
  expect(lost.isClosed).toBe(true);
});

test("who took nothing is asked each second, and what had not come by then is another's", () => {
  const { dealer, poor, rich, lost } = givenLoss();
  dealer.turn();
  expect([poor.asked, rich.asked]).toEqual([[1], []]);
  // It hangs: nobody else may have what it may have taken.
  dealer.turn();
  expect(rich.given).toEqual([]);
  dealer.notePassed(poor, 1);
  expect(rich.given).toEqual([2]);
  dealer.noteTaken(rich, 2, 1);
  expect(lost.isClosed).toBe(true);
  // What it is asked again is answered with nothing lost.
  dealer.notePassed(poor, 1);
  dealer.turn();
  expect([poor.asked.length, rich.asked.length]).toEqual([2, 0]);
});

test("who could not receive one has the fewest, and still gets none for a while", () => {
  const { dealer, socket, poor, rich } = givenLoss();
  dealer.notePassed(poor, 1);
  dealer.noteTaken(rich, 2, 1);
  for (let count = 0; count < 3; count += 1) socket.connect();
  expect([poor.given, rich.given]).toEqual([[1], [2, 3, 4, 5]]);
  for (let turn = 0; turn < 5; turn += 1) dealer.turn();
  socket.connect();
  expect(poor.given).toEqual([1, 6]);
});

test("who takes nothing for a second gets no more for a while, and keeps what it was given", () => {
  const { dealer, socket, poor, rich } = givenLoss();
  dealer.turn();
  dealer.noteOpen(rich, 100);
  socket.connect();
  // A second may be over at once.
  expect([poor.given, rich.given]).toEqual([[1, 2], []]);
  dealer.turn();
  for (let count = 0; count < 3; count += 1) socket.connect();
  expect([poor.given, rich.given]).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  dealer.noteTaken(poor, 1, 1);
  dealer.noteTaken(poor, 2, 2);
  expect(rich.given).toEqual([3, 4, 5]);
});

test("a connection that nobody can receive is cut off after a few tries", () => {
  const { dealer, socket, workers } = givenDealer(1);
  const [only] = workers;
  if (only === undefined) throw new Error("one worker");
  const lost = socket.connect();
  dealer.notePassed(only, 1);
  dealer.notePassed(only, 2);
  expect(lost.isClosed).toBe(false);
  dealer.notePassed(only, 3);
  expect(lost.isClosed).toBe(true);
  expect(only.given).toEqual([1, 2, 3]);
});

test("connections beyond what workers may have, or hold up, are cut off", () => {
  const { dealer, socket, workers } = givenDealer(2, 3);
  const [first] = workers;
  if (first === undefined) throw new Error("a worker");
  dealer.noteOpen(first, 2);
  const made = Array.from({ length: 6 }, () => socket.connect());
  expect(made.map(({ isClosed }) => isClosed)).toEqual([false, false, false, false, true, true]);
  dealer.noteOpen(first, 1);
  expect(socket.connect().isClosed).toBe(false);
});
