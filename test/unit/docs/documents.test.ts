// The documents say what is there: files, scripts, metrics and messages that they name exist, and links lead somewhere.
// Messages that docs/OPERATIONS.md quotes (*"..."*, with ... for what differs) stand in the source.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { DURABILITY_PAGE, withDurabilityTable } from "../../../scripts/support/durability-table.ts";

const read = (path: string): string => readFileSync(path, "utf8");

const pagesIn = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));

/** What is said of today: decisions and the changelog also name what was. */
const PAGES = ["README.md", "CONTRIBUTING.md", "bench/README.md", ...pagesIn("docs")];
const HISTORIES = ["CHANGELOG.md", "SECURITY.md", ...pagesIn("docs/decisions")];

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));

const FOLDERS = ["src", "test", "scripts", "bench", "docs"];
const files = FOLDERS.flatMap(filesBelow);

const matchesOf = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map(([, first = ""]) => first);

/** A path from the root, or the end of one. */
const isThere = (name: string): boolean =>
  existsSync(name) || files.some((file) => file.endsWith(`/${name}`));

const isOutside = (link: string): boolean => /^(https?|mailto):/.test(link);

test.each(PAGES)("%s names only files that are there", (page) => {
  const named = matchesOf(read(page), /`([\w./-]+\.(?:ts|mjs|py|md|c))`/g);
  expect(named.filter((name) => !isThere(name))).toEqual([]);
});

test.each([...PAGES, ...HISTORIES])("every link of %s leads somewhere", (page) => {
  const links = matchesOf(read(page), /\]\(([^)#\s]+)[^)]*\)/g);
  const missing = links.filter(
    (link) => !isOutside(link) && !existsSync(join(dirname(page), link)),
  );
  expect(missing).toEqual([]);
});

test.each(PAGES)("every script that %s names is there", (page) => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  const named = matchesOf(read(page), /npm run ([\w:-]+)/g);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test("docs/ARCHITECTURE.md names tests that are there beside every invariant", () => {
  const rows = read("docs/ARCHITECTURE.md")
    .split("\n")
    .filter((line) => /^\| \d+ \|/.test(line));
  expect(rows.length).toBe(10);
  for (const row of rows) {
    const tests = matchesOf(row, /`(test\/[\w./-]+\/|[\w./-]+\.test\.ts)`/g);
    expect(tests.length, row).toBeGreaterThan(0);
    expect(
      tests.filter((name) => !isThere(name)),
      row,
    ).toEqual([]);
  }
});

test("the metrics that the documents name are those of the page, all of them", () => {
  const page = read("src/admin/metrics-page.ts");
  const own = matchesOf(page, /\b(?:counter|gauge|one)\(\s*"(\w+)"/g).map(
    (name) => `kintsugi_${name}`,
  );
  const known = new Set([...own, "kintsugi_s3_request_duration_seconds"]);
  const namedIn = (path: string): readonly string[] => matchesOf(read(path), /\b(kintsugi_\w+)/g);
  const named = [...namedIn("docs/ADMIN.md"), ...namedIn("docs/OPERATIONS.md")];
  expect(named.filter((name) => !known.has(name))).toEqual([]);
  expect([...known].filter((name) => !namedIn("docs/ADMIN.md").includes(name))).toEqual([]);
});

test("the messages that docs/OPERATIONS.md quotes are those of the program", () => {
  const source = filesBelow("src")
    .filter((file) => file.endsWith(".ts"))
    .map((file) =>
      read(file)
        .replaceAll(/["`] \+\s+["`]/g, "")
        .replaceAll("\\`", "`"),
    )
    .join("\n");
  const quoted = matchesOf(read("docs/OPERATIONS.md"), /\*"([^*]+)"\*/g);
  expect(quoted.length).toBeGreaterThan(20);
  const fragments = quoted.flatMap((message) => message.split("...").map((part) => part.trim()));
  expect(fragments.filter((fragment) => !source.includes(fragment))).toEqual([]);
});

test("the table of durability is what `npm run durability` writes", () => {
  const page = read(DURABILITY_PAGE);
  expect(page).toBe(withDurabilityTable(page));
});
