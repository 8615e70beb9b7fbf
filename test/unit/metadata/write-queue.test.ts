// The gathering of writes into groups, over a transport that only notes what it is given.

import { expect, onTestFinished, test, vi } from "vitest";
import { realClock } from "../../../src/util/clock.ts";
import { S3Error } from "../../../src/core/s3-error.ts";
import type { WriteRequest } from "../../../src/metadata/write-operations.ts";
import { MARKER, deleteRequest, inline, objectInput } from "../../contract/metadata/inputs.ts";
import type { ToWriter, WriteGroup } from "../../../src/metadata/sqlite/write-protocol.ts";
import { WriteQueue } from "../../../src/metadata/sqlite/write-queue.ts";

/** Lets the event loop turn once: what was scheduled has happened then. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

function givenQueue() {
  const sent: WriteGroup[] = [];
  let isClosed = false;
  const send = (message: ToWriter) => {
    if (message.kind === "group") sent.push(message);
  };
  const close = async () => {
    isClosed = true;
  };
  const queue = new WriteQueue({ send, close }, realClock);
  const write = (value: string) =>
    queue.submit({ name: "ensureSetting", input: { name: "name", value } });
  /** Answers the newest group, each write with its place in it. */
  const answer = () => {
    const size = sent.at(-1)?.requests.length ?? 0;
    const answers = Array.from({ length: size }, (_, index) => ({
      kind: "done" as const,
      result: String(index),
    }));
    queue.receive({ kind: "answers", answers });
  };
  return { queue, sent, write, answer, closed: () => isClosed };
}

const sizes = (sent: readonly WriteGroup[]) => sent.map(({ requests }) => requests.length);

test("writes of one turn go together, and while they are away the next group fills", async () => {
  const { sent, write, answer } = givenQueue();
  const first = Promise.all([write("a"), write("b"), write("c")]);
  await turn();
  expect(sizes(sent)).toEqual([3]);
  const second = Promise.all([write("d"), write("e")]);
  await turn();
  expect(sizes(sent)).toEqual([3]);
  answer();
  expect(await first).toEqual(["0", "1", "2"]);
  await turn();
  expect(sizes(sent)).toEqual([3, 2]);
  answer();
  expect(await second).toEqual(["0", "1"]);
});

test("with many writers the first few that come wait for others, or for the time to be over", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { sent, write, answer } = givenQueue();
  const writes = Array.from({ length: 15 }, (_, index) => write(String(index)));
  await turn();
  writes.push(write("late"));
  answer();
  await turn();
  expect(sizes(sent)).toEqual([15]);
  for (let count = 1; count < 8; count += 1) writes.push(write(String(count)));
  await turn();
  expect(sizes(sent)).toEqual([15, 8]);
  answer();
  writes.push(write("alone"));
  await turn();
  expect(sizes(sent)).toEqual([15, 8]);
  vi.advanceTimersByTime(1);
  await turn();
  expect(sizes(sent)).toEqual([15, 8, 1]);
  answer();
  await Promise.all(writes);
});

test("a group is bounded", async () => {
  const { sent, write, answer } = givenQueue();
  const writes = Array.from({ length: 4_096 }, (_, index) => write(String(index)));
  for (let groups = 1; groups <= 16; groups += 1) {
    await turn();
    expect(sent).toHaveLength(groups);
    answer();
  }
  await Promise.all(writes);
  expect(new Set(sizes(sent))).toEqual(new Set([256]));
});

const put = (sizeBytes: number): WriteRequest<"putObject"> => ({
  name: "putObject",
  input: objectInput(1, "key", { sizeBytes, content: inline("x".repeat(sizeBytes)) }),
});
const removal: WriteRequest<"deleteObjects"> = {
  name: "deleteObjects",
  input: {
    bucketId: 1,
    requests: Array.from({ length: 1_000 }, (_, index) => deleteRequest(`key-${index}`)),
    marker: MARKER,
  },
};

test.each([
  { what: "small objects of ten thousand connections", request: put(4_096), taken: 10_000 },
  { what: "the largest objects that lie in the metadata", request: put(16_384), taken: 3_500 },
  { what: "deletions of a thousand keys", request: removal, taken: 100 },
])("what waits is bounded by what it holds: $what", async ({ request, taken }) => {
  const { queue, sent, answer } = givenQueue();
  const slowDown = { code: "SlowDown", status: 503 };
  const refused: unknown[] = [];
  const submit = () => queue.submit(request).catch((error: unknown) => refused.push(error));
  const writes = Array.from({ length: taken }, submit);
  await turn();
  expect(refused).toEqual([]);

  const beyond = Array.from({ length: taken }, submit);
  await turn();
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.every((error) => error instanceof S3Error)).toBe(true);
  await expect(queue.submit(request)).rejects.toMatchObject(slowDown);

  let groups = 0;
  const answerAll = async (done: Promise<unknown>) => {
    const state = { isDone: false };
    void done.then(() => (state.isDone = true));
    for (; !state.isDone; await turn()) {
      if (sent.length === groups) continue;
      groups = sent.length;
      answer();
    }
  };
  await answerAll(Promise.all([...writes, ...beyond]));
  // What was answered holds nothing any more.
  refused.length = 0;
  await answerAll(Promise.all(Array.from({ length: taken }, submit)));
  expect(refused).toEqual([]);
});

test("completions of uploads of ten thousand parts leave room for others", async () => {
  const { queue } = givenQueue();
  const parts = Array.from({ length: 10_000 }, (_, index) => ({
    number: index + 1,
    partId: index,
  }));
  const input = { parts } as unknown as WriteRequest<"completeUpload">["input"];
  const refused: unknown[] = [];
  for (let asked = 0; asked < 100; asked += 1) {
    queue.submit({ name: "completeUpload", input }).catch((error: unknown) => refused.push(error));
  }
  await turn();
  expect(refused).toEqual([]);
});

const died = new Error("the writer has died");

test.each([
  { what: "dies", end: (queue: WriteQueue) => queue.interrupt(died) },
  { what: "hangs", end: () => void vi.advanceTimersByTime(30_000) },
])("what was refused when the writer $what holds nothing any more", async ({ end }) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { queue, sent, answer } = givenQueue();
  const fill = () =>
    Promise.allSettled(Array.from({ length: 5_000 }, () => queue.submit(put(16_384))));
  const first = fill();
  await turn();
  const before = [first, fill()];
  await expect(queue.submit(put(1))).rejects.toMatchObject({ code: "SlowDown" });
  end(queue);
  await Promise.all(before);
  queue.resume();
  if (sent.length > 0) answer();

  const refused: unknown[] = [];
  for (let asked = 0; asked < 3_500; asked += 1) {
    queue.submit(put(16_384)).catch((error: unknown) => refused.push(error));
  }
  await turn();
  expect(refused).toEqual([]);
});

test("writes that would wait too long are refused early", async () => {
  let now = 0;
  const sent: WriteGroup[] = [];
  const send = (message: ToWriter) => void (message.kind === "group" && sent.push(message));
  const clock = { ...realClock, now: () => now, monotonic: () => now };
  const queue = new WriteQueue({ send, close: async () => undefined }, clock);
  const write = () =>
    queue.submit({ name: "ensureSetting", input: { name: "name", value: "a" } }).then(
      () => "done",
      (error: S3Error) => error.code,
    );
  const first = write();
  await turn();
  now = 2_500;
  queue.receive({ kind: "answers", answers: [{ kind: "done", result: "" }] });
  expect(await first).toBe("done");

  const second = write();
  await turn();
  const waiting = Array.from({ length: 9 * 256 }, write);
  expect(await write()).toBe("SlowDown");
  queue.receive({ kind: "group-failed", fault: { message: "full", isFull: true } });
  expect(await second).toBe("InsufficientStorage");
  queue.interrupt(died);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(["ServiceUnavailable"]));
});

test("writes of many rows go in groups of their own, whatever waits", async () => {
  const { queue, sent, write, answer } = givenQueue();
  const requests = Array.from({ length: 1_000 }, (_, index) => deleteRequest(`key-${index}`));
  const deletes = Array.from({ length: 15 }, () =>
    queue.submit({ name: "deleteObjects", input: { bucketId: 1, requests, marker: MARKER } }),
  );
  const last = write("a");
  await turn();
  answer();
  await turn();
  answer();
  await Promise.all([...deletes, last]);
  expect(sizes(sent)).toEqual([10, 6]);
});

test("each write gets its own answer: done, refused or failed", async () => {
  const { queue, write } = givenQueue();
  const outcomes = Promise.allSettled([write("a"), write("b"), write("c"), write("d")]);
  await turn();
  const refusal = { code: "NoSuchKey", message: "gone", detail: { Key: "k" } } as const;
  queue.receive({
    kind: "answers",
    answers: [
      { kind: "done", result: "stands" },
      { kind: "refused", refusal },
      { kind: "failed", fault: { message: "broken", isFull: false } },
    ],
  });
  const [done, refused, failed, unanswered] = await outcomes;
  expect(done).toMatchObject({ value: "stands" });
  expect(refused).toMatchObject({ reason: { name: "S3Error", status: 404, ...refusal } });
  expect(failed).toMatchObject({ reason: { message: expect.stringContaining("broken") } });
  expect(unanswered).toMatchObject({ reason: { message: expect.stringContaining("no answer") } });
});

test("a group that fails rejects its own writes, and the next one goes on", async () => {
  const { queue, write, answer } = givenQueue();
  const lost = write("a");
  await turn();
  const next = write("b");
  queue.receive({ kind: "group-failed", fault: { message: "disk I/O error", isFull: false } });
  await expect(lost).rejects.toThrow("disk I/O error");
  await turn();
  answer();
  expect(await next).toBe("0");
});

test("a writer that is gone rejects all that waits and all that comes", async () => {
  const { queue, write } = givenQueue();
  const underway = Promise.allSettled([write("a")]);
  await turn();
  const waiting = Promise.allSettled([write("b")]);
  const death = new Error("the metadata writer has ended");
  queue.fail(death);
  const unavailable = { code: "ServiceUnavailable", cause: death };
  expect(await underway).toMatchObject([{ reason: unavailable }]);
  expect(await waiting).toMatchObject([{ reason: unavailable }]);
  await expect(write("c")).rejects.toMatchObject(unavailable);
  expect(queue.hasFailed).toBe(true);
});

test("while a writer is being replaced all is refused; afterwards writes go on, with an empty queue", async () => {
  const { queue, sent, write, answer } = givenQueue();
  const lost = Promise.allSettled([write("a")]);
  await turn();
  const waiting = Promise.allSettled([write("b")]);
  queue.interrupt(new Error("the metadata writer has ended"));
  const unavailable = { code: "ServiceUnavailable" };
  expect(await lost).toMatchObject([{ reason: unavailable }]);
  expect(await waiting).toMatchObject([{ reason: unavailable }]);
  await expect(write("c")).rejects.toMatchObject(unavailable);
  queue.resume();
  const next = write("d");
  await turn();
  answer();
  expect(await next).toBe("0");
  expect(sizes(sent)).toEqual([1, 1]);
  expect(queue.hasFailed).toBe(false);
});

test("closing waits for what was submitted and refuses what comes after", async () => {
  const { queue, write, answer, closed } = givenQueue();
  const writes = Promise.all(Array.from({ length: 300 }, (_, index) => write(String(index))));
  const closing = queue.close();
  await expect(write("late")).rejects.toThrow("closed");
  await turn();
  answer();
  await turn();
  expect(closed()).toBe(false);
  answer();
  await closing;
  expect(await writes).toHaveLength(300);
  expect(closed()).toBe(true);
});

test("F43 want of room is told as such, for a group and for a write of its own", async () => {
  const { queue, write } = givenQueue();
  const fault = { message: "database or disk is full", isFull: true };
  const alone = write("a");
  await turn();
  queue.receive({ kind: "answers", answers: [{ kind: "failed", fault }] });
  await expect(alone).rejects.toMatchObject({ code: "InsufficientStorage", status: 507 });
  const group = write("b");
  await turn();
  queue.receive({ kind: "group-failed", fault });
  await expect(group).rejects.toMatchObject({ code: "InsufficientStorage", status: 507 });
});

test("F46 a writer that does not answer holds nobody up, and goes on when it does", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { sent, write, answer } = givenQueue();
  const unavailable = { code: "ServiceUnavailable", status: 503 };
  const underway = Promise.allSettled([write("a")]);
  await turn();
  const waiting = Promise.allSettled([write("b")]);
  vi.advanceTimersByTime(30_000);
  expect(await underway).toMatchObject([{ reason: unavailable }]);
  expect(await waiting).toMatchObject([{ reason: unavailable }]);
  await expect(write("c")).rejects.toMatchObject(unavailable);
  expect(sizes(sent)).toEqual([1]);

  answer();
  const later = write("d");
  await turn();
  answer();
  expect(await later).toBe("0");
  expect(sizes(sent)).toEqual([1, 1]);
});

test("F46 closing does not wait for a writer that hangs", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const never = { send: () => undefined, close: () => new Promise<void>(() => undefined) };
  const queue = new WriteQueue(never, realClock);
  const input = { name: "name", value: "a" };
  const writes = Promise.allSettled([queue.submit({ name: "ensureSetting", input })]);
  await turn();
  const closing = Promise.allSettled([queue.close()]);
  await vi.advanceTimersByTimeAsync(30_001);
  expect(await writes).toMatchObject([{ reason: { code: "ServiceUnavailable" } }]);
  expect(await closing).toMatchObject([{ reason: { message: expect.stringContaining("hangs") } }]);
});
