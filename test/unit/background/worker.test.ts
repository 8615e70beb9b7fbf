// The worker contract: one step at a time, rest after work, a failing step does not end it, and stop waits.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startWorker, type WorkerTask } from "../../../src/background/worker.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("an idle worker steps again after its wait, and at once when it is woken", async () => {
  const step = vi.fn<WorkerTask["step"]>(async () => "idle" as const);
  const worker = startWorker({ name: "test", step, idleMs: 5_000 }, silentLogger);
  await vi.advanceTimersByTimeAsync(4_999);
  expect(step).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(step).toHaveBeenCalledTimes(2);
  worker.wake();
  expect(step).toHaveBeenCalledTimes(3);
  await worker.stop();
  expect(worker.status).toMatchObject({ name: "test", state: "stopped", stepCount: 3 });
});

test("steps never overlap, and stop waits for the one under way", async () => {
  const ends: (() => void)[] = [];
  const step = vi.fn<WorkerTask["step"]>(
    () => new Promise<"busy">((resolve) => ends.push(() => resolve("busy"))),
  );
  const worker = startWorker({ name: "test", step, idleMs: 1 }, silentLogger);
  worker.wake();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(step).toHaveBeenCalledTimes(1);
  const stopped = vi.fn<() => void>();
  const stopping = worker.stop().then(stopped);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(stopped).not.toHaveBeenCalled();
  for (const end of ends) end();
  await stopping;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(step).toHaveBeenCalledTimes(1);
});

test("after a busy step it rests as long as the step took", async () => {
  const step = vi.fn<WorkerTask["step"]>(async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return "busy" as const;
  });
  const worker = startWorker({ name: "test", step, idleMs: 1, restFactor: 3 }, silentLogger);
  await vi.advanceTimersByTimeAsync(399);
  expect(step).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(2);
  expect(step).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(100);
  await worker.stop();
});

test("a step that fails is tried again, more and more rarely, until it goes well", async () => {
  let isBroken = true;
  const step = vi.fn<WorkerTask["step"]>(async () => {
    if (isBroken) throw new Error("no drive");
    return "idle" as const;
  });
  const worker = startWorker({ name: "test", step, idleMs: 60_000 }, silentLogger);
  await vi.advanceTimersByTimeAsync(999);
  expect(worker.status).toMatchObject({ state: "failing", lastError: "no drive", stepCount: 1 });
  await vi.advanceTimersByTimeAsync(2_001);
  expect(step).toHaveBeenCalledTimes(3);
  isBroken = false;
  await vi.advanceTimersByTimeAsync(4_000);
  const healthy = { state: "idle", failureCount: 3, lastError: undefined };
  expect(worker.status).toMatchObject(healthy);
  await worker.stop();
});
