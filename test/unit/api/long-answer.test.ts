// Answers to work that takes long: an ordinary answer while it is quick, and a 200 that begins with white space later.

import { afterEach, expect, test } from "vitest";
import { awaitLongWork } from "../../../src/api/long-answer.ts";
import type { S3Response } from "../../../src/api/operation.ts";
import { xmlResponse } from "../../../src/api/response.ts";
import { S3Error } from "../../../src/core/s3-error.ts";
import { serveWith } from "../../support/http-handler.ts";
import type { HandlerLab } from "../../support/http-handler.ts";
import { sendRaw } from "../../support/raw-http.ts";

const PLACE = { resource: "/b/k", requestId: "1", hostId: "2" };
const DONE = xmlResponse("CopyObjectResult", { ETag: '"x"' });

let lab: HandlerLab | undefined;
afterEach(async () => {
  await lab?.stop();
  lab = undefined;
});

/** A server whose work ends as it is told once the first bytes of an early answer have gone out. */
async function answerOf(finish: () => Promise<S3Response>) {
  const noted: S3Error[] = [];
  lab = await serveWith((_message, out) => {
    const begun = new Promise<void>((resolve) => {
      const look = setInterval(() => {
        if (!out.headersSent) return;
        clearInterval(look);
        resolve();
      }, 1);
    });
    const work = begun.then(finish);
    void awaitLongWork(out, work, {
      common: { "x-amz-request-id": "1" },
      place: PLACE,
      onError: (error) => noted.push(error),
      patienceMs: 1,
      spaceEveryMs: 1,
    }).then(() => out.end());
  });
  const answer = await sendRaw(lab.port, "PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  return { answer, noted };
}

test("work that ends in time is answered by whoever asked", async () => {
  const results: unknown[] = [];
  lab = await serveWith(async (_message, out) => {
    const options = { common: {}, place: PLACE, onError: () => undefined };
    results.push(await awaitLongWork(out, Promise.resolve(DONE), options), out.headersSent);
    out.end();
  });
  await sendRaw(lab.port, "PUT / HTTP/1.1\r\nHost: h\r\n\r\n");
  expect(results).toEqual([DONE, false]);
});

test("work that fails in time rejects with its own error", async () => {
  const results: unknown[] = [];
  lab = await serveWith(async (_message, out) => {
    const work = Promise.reject(new S3Error("NoSuchKey"));
    const options = { common: {}, place: PLACE, onError: () => undefined };
    await awaitLongWork(out, work, options).catch((error: unknown) => results.push(error));
    out.end();
  });
  await sendRaw(lab.port, "PUT / HTTP/1.1\r\nHost: h\r\n\r\n");
  expect(results).toMatchObject([{ code: "NoSuchKey" }]);
});

test("later the answer is 200, white space, then the document, with one declaration", async () => {
  const { answer, noted } = await answerOf(async () => DONE);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("application/xml");
  expect(answer.headers.get("x-amz-request-id")).toBe("1");
  expect(answer.body.match(/<\?xml/g)).toHaveLength(1);
  expect(answer.body).toContain("<CopyObjectResult");
  expect(noted).toEqual([]);
});

test("later an error is a document too, and is told to the pipeline", async () => {
  const { answer, noted } = await answerOf(() => Promise.reject(new S3Error("NoSuchKey")));
  expect(answer.status).toBe(200);
  expect(answer.body).toContain("<Code>NoSuchKey</Code>");
  expect(answer.body.match(/<\?xml/g)).toHaveLength(1);
  expect(noted.map(({ code }) => code)).toEqual(["NoSuchKey"]);
});

test("what is no S3Error is InternalError, without its words (S99)", async () => {
  const { answer, noted } = await answerOf(() => Promise.reject(new Error("table users")));
  expect(answer.body).toContain("<Code>InternalError</Code>");
  expect(answer.body).not.toContain("users");
  expect(noted.map(({ code }) => code)).toEqual(["InternalError"]);
});
