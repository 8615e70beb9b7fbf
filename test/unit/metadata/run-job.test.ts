// Jobs in threads of their own: an answer counts when it comes, whatever then keeps the thread.

import { expect, test } from "vitest";
import { runJob } from "../../../src/metadata/sqlite/run-job.ts";

const thread = (code: string) =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort } from "node:worker_threads"; ${code}`)}`,
  );

const answering = 'parentPort.postMessage({ kind: "done" });';
/** Its port stays open: it never ends by itself. */
const staying = 'parentPort.on("message", () => {});';

test("an answer counts although the thread does not end", async () => {
  expect(await runJob(thread(answering + staying), {}, undefined)).toEqual({ kind: "done" });
});

test("one that ends without an answer, dies or is aborted has failed", async () => {
  expect(await runJob(thread(""), {}, undefined)).toMatchObject({ kind: "failed" });
  const died = await runJob(thread('throw new Error("why");'), {}, undefined);
  expect(died).toEqual({ kind: "failed", message: "why" });
  expect(await runJob(thread(staying), {}, AbortSignal.abort())).toMatchObject({ kind: "failed" });
});
