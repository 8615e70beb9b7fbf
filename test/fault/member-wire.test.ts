// A member of the metadata on a data node, over networks that fail: silent, slow, cut off, with bits turned. Calls end by
// their deadline, and nothing that was not acknowledged for certain passes as a change, or as what is there.

import { expect, test } from "vitest";
import type { JournalMember } from "../../src/journal/journal-member.ts";
import {
  authority,
  bytesOf,
  codeOf,
  givenRecords,
  pieces,
  readAll,
  readSnapshot,
  records,
  snapshot,
} from "../contract/chain-records.ts";
import { givenFaultProxy, type FaultProxy, type Faults } from "../support/fault-proxy.ts";
import { givenMemberNode, givenRemoteMember } from "../support/member-node.ts";

const DEADLINE_MS = 1_000;

interface Lab {
  /** Behind the node. */
  readonly local: JournalMember;
  readonly remote: JournalMember;
  readonly proxy: FaultProxy;
}

async function givenLab(): Promise<Lab> {
  const { node, member: local } = await givenMemberNode();
  const proxy = await givenFaultProxy(node.port);
  const remote = givenRemoteMember(
    { url: proxy.url, drives: node.drives },
    { deadlineMs: DEADLINE_MS },
  );
  return { local, remote, proxy };
}

test.each<[string, Faults]>([
  [
    "F53 F54 a silent network",
    { toServer: { kind: "blackhole" }, toClient: { kind: "blackhole" } },
  ],
  ["F53 a network silent towards the node", { toServer: { kind: "blackhole" } }],
  ["F53 a network silent towards the gateway", { toClient: { kind: "blackhole" } }],
  ["F55 a reset", { toClient: { kind: "reset", afterBytes: 0 } }],
  ["F55 a reset towards the node", { toServer: { kind: "reset", afterBytes: 400 } }],
  ["F55 an answer cut off in its head", { toClient: { kind: "truncate", afterBytes: 20 } }],
])(
  "%s: every call is Unavailable, and once it is looked at again the member goes on",
  async (_what, faults) => {
    const { local, remote, proxy } = await givenLab();
    const chain = records(4);
    await givenRecords(remote, chain.slice(0, 2));
    const { info, bytes } = snapshot(chain[1]?.position ?? { sequence: 0, epoch: 0, digest: "" });
    proxy.set(faults);
    const outcomes = await Promise.all([
      codeOf(remote.append(authority(1), bytesOf(chain.slice(2, 3)))),
      codeOf(remote.inspect()),
      codeOf(remote.read(1, 1_000)),
      codeOf(remote.promise(authority(1))),
      codeOf(remote.writeSnapshot(authority(1), info, pieces(bytes))),
      codeOf(readSnapshot(remote, info)),
    ]);
    expect(outcomes).toEqual(outcomes.map(() => "Unavailable"));
    proxy.set({});
    await expect.poll(() => codeOf(remote.inspect()), { timeout: 10_000 }).toBeUndefined();
    // An append of unknown outcome may have been made; the next one follows what is there.
    const { head } = await remote.inspect();
    expect([2, 3]).toContain(head.sequence);
    await remote.append(authority(1), bytesOf(chain.slice(head.sequence)));
    expect(await readAll(local, 1)).toEqual(bytesOf(chain).map((record) => Buffer.from(record)));
  },
  30_000,
);

test("F51 one bit turned on the way to the node changes nothing, or is the network's own matter", async () => {
  const { local, remote, proxy } = await givenLab();
  const chain = records(60);
  await givenRecords(remote, chain.slice(0, 1));
  let next = 1;
  for (let atByte = 0; next < 40 && atByte < 1_200; atByte += 37) {
    proxy.resetAll();
    proxy.set({ toServer: { kind: "flip", atByte } });
    const code = await codeOf(remote.append(authority(1), bytesOf(chain.slice(next, next + 1))));
    proxy.set({});
    proxy.resetAll();
    await expect.poll(() => codeOf(remote.inspect()), { timeout: 10_000 }).toBeUndefined();
    const { head } = await local.inspect();
    // What was acknowledged is there; what was not may be.
    expect(head.sequence).toBeGreaterThanOrEqual(code === undefined ? next + 1 : next);
    next = head.sequence;
  }
  const held = await readAll(local, 1);
  expect(held).toEqual(bytesOf(chain.slice(0, next)).map((record) => Buffer.from(record)));
}, 60_000);

test("F51 one bit turned on the way from the node never passes as a record, a state or a snapshot", async () => {
  const { remote, proxy } = await givenLab();
  const chain = records(3);
  await givenRecords(remote, chain);
  const { info, bytes } = snapshot(chain[2]?.position ?? { sequence: 0, epoch: 0, digest: "" });
  await remote.writeSnapshot(authority(1), info, pieces(bytes));
  const state = await remote.inspect();
  const whole = bytesOf(chain).map((record) => Buffer.from(record));
  const questions: readonly (readonly [unknown, () => Promise<unknown>])[] = [
    [state, () => remote.inspect()],
    [whole, async () => (await remote.read(1, 100_000)).map((record) => Buffer.from(record))],
    [bytes, () => readSnapshot(remote, info)],
  ];
  for (let atByte = 0; atByte < 1_500; atByte += 97) {
    for (const [right, ask] of questions) {
      proxy.resetAll();
      await expect.poll(() => codeOf(remote.inspect()), { timeout: 10_000 }).toBeUndefined();
      proxy.set({ toClient: { kind: "flip", atByte } });
      const answer = await ask().catch(() => right);
      proxy.set({});
      expect(answer).toEqual(right);
    }
  }
}, 60_000);
