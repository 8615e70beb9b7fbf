// Who has begun a file may remove it only as long as no other has taken its place.

import { EventEmitter, once } from "node:events";
import { expect, test } from "vitest";
import { ReplacedPaths } from "../../../src/datanode/replaced-paths.ts";

test("what was replaced since is not removed; what was not, and what came after, is", async () => {
  const paths = new ReplacedPaths();
  const removed: string[] = [];
  const remove = (path: string) => async (): Promise<void> => void removed.push(path);
  const early = paths.mark;
  await paths.replace("a");
  await paths.removeOwn("a", early, remove("a"));
  await paths.removeOwn("b", early, remove("b"));
  await paths.removeOwn("a", paths.mark, remove("a later"));
  expect(removed).toEqual(["b", "a later"]);
});

test("a file takes its place only when an earlier one is no longer being removed there", async () => {
  const paths = new ReplacedPaths();
  const steps: string[] = [];
  const gate = new EventEmitter();
  const removing = paths.removeOwn("a", paths.mark, async () => {
    await once(gate, "open");
    steps.push("removed");
  });
  const replacing = paths.replace("a").then(() => steps.push("replaced"));
  await paths.replace("b");
  gate.emit("open");
  await Promise.all([removing, replacing]);
  expect(steps).toEqual(["removed", "replaced"]);
});

test("what is forgotten counts as replaced", async () => {
  const paths = new ReplacedPaths(2);
  const early = paths.mark;
  for (const path of ["a", "b", "c"]) await paths.replace(path);
  let count = 0;
  const remove = async (): Promise<void> => void (count += 1);
  await paths.removeOwn("a", early, remove);
  expect(count).toBe(0);
  await paths.removeOwn("d", paths.mark, remove);
  expect(count).toBe(1);
});
