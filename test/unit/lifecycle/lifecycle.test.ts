// How the work of lifecycles goes: what is looked at, what is not looked at again, and what happens beside it.

import { expect, test, vi } from "vitest";
import type { LifecycleParts } from "../../../src/lifecycle/lifecycle.ts";
import {
  LIFECYCLE_DOCUMENT_NAME,
  type LifecycleRule,
} from "../../../src/lifecycle/lifecycle-rule.ts";
import type { MetadataStore } from "../../../src/metadata/metadata-store.ts";
import { objectInput } from "../../contract/metadata/inputs.ts";
import { givenLifecycleLab, ruleWith, type LifecycleLab } from "../../support/lifecycle-lab.ts";

const DAYS_3: LifecycleRule = ruleWith({ expiration: { kind: "days", days: 3 } });
const NOTHING = { prefix: "nothing/", tags: [] };
const TAGS = [{ key: "k", value: "v" }];

async function put(
  { metadata, bucket, clock }: LifecycleLab,
  key: string,
  tags = [] as typeof TAGS,
) {
  const input = objectInput(bucket.id, key, { modifiedAt: clock.nowMs, tags });
  return metadata.putObject(input);
}

async function keysOf({ metadata, bucket }: LifecycleLab): Promise<readonly string[]> {
  const { entries } = await metadata.listObjects({
    bucketId: bucket.id,
    prefix: "",
    delimiter: "",
    after: undefined,
    limit: 1_000,
  });
  return entries.map((entry) => (entry.kind === "object" ? entry.object.key : ""));
}

/** The store of the lab, with something that happens before each removal. */
function beside(lab: LifecycleLab, happen: () => Promise<unknown>): Pick<LifecycleParts, "store"> {
  const { metadata, clock } = lab;
  return {
    store: {
      deleteObjects: async ({ id }, requests, ownerId) => {
        await happen();
        return metadata.deleteObjects(id, requests, { ownerId, now: clock.nowMs });
      },
      abortUpload: () => Promise.reject(new Error("there is none")),
    },
  };
}

test("what was looked at is not looked at again, but for rules by tags, until a week has passed", async () => {
  const lab = await givenLifecycleLab();
  await lab.setRules([{ ...DAYS_3, filter: NOTHING }]);
  for (let day = 0; day < 5; day += 1) {
    await put(lab, `day-${day}`);
    lab.addDays(1);
  }
  const lifecycle = lab.open();
  const looked = async (): Promise<number> => {
    lab.queries.length = 0;
    await lifecycle.run();
    const pages = await Promise.all(lab.queries.map((query) => lab.metadata.listDue(query)));
    return pages.filter((_, index) => lab.queries[index]?.kind === "current").flat().length;
  };
  expect(await looked()).toBe(2);
  expect(await looked()).toBe(0);
  lab.addDays(1);
  expect(await looked()).toBe(1);
  await lab.setRules([{ ...DAYS_3, filter: { tags: TAGS } }]);
  expect(await looked()).toBe(3);
  lab.addDays(1);
  expect(await looked()).toBe(4);
  await lab.setRules([{ ...DAYS_3, filter: NOTHING }]);
  expect(await looked()).toBe(4);
  lab.addDays(6);
  expect(await looked()).toBe(1);
  lab.addDays(1);
  expect(await looked()).toBe(5);
});

test("other settings of the bucket do not make it look at everything again", async () => {
  const lab = await givenLifecycleLab();
  await lab.setRules([{ ...DAYS_3, filter: NOTHING }]);
  await put(lab, "key");
  lab.addDays(9);
  const lifecycle = lab.open();
  await lifecycle.run();
  lab.queries.length = 0;
  await lab.metadata.putBucketConfig(lab.bucket.id, "tagging", "x");
  await lifecycle.run();
  expect(lab.queries).toEqual([]);
});

test("an object that is replaced between the look and the removal stays", async () => {
  const lab = await givenLifecycleLab();
  await lab.setRules([DAYS_3]);
  await put(lab, "a");
  await put(lab, "b");
  lab.addDays(9);
  await lab.open(beside(lab, () => put(lab, "a"))).run();
  expect(await keysOf(lab)).toEqual(["a"]);
});

test("an object whose tag is taken away between the look and the removal stays", async () => {
  const lab = await givenLifecycleLab();
  await lab.setRules([{ ...DAYS_3, filter: { tags: TAGS } }]);
  await put(lab, "a", TAGS);
  await put(lab, "b", TAGS);
  lab.addDays(9);
  const name = { bucketId: lab.bucket.id, key: "a", versionId: undefined };
  await lab.open(beside(lab, () => lab.metadata.putObjectTags(name, []))).run();
  expect(await keysOf(lab)).toEqual(["a"]);
});

test("an older version that becomes the latest again between the look and the removal stays", async () => {
  const lab = await givenLifecycleLab();
  const { metadata, bucket, clock } = lab;
  await metadata.setVersioning(bucket.id, "enabled");
  await lab.setRules([ruleWith({ noncurrentExpiration: { days: 1 } })]);
  await put(lab, "a");
  const marker = { ownerId: bucket.ownerId, now: clock.nowMs };
  const request = { key: "a", versionId: undefined, mayBypassGovernance: false };
  const [marked] = await metadata.deleteObjects(bucket.id, [request], marker);
  lab.addDays(9);
  const versionId = marked?.kind === "deleted" ? marked.versionId : undefined;
  const undelete = () => metadata.deleteObjects(bucket.id, [{ ...request, versionId }], marker);
  await lab.open(beside(lab, undelete)).run();
  expect(await keysOf(lab)).toEqual(["a"]);
});

test("rules that are taken away amid a pass act no further", async () => {
  const lab = await givenLifecycleLab();
  await lab.setRules([DAYS_3]);
  for (const key of ["a", "b", "c"]) await put(lab, key);
  lab.addDays(9);
  const { bucket, metadata } = lab;
  const takeAway = () => metadata.putBucketConfig(bucket.id, LIFECYCLE_DOCUMENT_NAME, undefined);
  await lab.open({ pageSize: 1, ...beside(lab, takeAway) }).run();
  expect(await keysOf(lab)).toEqual(["b", "c"]);
});

test("a pass that was cut off goes on where it was", async () => {
  const lab = await givenLifecycleLab();
  await lab.setRules([{ ...DAYS_3, filter: { prefix: "z", tags: [] } }]);
  for (let index = 0; index < 50; index += 1) await put(lab, `k${index}`);
  lab.addDays(9);
  const first = lab.open({ pageSize: 1 });
  for (let step = 0; step < 40; step += 1) await first.step();
  lab.queries.length = 0;
  await lab.open({ pageSize: 1 }).run();
  const looked = lab.queries.filter(({ kind }) => kind === "current").length;
  expect(looked).toBeLessThan(35);
  expect(looked).toBeGreaterThan(10);
});

test("one damaged row does not keep the others", async () => {
  const lab = await givenLifecycleLab();
  const { metadata, clock } = lab;
  await lab.setRules([DAYS_3]);
  for (const key of ["a", "bad", "c"]) await put(lab, key);
  lab.addDays(9);
  const deleteObjects: LifecycleParts["store"]["deleteObjects"] = async (
    bucket,
    requests,
    ownerId,
  ) => {
    if (requests.some(({ key }) => key === "bad")) throw new Error("the row is damaged");
    return metadata.deleteObjects(bucket.id, requests, { ownerId, now: clock.nowMs });
  };
  const abortUpload = vi.fn<LifecycleParts["store"]["abortUpload"]>();
  await lab.open({ store: { deleteObjects, abortUpload } }).run();
  expect(await keysOf(lab)).toEqual(["bad"]);
});

test("a bucket that fails does not keep the others, and has its turn again", async () => {
  const lab = await givenLifecycleLab();
  const { metadata, clock, bucket } = lab;
  const other = await metadata.createBucket({
    name: "other",
    ownerId: bucket.ownerId,
    region: "us-east-1",
    createdAt: 1,
    hasLock: false,
  });
  await lab.setRules([DAYS_3]);
  const text = (await metadata.findBucketConfig(bucket.id, LIFECYCLE_DOCUMENT_NAME)) ?? "";
  await metadata.putBucketConfig(other.id, LIFECYCLE_DOCUMENT_NAME, text);
  await put(lab, "a");
  await metadata.putObject(objectInput(other.id, "b", { modifiedAt: clock.nowMs }));
  lab.addDays(9);
  let isBroken = true;
  const store: LifecycleParts["store"] = {
    deleteObjects: async ({ id }, requests, ownerId) => {
      if (isBroken && id === bucket.id) throw new Error("broken");
      return metadata.deleteObjects(id, requests, { ownerId, now: clock.nowMs });
    },
    abortUpload: () => Promise.resolve(),
  };
  const lifecycle = lab.open({ store });
  const failures: unknown[] = [];
  for (let step = 0; step < 30; step += 1) {
    await lifecycle.step().catch((error: unknown) => failures.push(error));
  }
  expect(failures.length).toBeGreaterThan(0);
  expect(await metadata.findObject(other.id, "b")).toBeUndefined();
  expect(await keysOf(lab)).toEqual(["a"]);
  isBroken = false;
  await lifecycle.run();
  expect(await keysOf(lab)).toEqual([]);
});

test("what is noted of a bucket goes when the bucket has gone", async () => {
  const lab = await givenLifecycleLab();
  const { metadata, bucket } = lab;
  await lab.setRules([DAYS_3]);
  const lifecycle = lab.open();
  await lifecycle.run();
  const noted = (): ReturnType<MetadataStore["findProgress"]> =>
    metadata.findProgress(`lifecycle-${bucket.id}`);
  expect(await noted()).toBeDefined();
  await metadata.deleteBucket(bucket.id);
  await lifecycle.run();
  expect(await noted()).toBeUndefined();
});

test("a clock that is set back looks at everything again, and goes on", async () => {
  const lab = await givenLifecycleLab();
  await lab.setRules([DAYS_3]);
  lab.addDays(400);
  const lifecycle = lab.open();
  await lifecycle.run();
  lab.addDays(-400);
  await put(lab, "a");
  lab.addDays(4);
  await lifecycle.run();
  expect(await keysOf(lab)).toEqual([]);
});
