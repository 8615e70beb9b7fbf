// Verifying in tests: a run with all that it tells, and ways to break what it looks at.

import { expect } from "vitest";
import type { Corruption } from "../../src/disk/sim-drive.ts";
import type { ObjectRecord } from "../../src/metadata/records.ts";
import type { OpenObjectStore } from "../../src/store/open-object-store.ts";
import type { VerifyFinding, VerifyProgress, VerifyQuery } from "../../src/store/verify-report.ts";
import type { StoreLab } from "./store-lab.ts";

export async function verify(store: OpenObjectStore, query: VerifyQuery = {}) {
  const findings: VerifyFinding[] = [];
  const progress: VerifyProgress[] = [];
  const report = await store.verifyObjects(query, {
    onFinding: (finding) => void findings.push(finding),
    onProgress: (each) => void progress.push(each),
  });
  // Plain data: what a client of the admin API gets is the same.
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  return { report, findings, progress };
}

export type Damage = (file: { readonly sizeBytes: number }) => Corruption;

/** Breaks one shard of an object. */
export async function breakShard(
  lab: StoreLab,
  object: ObjectRecord,
  index: number,
  damage: Damage,
): Promise<void> {
  const { disk, path } = await lab.shardOf(object, index);
  const file = await disk.open(path);
  await file.close();
  disk.corrupt(path, damage(file));
}
