// What a verification tells the metadata goes through the queue of all writes, in which requests wait as well.

import { expect, test } from "vitest";
import { openMemoryMetadata } from "../../../src/metadata/memory/open-memory-metadata.ts";
import { VerifyNotes } from "../../../src/store/verify-notes.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import { INCARNATION, shardSet } from "../../contract/metadata/inputs.ts";

test("very many packs that are whole again do not fill the queue of the writes", async () => {
  const metadata = openMemoryMetadata();
  await metadata.beginIncarnation({ incarnation: INCARNATION, startedAt: 1 });
  await metadata.endIncarnation(INCARNATION, 2);
  let [underway, most, all] = [0, 0, 0];
  const noteFound = async (): Promise<void> => {
    underway += 1;
    most = Math.max(most, underway);
    await new Promise(setImmediate);
    underway -= 1;
    all += 1;
  };
  const watched = new Proxy(metadata, {
    get: (target, name) => {
      const member: unknown = name === "noteFound" ? noteFound : Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const notes = new VerifyNotes({ metadata: watched, logger: silentLogger });
  await notes.begin();
  for (let number = 1; number <= 5_000; number += 1) {
    const set = shardSet(number, { missing: [2] });
    notes.noteFound({ kind: "packed", set, offset: 1 }, undefined);
  }
  await notes.noteFoundPacks();
  expect({ all, underway }).toEqual({ all: 5_000, underway: 0 });
  expect(most).toBeLessThanOrEqual(200);
});
