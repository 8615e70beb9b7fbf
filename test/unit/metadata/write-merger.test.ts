// Groups of several sources: merged in their order, bounded, and answered each with its own part.

import { expect, onTestFinished, test, vi } from "vitest";
import { WriteMerger } from "../../../src/metadata/sqlite/write-merger.ts";
import type { GroupReply, WriteGroup } from "../../../src/metadata/sqlite/write-protocol.ts";
import { deleteRequest, MARKER } from "../../contract/metadata/inputs.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

function givenMerger(hasOthers = true) {
  const applied: WriteGroup[] = [];
  const ends: ((reply: GroupReply) => void)[] = [];
  const clock = { now: 0 };
  const merger = new WriteMerger({
    apply: (group) => {
      applied.push(group);
      return new Promise((resolve) => ends.push(resolve));
    },
    hasOthers: () => hasOthers,
    now: () => clock.now,
  });
  const replies: Record<string, unknown> = {};
  const submit = (name: string, count = 1, nowMs = 1, source: object = {}) => {
    const sent = {
      source,
      group: groupOf(name, count, nowMs),
      reply: (reply: GroupReply) => void (replies[name] = valuesOf(reply)),
    };
    merger.submit(sent);
    return sent;
  };
  /** Answers the group under way, each write with its own name. */
  const answer = async () => {
    const answers = (applied.at(-1)?.requests ?? []).map(({ input }) => ({
      kind: "done" as const,
      result: (input as { readonly value: string }).value,
    }));
    ends.shift()?.({ kind: "answers", answers });
    // One that the merger itself may wait for.
    await turn();
    await turn();
  };
  const fail = async () => {
    ends.shift()?.({ kind: "group-failed", fault: { message: "lost", isFull: false } });
    await turn();
  };
  const sizes = () => applied.map(({ requests }) => requests.length);
  return { merger, applied, submit, answer, fail, replies, sizes, clock };
}

function groupOf(name: string, count: number, nowMs: number): WriteGroup {
  const requests = Array.from({ length: count }, (_, index) => ({
    name: "ensureSetting" as const,
    input: { name, value: `${name}-${index}` },
  }));
  return { kind: "group", nowMs, requests };
}

function valuesOf(reply: GroupReply): unknown {
  if (reply.kind === "group-failed") return reply.fault.message;
  return reply.answers.map((answer) => (answer.kind === "done" ? answer.result : answer.kind));
}

test("alone, a group goes at once", () => {
  const { submit, sizes } = givenMerger(false);
  submit("a", 2);
  expect(sizes()).toEqual([2]);
});

test("what has arrived together goes together, and what comes meanwhile goes next", async () => {
  const { submit, answer, sizes, replies, applied } = givenMerger();
  submit("a", 2, 5);
  submit("b", 1, 9);
  await turn();
  submit("c", 3, 7);
  submit("d", 1, 6);
  expect(sizes()).toEqual([3]);
  expect(applied[0]?.nowMs).toBe(9);
  await answer();
  expect(replies).toEqual({ a: ["a-0", "a-1"], b: ["b-0"] });
  expect(sizes()).toEqual([3, 4]);
  await answer();
  expect(replies).toMatchObject({ c: ["c-0", "c-1", "c-2"], d: ["d-0"] });
});

test("after a quick group what comes in the same turn of the event loop goes with what waits", async () => {
  const { submit, answer, sizes } = givenMerger();
  submit("a", 8);
  await turn();
  submit("b", 8);
  setImmediate(() => submit("c", 8));
  await answer();
  expect(sizes()).toEqual([8, 16]);
});

test("where a group takes next to no time, or only one does not, nobody is waited for", async () => {
  const { submit, answer, sizes, clock } = givenMerger();
  const times = [1.9, 600, 1];
  for (const [index, tookMs] of times.entries()) {
    submit(`a${index}`, 8);
    await turn();
    submit(`b${index}`, 8);
    clock.now += tookMs;
    await answer();
    await turn();
    expect(sizes()).toHaveLength(2 * index + 2);
    clock.now += 1;
    await answer();
  }
});

test("under load those that came with the last group are waited for, a moment at most", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { submit, answer, sizes, clock } = givenMerger();
  const [first, second] = [{}, {}];
  submit("a", 4, 1, first);
  await turn();
  submit("b", 4, 1, second);
  clock.now += 2;
  await answer();
  // The second could go, and waits for the first, which comes.
  expect(sizes()).toEqual([4]);
  submit("a", 3, 1, first);
  await turn();
  expect(sizes()).toEqual([4, 7]);
  submit("c", 2);
  clock.now += 2;
  await answer();
  expect(sizes()).toEqual([4, 7]);
  vi.advanceTimersByTime(1);
  await turn();
  expect(sizes()).toEqual([4, 7, 2]);
});

test("they are waited for up to half of the time that groups take, and no longer than 5 ms", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { submit, answer, sizes, clock } = givenMerger();
  submit("a", 4, 1, {});
  await turn();
  submit("b", 4, 1, {});
  clock.now = 6;
  await answer();
  vi.advanceTimersByTime(2);
  await turn();
  expect(sizes()).toEqual([4]);
  vi.advanceTimersByTime(1);
  await turn();
  expect(sizes()).toEqual([4, 4]);
  submit("c", 4, 1, {});
  clock.now = 600;
  await answer();
  vi.advanceTimersByTime(5);
  await turn();
  expect(sizes()).toEqual([4, 4, 4]);
});

test("a source hears how many writes of others went with its own", async () => {
  const replies: GroupReply[] = [];
  const merger = new WriteMerger({
    apply: ({ requests }) =>
      Promise.resolve({
        kind: "answers",
        answers: requests.map(() => ({ kind: "done", result: undefined })),
      }),
    hasOthers: () => true,
  });
  for (const count of [3, 1]) {
    const group = groupOf("a", count, 1);
    merger.submit({ source: {}, group, reply: (reply) => void replies.push(reply) });
  }
  await expect.poll(() => replies).toMatchObject([{ othersCount: 1 }, { othersCount: 3 }]);
});

test("a few writes wait for nobody", async () => {
  const { submit, answer, sizes } = givenMerger();
  submit("a", 3);
  await turn();
  submit("b", 4);
  await answer();
  expect(sizes()).toEqual([3, 4]);
});

test("a merged group is no larger than a source's own may be, and nobody is passed over", async () => {
  const { submit, answer, sizes } = givenMerger();
  for (const [name, count] of [
    ["a", 200],
    ["b", 56],
    ["c", 256],
    ["d", 1],
  ] as const) {
    submit(name, count);
  }
  await turn();
  for (let count = 1; count <= 3; count += 1) {
    await expect.poll(sizes, { timeout: 10_000 }).toHaveLength(count);
    await answer();
  }
  expect(sizes()).toEqual([256, 256, 1]);
});

test("writes of many rows do not go together", async () => {
  const { merger, applied, answer } = givenMerger();
  const requests = Array.from({ length: 6_000 }, (_, index) => deleteRequest(`key-${index}`));
  const many = { name: "deleteObjects", input: { bucketId: 1, requests, marker: MARKER } } as const;
  for (let index = 0; index < 2; index += 1) {
    const group: WriteGroup = { kind: "group", nowMs: 1, requests: [many] };
    merger.submit({ source: group, group, reply: () => undefined });
  }
  await turn();
  await answer();
  expect(applied.map(({ requests: each }) => each.length)).toEqual([1, 1]);
});

test("a group that fails has failed for all of whom it was", async () => {
  const { submit, fail, replies } = givenMerger();
  submit("a");
  submit("b");
  await turn();
  await fail();
  expect(replies).toEqual({ a: "lost", b: "lost" });
});

test("what is withdrawn before it has begun is forgotten; what has begun is not", async () => {
  const { merger, submit, answer, sizes, replies } = givenMerger();
  const begun = submit("a");
  await turn();
  merger.withdraw(begun);
  merger.withdraw(submit("b"));
  await answer();
  expect(replies).toEqual({ a: ["a-0"] });
  expect(sizes()).toEqual([1]);
});

test("at the end what is under way is awaited, what waits is refused, and so is what comes", async () => {
  const { merger, submit, answer, replies } = givenMerger();
  submit("a");
  await turn();
  submit("b");
  const closed = merger.close();
  submit("c");
  await answer();
  await closed;
  expect(replies).toEqual({
    a: ["a-0"],
    b: "the metadata is closed",
    c: "the metadata is closed",
  });
});
