// Which segments form the chain, whatever a crash has left beside them.

import { expect, test } from "vitest";
import { CHAIN_START, type ChainPosition } from "../../../src/journal/journal-member.ts";
import { linkSegments, type NamedSegment } from "../../../src/journal/link-segments.ts";

// Chain, replaced and unlinked, in one text.
test.each<[string, NamedSegment[], string]>([
  ["segments that go on", [start("a"), next("b", 5, "a"), next("c", 9, "b")], "abc||"],
  ["one in the place of the last", [start("a"), next("b", 5, "a"), next("c", 5, "a")], "ac|b|"],
  ["one that goes on from an older", [start("a"), next("b", 9, "a"), next("c", 5, "a")], "ac|b|"],
  ["one in the place of the only one", [next("b", 5, "a"), next("c", 5, "a")], "c|b|"],
  ["a chain begun anew", [start("a"), next("b", 5, "a"), start("c")], "c|ab|"],
  ["one whose predecessor is gone", [start("a"), next("c", 9, "b"), next("d", 5, "a")], "ad||c"],
  ["a chain that was cut", [next("c", 9, "b"), next("d", 12, "c")], "cd||"],
  ["nothing", [], "||"],
])("%s", (_what, segments, expected) => {
  const { chain, replaced, unlinked } = linkSegments(segments);
  const found = [chain, replaced, unlinked].map((list) => list.map(({ name }) => name).join(""));
  expect(found.join("|")).toBe(expected);
});

function start(name: string): NamedSegment {
  return segment(name, CHAIN_START, undefined);
}

function next(name: string, sequence: number, follows: string): NamedSegment {
  const digest = String(sequence).padStart(64, "0");
  return segment(name, { sequence, epoch: 1, digest }, { name: follows, endOffset: 100 });
}

function segment(
  name: string,
  base: ChainPosition,
  follows: NamedSegment["header"]["follows"],
): NamedSegment {
  const authority = { epoch: 1, owner: "a".repeat(16) };
  return { name, header: { clusterId: "c", driveId: "d", authority, base, follows } };
}
