// What a database gives back to its disk after much of it was deleted. A disk that is short of room: full-disk.test.ts.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { GiveBack } from "../../../src/metadata/sqlite/give-back.ts";
import { GroupWriter } from "../../../src/metadata/sqlite/group-writer.ts";
import { openForReading, openForWriting } from "../../../src/metadata/sqlite/open-database.ts";

const POLL = { timeout: 20_000, interval: 20 };
/** Of 3,000 bytes each: more pages than are kept empty. */
const ROWS = 8_000;

function givenDatabase() {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-give-back-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "metadata.db");
  const database = openForWriting(path);
  const insert = database.prepare("insert into inline_data (id, bytes) values (?, ?)");
  database.transaction(() => {
    for (let id = 1; id <= ROWS; id += 1) insert.run(id, Buffer.alloc(3_000, id));
  })();
  const writer = new GroupWriter(database, { hasMembers: false });
  onTestFinished(() => writer.close());
  let lookCount = 0;
  const giveBack = new GiveBack({
    folder,
    betweenGroups: async (work) => {
      work(writer);
      lookCount += 1;
    },
    takeSnapshot: () => false,
  });
  onTestFinished(() => giveBack.close());
  return { path, database, writer, giveBack, looks: () => lookCount };
}

test("empty pages go, a few at a time, until few are left; what is there stays", async () => {
  const { path, database, writer, giveBack } = givenDatabase();
  const before = writer.pages;
  database.exec(`delete from inline_data where id > ${ROWS / 8}`);
  expect(writer.pages.count).toBe(before.count);
  giveBack.noteGroup();
  await expect.poll(() => writer.pages.count, POLL).toBeLessThan(before.count * 0.75);
  await expect.poll(() => writer.pages.free, POLL).toBeLessThan(4_096);

  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
  const reader = openForReading(path);
  onTestFinished(() => void reader.close());
  const counted = reader.prepare("select count(*), sum(length(bytes)) from inline_data").raw();
  expect(counted.get()).toEqual([ROWS / 8, (ROWS / 8) * 3_000]);
});

test("a database of which little is empty is left alone", async () => {
  const { database, writer, giveBack, looks } = givenDatabase();
  database.exec(`delete from inline_data where id > ${ROWS - 500}`);
  const { count, free } = writer.pages;
  expect(free).toBeGreaterThan(0);
  giveBack.noteGroup();
  await expect.poll(looks, POLL).toBe(1);
  expect(writer.pages).toMatchObject({ count, free });
});
