// Where a thread's code is looked for, compiled and from source.

import { expect, test } from "vitest";
import { workerEntry } from "../../../src/util/worker-entry.ts";

test.each([
  ["file:///app/dist/metadata/x.js", "./thread.js", "file:///app/dist/metadata/thread.js"],
  ["file:///app/src/metadata/x.ts", "./thread.js", "file:///app/dist/metadata/thread.js"],
  ["file:///src/app/src/a/x.ts", "../b/thread.js", "file:///src/app/dist/b/thread.js"],
  ["file:///a%20b/src/x.ts", "./thread.js", "file:///a%20b/dist/thread.js"],
  ["file:///elsewhere/x.ts", "./thread.js", "file:///elsewhere/thread.js"],
])("a thread of %s named %s is %s", (caller, name, expected) => {
  expect(workerEntry(caller, name).href).toBe(expected);
});
