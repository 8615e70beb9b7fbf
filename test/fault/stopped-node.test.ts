// Must-show 7 of the commit path, for data nodes, in its short form: a gateway and six node processes of which one or two
// are stopped, as by a machine that hangs. No request waits without end, and all is well when they go on.

import { expect, test } from "vitest";
import { BUCKET, refusalOf, useClusterObjects } from "../support/cluster-objects.ts";
import { loadAround, LONGEST_MS } from "../support/hang/load-around.ts";

const objects = useClusterObjects();

test("F50 a node that hangs delays nobody for ever: reads and writes go on, and it is used again", async () => {
  objects().cluster.signal(5, "SIGSTOP");
  expect(await objects().unreadable()).toEqual([]);
  expect(await refusalOf(objects().putProbe())).toBeUndefined();
  objects().cluster.signal(4, "SIGSTOP");
  expect(await objects().unreadable()).toEqual([]);
  objects().cluster.signal(5, "SIGCONT");
  objects().cluster.signal(4, "SIGCONT");
  await objects().untilWhole();
  expect(await objects().unreadable()).toEqual([]);
}, 120_000);

test("F50 a data node that is stopped costs its requests one deadline, and none fails", async () => {
  const { cluster } = objects();
  const load = await loadAround(
    { client: cluster.client, bucket: BUCKET },
    {
      begin: async () => cluster.signal(4, "SIGSTOP"),
      end: async () => cluster.signal(4, "SIGCONT"),
    },
  );
  expect(load.wrong).toEqual([]);
  expect([...load.failures]).toEqual([]);
  expect(load.longestMs).toBeLessThan(LONGEST_MS);
}, 240_000);
