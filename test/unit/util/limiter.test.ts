// So many at a time, so many waiting, in order; what is too much is refused at once.

import { EventEmitter, once } from "node:events";
import { expect, test } from "vitest";
import { Limiter, LimiterFullError, Turns } from "../../../src/util/limiter.ts";

test("no more than the bound run at a time, in the order of the calls", async () => {
  const limiter = new Limiter({ concurrency: 3, queueMax: 100 });
  const started: number[] = [];
  let runningCount = 0;
  let runningMax = 0;
  const tasks = Array.from({ length: 50 }, (_, index) =>
    limiter.run(async () => {
      started.push(index);
      runningCount += 1;
      runningMax = Math.max(runningMax, runningCount);
      await Promise.resolve();
      runningCount -= 1;
      return index;
    }),
  );
  expect(limiter.activeCount).toBe(3);
  expect(limiter.queuedCount).toBe(47);
  const order = Array.from({ length: 50 }, (_, index) => index);
  expect(await Promise.all(tasks)).toEqual(order);
  expect(started).toEqual(order);
  expect(runningMax).toBe(3);
  expect(limiter.activeCount).toBe(0);
  expect(limiter.queuedCount).toBe(0);
});

test("a full queue refuses, and takes again when there is room", async () => {
  const limiter = new Limiter({ concurrency: 1, queueMax: 1 });
  const opened = new EventEmitter();
  const running = limiter.run(() => once(opened, "open"));
  const waiting = limiter.run(async () => "waited");
  await expect(limiter.run(async () => "too much")).rejects.toThrow(LimiterFullError);
  opened.emit("open");
  await running;
  expect(await waiting).toBe("waited");
  expect(await limiter.run(async () => "again")).toBe("again");
});

test("a task that fails frees its place", async () => {
  const limiter = new Limiter({ concurrency: 1, queueMax: 1 });
  const failing = limiter.run(async () => {
    throw new Error("broken");
  });
  const next = limiter.run(async () => "next");
  await expect(failing).rejects.toThrow("broken");
  expect(await next).toBe("next");
});

test("turns that end as soon as they begin do not begin within each other, however many wait", () => {
  const turns = new Turns({ concurrency: 1, queueMax: 20_000 });
  const order: number[] = [];
  expect(turns.ask(() => order.push(0))).toBe(true);
  for (let nth = 1; nth <= 20_000; nth += 1) {
    const begin = (): void => {
      order.push(nth);
      turns.end();
    };
    turns.ask(begin);
  }
  expect(turns.queuedCount).toBe(20_000);
  expect(turns.ask(() => undefined)).toBe(false);
  turns.end();
  expect(order).toEqual(Array.from({ length: 20_001 }, (_, nth) => nth));
  expect([turns.activeCount, turns.queuedCount]).toEqual([0, 0]);
});

test("who asks while others are begun comes after those who wait", () => {
  const turns = new Turns({ concurrency: 1, queueMax: 10 });
  const order: string[] = [];
  turns.ask(() => order.push("first"));
  turns.ask(() => {
    order.push("second");
    turns.ask(() => order.push("asked late"));
    turns.end();
  });
  turns.ask(() => order.push("third"));
  turns.end();
  expect(order).toEqual(["first", "second", "third"]);
  turns.end();
  expect(order).toEqual(["first", "second", "third", "asked late"]);
});
