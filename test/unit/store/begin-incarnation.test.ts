// A store over metadata that takes no changes yet: it reads what is there, and writes once the metadata takes changes.

import { expect, test, vi } from "vitest";
import { S3Error } from "../../../src/core/s3-error.ts";
import type { MetadataStore } from "../../../src/metadata/metadata-store.ts";
import { reopenStore } from "../../support/reopen-store.ts";
import { bodyOf, bytesOf, collect, givenStore } from "../../support/store-lab.ts";

const KIB = 1024;

/** Metadata whose incarnations begin only once `isWritable`. */
function withheld(metadata: MetadataStore) {
  const state = { isWritable: false, begunCount: 0 };
  const begin: MetadataStore["beginIncarnation"] = async (life) => {
    if (!state.isWritable) throw new S3Error("ServiceUnavailable");
    await metadata.beginIncarnation(life);
    state.begunCount += 1;
  };
  const wrapped = new Proxy(metadata, {
    get: (target, name) => {
      const member: unknown = name === "beginIncarnation" ? begin : Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  return { state, wrapped };
}

test("a store is opened for reading while the metadata takes no changes, and writes once it does", async () => {
  const lab = await givenStore();
  await lab.put("before", bytesOf(900 * KIB, 1));
  const { state, wrapped } = withheld(lab.metadata);
  const store = await reopenStore(lab, { metadata: wrapped, isSoleOwner: false });
  const reading = await store.openObject(lab.bucket, "before");
  expect(reading && (await collect(reading.read(0, 900 * KIB)))).toEqual(bytesOf(900 * KIB, 1));
  expect(state.begunCount).toBe(0);
  state.isWritable = true;
  await expect.poll(() => state.begunCount, { timeout: 10_000 }).toBe(1);
  await store.putObject(lab.target("after"), bodyOf(bytesOf(900 * KIB, 2)));
});

test("what fails for another reason is told", async () => {
  const lab = await givenStore();
  const refusing = new Proxy(lab.metadata, {
    get: (target, name) => {
      if (name === "beginIncarnation") return () => Promise.reject(new Error("no such table"));
      const member: unknown = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  await expect(reopenStore(lab, { metadata: refusing })).rejects.toThrow("no such table");
});

test("a beginning that was not acknowledged and lasts is not refused for that", async () => {
  const lab = await givenStore();
  let count = 0;
  const unclear = new Proxy(lab.metadata, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (name !== "beginIncarnation") {
        return typeof member === "function" ? member.bind(target) : member;
      }
      return async (life: Parameters<MetadataStore["beginIncarnation"]>[0]) => {
        await target.beginIncarnation(life);
        count += 1;
        if (count === 1) throw new S3Error("ServiceUnavailable");
      };
    },
  });
  const endOthers = vi.spyOn(lab.metadata, "endOtherIncarnations");
  const store = await reopenStore(lab, { metadata: unclear, isSoleOwner: true });
  expect(endOthers).not.toHaveBeenCalled();
  await expect.poll(() => endOthers.mock.calls.length, { timeout: 10_000 }).toBe(1);
  await store.putObject(lab.target("after"), bodyOf(bytesOf(900 * KIB, 2)));
});
