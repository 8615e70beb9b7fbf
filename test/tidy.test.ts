// House rules that no linter states: which layer may import which, and how large a file may grow.
// They live in a test, not in a document, so that breaking one fails the build.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const BASE = ["core", "telemetry", "util"];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  util: [],
  core: ["util"],
  telemetry: ["util"],
  erasure: ["util"],
  disk: BASE,
  datanode: [...BASE, "disk"],
  metadata: [...BASE, "disk"],
  background: BASE,
  auth: [...BASE, "metadata"],
  store: [...BASE, "metadata", "erasure", "datanode"],
  events: [...BASE, "metadata", "background"],
  lifecycle: [...BASE, "metadata", "background", "store"],
  repair: [...BASE, "metadata", "background", "store"],
  replication: [...BASE, "metadata", "background", "store"],
  api: [...BASE, "auth", "store"],
  admin: [...BASE, "auth", "background", "store"],
  cli: ["util"],
  console: [],
};

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => join("src", file));
const source = (file: string) => readFileSync(file, "utf8");

test.each(files)("%s imports only from the layers below it", (file) => {
  const layer = layerOf(file);
  if (layer === "root") return; // main.ts wires everything; nothing may import it back.
  const imported = [...source(file).matchAll(/(?:from|import\() ?"(\.[^"]+)"/g)].map((match) =>
    layerOf(join(dirname(file), match[1] ?? "")),
  );
  const allowed = new Set([layer, ...(MAY_IMPORT[layer] ?? [])]);
  expect(imported.filter((name) => !allowed.has(name))).toEqual([]);
});

test("the source tree is not empty and every file is at most 400 lines", () => {
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter((file) => source(file).split("\n").length > 400)).toEqual([]);
});

function layerOf(file: string): string {
  const [first = "", ...rest] = relative("src", file).split("/");
  return rest.length === 0 ? "root" : first;
}
