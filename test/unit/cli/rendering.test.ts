// What the commands print: quantities as people read them, progress on a terminal and elsewhere, lines cut out of a stream,
// and nothing of what a key may hold that would take over a terminal.

import { expect, test } from "vitest";
import { linesOf } from "../../../src/cli/lines-of.ts";
import { plainText } from "../../../src/cli/plain-text.ts";
import { ProgressLine } from "../../../src/cli/progress-line.ts";
import { renderBytes, renderMany, renderSeconds } from "../../../src/cli/quantities.ts";
import { renderFields, renderFieldsShort } from "../../../src/cli/render-fields.ts";
import {
  isCleanReport,
  renderFinding,
  renderVerifyProgress,
  renderVerifyReport,
} from "../../../src/cli/render-verify.ts";

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [150 * 1024, "150 KiB"],
  [5 * 1024 ** 3, "5.0 GiB"],
  [2 ** 60, "1024 PiB"],
])("%i bytes: %s", (bytes, words) => expect(renderBytes(bytes)).toBe(words));

test.each([
  [0, "0 s"],
  [59.4, "59 s"],
  [61, "1 min 1 s"],
  [3_700, "1 h 1 min"],
  [90_000, "1 d 1 h"],
])("%d seconds: %s", (seconds, words) => expect(renderSeconds(seconds)).toBe(words));

test("one and many", () => {
  expect([
    renderMany(1, "copy", "copies"),
    renderMany(2, "copy", "copies"),
    renderMany(1_000, "drive"),
  ]).toEqual(["1 copy", "2 copies", "1,000 drives"]);
});

test("a finding is one line, whatever its key holds", () => {
  const line = renderFinding({
    type: "finding",
    kind: "below-redundancy",
    bucket: "photos",
    key: "a\u001b[2Jb\n\u202ec",
    entry: "part",
    detail: [7, 2],
    setId: "ab12",
    problem: "shard 3 is gone from /data/drive-4",
  });
  expect(line).toBe(
    String.raw`below-redundancy photos/a\u001b[2Jb\u000a\u202ec (part 7.2): shard 3 is gone from /data/drive-4 [set ab12]`,
  );
  expect(plainText("ключ 🏺 e\u0301")).toBe("ключ 🏺 e\u0301");
});

test("a finding of no object, and one of a version that says less, are lines too", () => {
  expect(renderFinding({ type: "finding", kind: "damaged-copy", problem: "x" })).toBe(
    "damaged-copy: x",
  );
  expect(renderFinding({ type: "finding" })).toBe("finding: ");
});

const REPORT = {
  type: "report",
  isComplete: true,
  objects: 3,
  parts: 0,
  deleteMarkers: 0,
  bytes: 3_000,
  sets: 1,
  shardsRead: 6,
  shardBytesRead: 9_000,
  findings: { "below-redundancy": 0, unreadable: 0 },
  belowRedundancy: 0,
  elapsedMs: 1_500,
};

test("a report is clean when it is whole and without findings, and says so", () => {
  expect(isCleanReport(REPORT)).toBe(true);
  expect(renderVerifyReport(REPORT)).toContain("clean: everything is whole");
  const found = { ...REPORT, findings: { unreadable: 2 }, belowRedundancy: 2 };
  expect(isCleanReport(found)).toBe(false);
  expect(renderVerifyReport(found)).toMatch(/unreadable: 2\n2 findings\n$/);
  const cut = { ...REPORT, isComplete: false };
  expect(isCleanReport(cut)).toBe(false);
  expect(renderVerifyReport(cut)).toContain("NOT COMPLETE");
  // A report of a form that is not known is not taken for a good one.
  expect(isCleanReport({ type: "report" })).toBe(false);
});

test("what nothing names is told where it was looked for", () => {
  const unnamed = { orphanSets: 4, ownSets: 1, unknownSets: 2, examples: [] };
  expect(renderVerifyReport({ ...REPORT, unnamed })).toContain("4 orphans");
  expect(renderVerifyReport(REPORT)).not.toContain("orphans");
});

test("progress tells how far it is, and how long it may take", () => {
  const progress = { type: "progress", objectsDone: 5, partsDone: 0, bytesDone: 512, findings: 0 };
  expect(
    renderVerifyProgress({ ...progress, bytesTotal: 1024, bytesPerSecond: 2048, secondsLeft: 61 }),
  ).toBe("verifying: 5 objects and parts, 512 B (50%), 2.0 KiB/s, 1 min 1 s left, 0 findings");
  expect(renderVerifyProgress(progress)).not.toContain("%");
});

test("reports of other jobs are shown field by field", () => {
  const report = {
    type: "report",
    isComplete: true,
    removedShards: 1_200,
    movedBytes: 2_048,
    elapsedMs: 2_000,
    refusal: undefined,
  };
  expect(
    renderFields(report)
      .split("\n")
      .map((line) => line.replaceAll(/ {2,}/g, ": ")),
  ).toEqual([
    "is complete: yes",
    "removed shards: 1,200",
    "moved bytes: 2.0 KiB",
    "elapsed: 2 s",
    "",
  ]);
  expect(renderFieldsShort("sweep", { type: "progress", foldersDone: 3 })).toBe(
    "sweep: folders done 3",
  );
});

test("on a terminal progress is one line that is written over; elsewhere a line every few seconds", () => {
  let [text, now] = ["", 0];
  const out = { isTTY: true, write: (words: string) => (text += words) };
  const terminal = new ProgressLine(out, () => now);
  terminal.show("one");
  terminal.show("two");
  terminal.clear();
  expect(text).toBe("\r\u001b[Kone\r\u001b[Ktwo\r\u001b[K");
  text = "";
  const elsewhere = new ProgressLine({ write: out.write }, () => now);
  for (now = 0; now <= 10_000; now += 1_000) elsewhere.show(String(now));
  elsewhere.clear();
  expect(text).toBe("0\n5000\n10000\n");
});

async function* chunksOf(text: string, sizeBytes: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
}

test.each([1, 2, 3, 7, 1_000])("lines come whole from chunks of %i bytes", async (sizeBytes) => {
  const lines: string[] = [];
  for await (const line of linesOf(chunksOf("één\n\nzwei 🏺\nthree", sizeBytes))) lines.push(line);
  expect(lines).toEqual(["één", "", "zwei 🏺", "three"]);
});

async function countLines(chunks: AsyncIterable<Buffer>): Promise<number> {
  let count = 0;
  for await (const _ of linesOf(chunks)) count += 1;
  return count;
}

test("a line without an end is an error, not a full memory", async () => {
  const endless = chunksOf("x".repeat(3_000_000), 65_536);
  await expect(countLines(endless)).rejects.toThrow(/no end/);
});
