// Where code that is started by its name is looked for: compiled, bundled, and from source.

import { expect, test } from "vitest";
import { codeRoot, programFile, workerEntry } from "../../../src/util/code-root.ts";

test.each([
  ["file:///app/dist/chunks/x.js", "file:///app/dist/"],
  ["file:///app/dist/main.js", "file:///app/dist/"],
  ["file:///usr/src/app/dist/a/x.js", "file:///usr/src/app/dist/"],
  ["file:///app/src/metadata/x.ts", "file:///app/src/"],
  ["file:///src/app/src/a/x.ts", "file:///src/app/src/"],
  ["file:///a%20b/dist/x.js", "file:///a%20b/dist/"],
])("the root of %s is %s", (caller, expected) => {
  expect(codeRoot(caller).href).toBe(expected);
});

test("threads are compiled code, programs what runs already", () => {
  const [source, bundle] = ["file:///app/src/a/x.ts", "file:///app/dist/chunks/x.js"];
  expect(workerEntry(source, "b/thread").href).toBe("file:///app/dist/b/thread.js");
  expect(workerEntry(bundle, "b/thread").href).toBe("file:///app/dist/b/thread.js");
  expect(programFile(source, "main").href).toBe("file:///app/src/main.ts");
  expect(programFile(bundle, "main").href).toBe("file:///app/dist/main.js");
});
