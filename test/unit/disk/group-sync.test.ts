// Who shares a sync with whom.

import { expect, test } from "vitest";
import { GroupSync } from "../../../src/disk/group-sync.ts";

interface Sync {
  readonly path: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

function givenGroupSync(): { group: GroupSync; syncs: Sync[] } {
  const syncs: Sync[] = [];
  const group = new GroupSync(
    (path) => new Promise<void>((resolve, reject) => void syncs.push({ path, resolve, reject })),
  );
  return { group, syncs };
}

test("who comes while a sync runs shares the next one, and it begins after they came", async () => {
  const { group, syncs } = givenGroupSync();
  const first = group.run("a");
  const others = [group.run("a"), group.run("a"), group.run("a")];
  expect(syncs).toHaveLength(1);
  syncs[0]?.resolve();
  await first;
  await settle();
  expect(syncs).toHaveLength(2);
  syncs[1]?.resolve();
  await Promise.all(others);
  void group.run("a");
  expect(syncs).toHaveLength(3);
});

test("folders do not wait for each other", () => {
  const { group, syncs } = givenGroupSync();
  void group.run("a");
  void group.run("b");
  expect(syncs.map(({ path }) => path)).toEqual(["a", "b"]);
});

test("who waits for the next sync fails with the one that runs; later ones try anew", async () => {
  const { group, syncs } = givenGroupSync();
  const calls = [group.run("a"), group.run("a")];
  syncs[0]?.reject(new Error("broken"));
  const outcomes = await Promise.allSettled(calls);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const later = group.run("a");
  syncs[1]?.resolve();
  await expect(later).resolves.toBeUndefined();
});

async function settle(): Promise<void> {
  for (let round = 0; round < 10; round += 1) await Promise.resolve();
}
