// The walk of one page over a sorted list that counts what is asked of it: what a page costs must not depend on how
// many keys a common prefix hides, nor on how many follow.

import { expect, test } from "vitest";
import { pageStart, walkPage } from "../../../src/metadata/sqlite/page-walk.ts";

function countedIndex(keys: readonly string[]) {
  const counts = { seeks: 0, rows: 0 };
  const seek = (from: string, count: number) => {
    counts.seeks += 1;
    return take(keys.filter((key) => key >= from).slice(0, count));
  };
  function* take(found: readonly string[]) {
    for (const key of found) {
      counts.rows += 1;
      yield { key };
    }
  }
  return { counts, seek };
}

const numbered = (folder: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${folder}/${String(index).padStart(5, "0")}`);

test("a common prefix costs one seek, however many keys it hides", () => {
  const keys = [...numbered("a", 3_000), ...numbered("b", 3_000), "c", ...numbered("d", 3_000)];
  const { counts, seek } = countedIndex(keys);
  const page = walkPage({ prefix: "", delimiter: "/", limit: 1_000 }, seek("", 1_001), seek);
  expect(page.entries.map((entry) => entry.prefix ?? entry.row?.key)).toEqual([
    "a/",
    "b/",
    "c",
    "d/",
  ]);
  expect(page.isTruncated).toBe(false);
  expect(counts).toEqual({ seeks: 4, rows: 4 });
});

test("a page reads one row more than it shows", () => {
  const { counts, seek } = countedIndex(numbered("a", 5_000));
  const page = walkPage({ prefix: "a/", delimiter: "/", limit: 10 }, seek("a/", 11), seek);
  expect(page.entries).toHaveLength(10);
  expect(page.isTruncated).toBe(true);
  expect(counts).toEqual({ seeks: 1, rows: 11 });
});

test("the last common prefix of a full page is seen without reading what it hides", () => {
  const { counts, seek } = countedIndex([...numbered("a", 100), ...numbered("b", 100)]);
  const page = walkPage({ prefix: "", delimiter: "/", limit: 1 }, seek("", 2), seek);
  expect(page).toEqual({ entries: [{ prefix: "a/" }], isTruncated: true });
  expect(counts).toEqual({ seeks: 2, rows: 2 });
});

test.each([
  ["at the prefix", { prefix: "a/", delimiter: "" }, undefined, "a/"],
  ["right after a key", { prefix: "a/", delimiter: "" }, "a/b", "a/b\u0000"],
  ["at the prefix when the marker comes before it", { prefix: "b", delimiter: "/" }, "a/", "b"],
  ["behind a common prefix", { prefix: "", delimiter: "/" }, "a/", "a0"],
  ["within a common prefix", { prefix: "", delimiter: "/" }, "a/b", "a/b\u0000"],
  [
    "behind the end of everything",
    { prefix: "", delimiter: "\u{10ffff}" },
    "\u{10ffff}",
    undefined,
  ],
])("a page begins %s", (_where, query, after, expected) => {
  expect(pageStart(query, after)).toBe(expected);
});
