// What jobs say while they run, and their reports, as JSON Schema: each line of a streamed answer is one of these.

import type { CompactProgress } from "../store/compaction.ts";
import type { SweepProgress, SweepReport } from "../store/sweep-report.ts";
import type {
  FindingKind,
  ShardFinding,
  UnnamedShards,
  VerifyFinding,
  VerifyProgress,
  VerifyReport,
} from "../store/verify-report.ts";
import {
  count,
  flag,
  listOf,
  maybe,
  number,
  objectOf,
  oneOf,
  tagged,
  text,
  type FieldSchemas,
  type JsonSchema,
} from "./json-schema.ts";
import type { AnswerSchema } from "./route-schema.ts";

const KINDS = [
  "below-redundancy",
  "damaged-bytes",
  "damaged-copy",
  "damaged-row",
  "disagrees",
  "unreadable",
] satisfies readonly FindingKind[];

const verifyFinding: FieldSchemas<VerifyFinding> = {
  kind: oneOf(KINDS),
  bucket: maybe(text()),
  key: maybe(text()),
  entry: maybe(oneOf(["delete-marker", "object", "part"])),
  detail: listOf(number(), "the version's number; or upload and part number"),
  sizeBytes: count(),
  setId: maybe(text()),
  shards: listOf(
    objectOf<ShardFinding>({
      index: count(),
      drive: maybe(text()),
      state: oneOf(["away", "damaged", "missing", "wrong"]),
      problem: text(),
    }),
    "only those that are not good",
  ),
  problem: text("in a sentence"),
};

const verifyProgress: FieldSchemas<VerifyProgress> = {
  objectsDone: count(),
  partsDone: count(),
  bytesDone: count(),
  objectsTotal: maybe(count()),
  bytesTotal: maybe(count()),
  findings: count(),
  bytesPerSecond: number("read from drives, of late"),
  secondsLeft: maybe(number()),
};

const verifyReport: FieldSchemas<VerifyReport> = {
  isComplete: flag("false when it was cut short: nothing is known of the rest"),
  query: objectOf<VerifyReport["query"]>({ bucket: maybe(text()), prefix: maybe(text()) }),
  objects: count(),
  deleteMarkers: count(),
  parts: count(),
  bytes: count(),
  sets: count(),
  shardsRead: count(),
  shardBytesRead: count(),
  findings: objectOf<VerifyReport["findings"]>({
    "below-redundancy": count(),
    "damaged-bytes": count(),
    "damaged-copy": count(),
    "damaged-row": count(),
    disagrees: count(),
    unreadable: count(),
  }),
  belowRedundancy: count("objects and parts of which shards are lost or away"),
  unnamed: maybe(
    objectOf<UnnamedShards>({
      orphanSets: count("the sweep removes them"),
      ownSets: count("uploads under way"),
      unknownSets: count("of processes that the metadata does not know: kept"),
      examples: listOf(text()),
      skippedDrives: listOf(text()),
    }),
  ),
  elapsedMs: number(),
};

const compactProgress: FieldSchemas<CompactProgress> = {
  packCount: count("packs that were looked through"),
  movedCount: count(),
  movedBytes: count(),
  unreadableCount: count("what could not be read now: it stays where it is"),
  keptCount: count("packs that something still names"),
  isComplete: flag("whether no pack was left out"),
};

const sweepReport: FieldSchemas<SweepReport> = {
  refusal: maybe(text("why it did nothing")),
  isComplete: flag(),
  shardsSeen: count(),
  orphanSets: count(),
  removedShards: count(),
  waitingShards: count("of orphans that are still there"),
  ownSets: count(),
  livingSets: count(),
  unknownSets: count("they are kept"),
  unknownExamples: listOf(text()),
  skippedDrives: listOf(text()),
};

const sweepProgress: FieldSchemas<SweepProgress> = {
  foldersDone: count(),
  foldersTotal: count(),
  removedShards: count(),
};

export const verifyAnswer = linesOf(
  tagged("finding", verifyFinding),
  tagged("progress", verifyProgress),
  tagged("report", verifyReport),
);
export const compactAnswer = linesOf(
  tagged("progress", compactProgress),
  tagged("report", compactProgress),
);
export const sweepAnswer = linesOf(
  tagged("progress", sweepProgress),
  tagged("report", sweepReport),
);

function linesOf(...kinds: readonly JsonSchema[]): AnswerSchema {
  const alive = tagged("alive", {});
  const error = tagged<{ readonly code: string; readonly message: string }>("error", {
    code: text(),
    message: text(),
  });
  return {
    description:
      "JSON objects, one a line, while it runs. The last one is a report or an error; an answer without either was cut off",
    contentType: "application/x-ndjson",
    schema: { oneOf: [...kinds, alive, error] },
  };
}
