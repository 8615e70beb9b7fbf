// House rules that no linter states: which layer may import which, how large a file may grow, and what no file may
// name. They live in a test, not in a document, so that breaking one fails the build.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const BASE = ["core", "telemetry", "util"];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  util: [],
  core: ["util"],
  telemetry: ["util"],
  policy: ["core", "util"],
  erasure: ["util"],
  disk: BASE,
  journal: [...BASE, "disk"],
  datanode: [...BASE, "disk", "journal"],
  metadata: [...BASE, "disk", "journal", "datanode"],
  background: BASE,
  auth: [...BASE, "policy", "metadata"],
  store: [...BASE, "policy", "background", "metadata", "erasure", "datanode"],
  lifecycle: [...BASE, "metadata", "store"],
  repair: [...BASE, "metadata", "store"],
  layout: [...BASE, "metadata", "store", "repair"],
  backup: [...BASE, "journal", "metadata"],
  rebuild: [...BASE, "journal", "datanode", "erasure", "metadata", "store"],
  api: [...BASE, "auth", "policy", "store", "lifecycle"],
  admin: [...BASE, "auth", "background", "metadata", "store", "repair", "layout"],
  cli: ["util", "core", "auth"],
  console: [],
};

/** Read once, by main.ts: nothing below the root may know where a setting came from. */
const ROOT_ONLY = new Set(["config", "root", "wiring"]);

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => join("src", file));
const source = (file: string) => readFileSync(file, "utf8");

test.each(files)("%s imports only from the layers below it", (file) => {
  const layer = layerOf(file);
  if (ROOT_ONLY.has(layer)) return; // The root wires everything; the rule below keeps others from importing it.
  const imported = [...source(file).matchAll(/(?:from|import\() ?"(\.[^"]+)"/g)].map((match) =>
    layerOf(join(dirname(file), match[1] ?? "")),
  );
  const allowed = new Set([layer, ...(MAY_IMPORT[layer] ?? [])]);
  expect(imported.filter((name) => !allowed.has(name))).toEqual([]);
});

test("every folder of the source tree is a layer that the table above knows", () => {
  const known = new Set([...ROOT_ONLY, ...Object.keys(MAY_IMPORT)]);
  expect(files.map(layerOf).filter((layer) => !known.has(layer))).toEqual([]);
});

test("the source tree is not empty and every file is at most 400 lines", () => {
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter((file) => source(file).split("\n").length > 400)).toEqual([]);
});

test("every source file says at its head what it is for", () => {
  expect(files.filter((file) => !/^(#!.*\n)?\/\/ \S/.test(source(file)))).toEqual([]);
});

test("engines are known in their own folder only", () => {
  const outside = files.filter((file) => layerOf(file) !== "metadata");
  expect(outside.filter((file) => /["'](better-sqlite3|pg)["']/.test(source(file)))).toEqual([]);
  const below = files.filter((file) => layerOf(file) !== "erasure");
  expect(below.filter((file) => source(file).includes("reed-solomon-erasure"))).toEqual([]);
});

test("no file but the disk's own opens files that must survive", () => {
  const layers = new Set(["datanode", "store", "background", "api", "auth"]);
  const careful = files.filter((file) => layers.has(layerOf(file)));
  expect(careful.filter((file) => /["']node:fs(\/promises)?["']/.test(source(file)))).toEqual([]);
});

test("the lockfile names no registry host", () => {
  expect(readFileSync("package-lock.json", "utf8")).not.toContain('"resolved"');
});

function layerOf(file: string): string {
  const [first = "", ...rest] = relative("src", file).split("/");
  return rest.length === 0 ? "root" : first;
}

test("S100: no dependency is older than the version that mended what could be exploited in it", () => {
  const floors = Object.entries(
    JSON.parse(readFileSync("test/tidy/floors.json", "utf8")) as Record<string, { least: string }>,
  );
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly version?: string }>>;
  };
  const installed = Object.entries(packages).flatMap(([path, { version = "" }]) => {
    const floor = floors.find(([name]) => path.endsWith(`node_modules/${name}`));
    return floor === undefined ? [] : [{ path, version, floor: floor[1].least }];
  });
  expect(installed.length).toBeGreaterThanOrEqual(floors.length);
  expect(installed.filter(({ version, floor }) => isOlder(version, floor))).toEqual([]);
});

function isOlder(version: string, floor: string): boolean {
  const [have, least] = [version, floor].map((text) => text.split(/[.+-]/).map(Number));
  for (const [index, number] of (least ?? []).entries()) {
    const difference = (have?.[index] ?? 0) - number;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
