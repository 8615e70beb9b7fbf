// Documents of buckets are read and parsed once for each version of a bucket's settings, and never taken for another's.

import { expect, test } from "vitest";
import { BucketSettings } from "../../../src/api/bucket-settings.ts";
import type { DocumentKind } from "../../../src/api/bucket-settings.ts";
import type { BucketView } from "../../../src/store/bucket-view.ts";

const LENGTH: DocumentKind<{ readonly length: number }> = {
  name: "length",
  parse: (text) => ({ length: text.length }),
};

const bucketOf = (id: number, settingsVersion: number) =>
  ({ id, settingsVersion, name: `b${id}` }) as BucketView;

function givenStore(texts: Map<string, string>) {
  const reads: string[] = [];
  const settings = new BucketSettings({
    findBucketConfig: async (bucket, name) => {
      reads.push(`${bucket.id}/${name}`);
      return texts.get(`${bucket.id}/${name}`);
    },
  });
  return { settings, reads };
}

test("a document is parsed once for a version, an absent one looked for once", async () => {
  const { settings, reads } = givenStore(new Map([["1/length", "four"]]));
  const first = await settings.find(bucketOf(1, 1), LENGTH);
  expect(first).toEqual({ length: 4 });
  expect(await settings.find(bucketOf(1, 1), LENGTH)).toBe(first);
  expect(await settings.find(bucketOf(2, 1), LENGTH)).toBeUndefined();
  expect(await settings.find(bucketOf(2, 1), LENGTH)).toBeUndefined();
  expect(reads).toEqual(["1/length", "2/length"]);
});

test("a changed bucket is read again, and one that was read late does not bring the old back", async () => {
  const texts = new Map([["1/length", "four"]]);
  const { settings, reads } = givenStore(texts);
  await settings.find(bucketOf(1, 1), LENGTH);
  texts.set("1/length", "fives");
  expect(await settings.find(bucketOf(1, 2), LENGTH)).toEqual({ length: 5 });
  // A request that read the bucket's row before the change.
  expect(await settings.find(bucketOf(1, 1), LENGTH)).toEqual({ length: 5 });
  expect(await settings.find(bucketOf(1, 2), LENGTH)).toEqual({ length: 5 });
  expect(reads).toHaveLength(3);
});

test("a document that cannot be read is an error each time, never an absent one (S44)", async () => {
  const { settings } = givenStore(new Map([["1/length", "x"]]));
  const broken: DocumentKind<never> = {
    name: "length",
    parse: () => {
      throw new Error("cannot be read");
    },
  };
  await expect(settings.find(bucketOf(1, 1), broken)).rejects.toThrow("cannot be read");
  await expect(settings.find(bucketOf(1, 1), broken)).rejects.toThrow("cannot be read");
});

test("what is kept is bounded by its size", async () => {
  const big = "x".repeat(1024 * 1024);
  const texts = new Map(Array.from({ length: 40 }, (_, id) => [`${id}/length`, big] as const));
  const { settings, reads } = givenStore(texts);
  for (let id = 0; id < 40; id += 1) await settings.find(bucketOf(id, 1), LENGTH);
  await settings.find(bucketOf(39, 1), LENGTH);
  expect(reads).toHaveLength(40);
  await settings.find(bucketOf(0, 1), LENGTH);
  expect(reads).toHaveLength(41);
});
