// What a test, or a trial of the laboratory, has opened is closed when it is over: support code says here what is to be
// done then, and need not know for which of the two it works.

import { AsyncLocalStorage } from "node:async_hooks";
import { onTestFinished } from "vitest";

type End = () => unknown;

const trials = new AsyncLocalStorage<End[]>();

/** At the end of the trial that this is part of; of the test, where it is part of none. */
export function atEnd(end: End): void {
  const ends = trials.getStore();
  if (ends !== undefined) ends.push(end);
  else onTestFinished(async () => void (await end()));
}

/** Does the work, and then, however it ended, what was to be done at its end: the last first. */
export async function withEnds<Value>(work: () => Promise<Value>): Promise<Value> {
  const ends: End[] = [];
  try {
    return await trials.run(ends, work);
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}
