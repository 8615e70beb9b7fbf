// The gathering of writes into groups, over a transport that only notes what it is given.

import { expect, test } from "vitest";
import { realClock } from "../../../src/util/clock.ts";
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

test("a group is bounded, and so is the queue", async () => {
  const { sent, write, answer } = givenQueue();
  const writes = Array.from({ length: 4_096 }, (_, index) => write(String(index)));
  await expect(write("one too many")).rejects.toMatchObject({ code: "SlowDown", status: 503 });
  for (let groups = 1; groups <= 16; groups += 1) {
    await turn();
    expect(sent).toHaveLength(groups);
    answer();
  }
  await Promise.all(writes);
  expect(new Set(sizes(sent))).toEqual(new Set([256]));
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
      { kind: "failed", message: "broken" },
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
  queue.receive({ kind: "group-failed", message: "disk I/O error" });
  await expect(lost).rejects.toThrow("disk I/O error");
  await turn();
  answer();
  expect(await next).toBe("0");
});

test("a writer that is gone rejects all that waits and all that comes", async () => {
  const { queue, write } = givenQueue();
  const underway = write("a");
  await turn();
  const waiting = write("b");
  queue.fail(new Error("the metadata writer has ended"));
  await expect(underway).rejects.toThrow("has ended");
  await expect(waiting).rejects.toThrow("has ended");
  await expect(write("c")).rejects.toThrow("has ended");
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
