// The client process for numbered objects: does each request of a job once, over a number of connections, and tells how
// long all of them took. A process of its own, so that it and the server do not share an event loop.

import { NumberedBytes, numberedPath, type NumberedJob } from "./numbered-objects.ts";
import { Presigner } from "./presign.ts";
import { RawClient } from "./raw-client.ts";

const EXPECTED = { DELETE: 204, GET: 200, GONE: 404, PUT: 200 } as const;

process.on("message", (job: NumberedJob) => {
  run(job).then(
    (seconds) => process.send?.({ seconds }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});

async function run(job: NumberedJob): Promise<number> {
  const numbers = numbersOf(job);
  const begin = performance.now();
  await Promise.all(Array.from({ length: job.connections }, () => drain(job, numbers)));
  return (performance.now() - begin) / 1_000;
}

/** One connection: takes numbers until there are none left. */
async function drain(job: NumberedJob, numbers: Iterator<number, unknown>): Promise<void> {
  const { bucket, sizeBytes, target, verb } = job;
  const presigner = new Presigner(target);
  const client = new RawClient(target.host, target.port);
  const bytes = new NumberedBytes(sizeBytes);
  const method = verb === "GONE" ? "GET" : verb;
  try {
    for (let next = numbers.next(); next.done !== true; next = numbers.next()) {
      const path = numberedPath(bucket, next.value);
      const request = { method, target: presigner.sign({ method, path }), keepBody: true };
      const answer = await client.send(
        verb === "PUT" ? { ...request, body: bytes.of(next.value) } : request,
      );
      if (answer.status !== EXPECTED[verb]) {
        throw new Error(
          `${verb} ${path}: ${answer.status} ${answer.body.toString("latin1", 0, 300)}`,
        );
      }
      if (verb === "GET" && !answer.body.equals(bytes.of(next.value))) {
        throw new Error(`${path}: wrong bytes`);
      }
    }
  } finally {
    client.close();
  }
}

function* numbersOf({ numbers }: NumberedJob): Generator<number, void> {
  if (!("start" in numbers)) {
    yield* numbers;
    return;
  }
  for (let number = numbers.start; number < numbers.end; number += 1) yield number;
}
