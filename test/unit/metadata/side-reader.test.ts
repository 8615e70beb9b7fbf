// Whether the file that has the name still is the one that is open: looked at once for those who ask side by side.

import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openForWriting } from "../../../src/metadata/sqlite/open-database.ts";
import { SideReader } from "../../../src/metadata/sqlite/side-reader.ts";
import { atEnd } from "../../support/at-end.ts";

function givenReader() {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-side-reader-"));
  atEnd(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "metadata.db");
  openForWriting(path).close();
  const reader = new SideReader(path);
  reader.renew();
  atEnd(() => reader.close());
  const replace = (): void => {
    const next = join(folder, "next.db");
    openForWriting(next).close();
    renameSync(next, path);
  };
  return { reader, replace };
}

test("who asks side by side with another is served by the same look; who comes after them is told", async () => {
  const { reader, replace } = givenReader();
  expect(reader.isBehind).toBe(false);
  replace();
  expect(reader.isBehind).toBe(false);
  await Promise.resolve();
  expect(reader.isBehind).toBe(true);
});

test("once the new one is open nobody is behind, whatever was seen a moment before", () => {
  const { reader, replace } = givenReader();
  expect(reader.isBehind).toBe(false);
  replace();
  reader.renew();
  expect(reader.isBehind).toBe(false);
});
