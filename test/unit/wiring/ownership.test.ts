// Whether a gateway may answer: only while a quorum of the members has said so not long ago.

import { expect, test } from "vitest";
import type { DriveId } from "../../../src/core/ids.ts";
import { ShardError } from "../../../src/datanode/shard-store.ts";
import type { Authority } from "../../../src/journal/journal-member.ts";
import type { JournalReport } from "../../../src/metadata/metadata-store.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import { CONFIRMATION_MS, Ownership } from "../../../src/wiring/ownership.ts";

const own: Authority = { epoch: 3, owner: "0123456789abcdef" };
const earlier: Authority = { epoch: 2, owner: "fedcba9876543210" };
const later: Authority = { epoch: 4, owner: "fedcba9876543210" };

/** A node with one drive, promised to somebody, nobody, or away. */
class Node {
  readonly url: string;
  readonly driveId: string;
  promised: Authority | "away" | undefined;

  constructor(index: number, promised: Authority | "away" | undefined) {
    this.url = `http://node-${index}`;
    this.driveId = `drive-${index}`;
    this.promised = promised;
  }

  async owners(): Promise<ReadonlyMap<string, Authority | undefined>> {
    if (this.promised === "away") throw new ShardError("Unavailable", "it is away");
    return new Map([[this.driveId, this.promised]]);
  }

  async promise(_driveId: DriveId, authority: Authority): Promise<void> {
    this.promised = authority;
  }
}

/** A gateway whose first `memberCount` drives are members, of which `quorum` hold each change. */
function givenOwnership(nodes: readonly Node[], memberCount = nodes.length, quorum = 2) {
  let nowMs = 1_000_000;
  const said: string[] = [];
  const members = nodes.slice(0, memberCount).map(({ driveId, url }) => ({
    driveId: driveId as DriveId,
    label: url,
    state: "good" as const,
    sequence: 1,
    problem: undefined,
  }));
  const report: JournalReport = { epoch: own.epoch, sequence: 1, quorum, members };
  const ownership = new Ownership({
    clients: () => nodes,
    owner: own.owner,
    report: () => report,
    onFenced: (words) => said.push(words),
    clock: { now: () => nowMs, monotonic: () => nowMs, translate: (date) => date },
    logger: silentLogger,
  });
  return {
    ownership,
    said,
    pass: (timeMs: number) => (nowMs += timeMs),
    async start() {
      await ownership.start();
      // Asking again is for the tests to do.
      ownership.close();
    },
  };
}

test.each([
  ["all members", [own, own, own], true],
  ["a quorum, one away", [own, "away", own], true],
  ["one of three", [own, "away", "away"], false],
  ["one of three, others not promised", [own, undefined, undefined], false],
  ["one of three, one behind with an earlier gateway's promise", [own, earlier, "away"], false],
  ["of two members one", [own, "away"], true],
] as const)("promised by %s: may answer %#", async (_what, promised, mayAnswer) => {
  const lab = givenOwnership(promised.map((each, index) => new Node(index, each)));
  expect(lab.ownership.isConfirmed).toBe(false);
  await lab.start();
  expect(lab.ownership.isConfirmed).toBe(mayAnswer);
  expect(lab.said).toEqual([]);
});

test("a confirmation ends by itself, whatever timers do", async () => {
  const lab = givenOwnership([new Node(0, own), new Node(1, own), new Node(2, own)]);
  await lab.start();
  lab.pass(CONFIRMATION_MS - 1);
  expect(lab.ownership.isConfirmed).toBe(true);
  lab.pass(1);
  expect(lab.ownership.isConfirmed).toBe(false);
});

test("one drive that is promised to a later gateway is enough to end, and that is said once", async () => {
  const lab = givenOwnership([new Node(0, own), new Node(1, later), new Node(2, own)]);
  await lab.start();
  expect(lab.ownership.isConfirmed).toBe(false);
  lab.ownership.fence("again");
  expect(lab.said).toHaveLength(1);
  expect(lab.said[0]).toMatch(/another gateway has taken over: .*http:\/\/node-1.*epoch 4/);
});

test("drives that are no members promise themselves too; members are left to the metadata", async () => {
  const nodes = [new Node(0, own), new Node(1, own), new Node(2, earlier)];
  const [spare, blank] = [new Node(3, earlier), new Node(4, undefined)];
  const lab = givenOwnership([...nodes, spare, blank], 3);
  await lab.start();
  expect(nodes[2]?.promised).toEqual(earlier);
  expect([spare.promised, blank.promised]).toEqual([own, own]);
});
