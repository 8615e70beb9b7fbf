// Metadata in SQLite beside members on drives of their own, for random operations.

import { expect } from "vitest";
import type { MemberSpec } from "../../src/metadata/members/member-spec.ts";
import { openMemberedMetadata } from "../../src/metadata/sqlite/open-sqlite-metadata.ts";
import type { Clock } from "../../src/util/clock.ts";
import { CLUSTER } from "../support/member-folders.ts";

export function openOn(folder: string, specs: readonly MemberSpec[], clock?: Clock) {
  return openMemberedMetadata({
    folder,
    clock,
    plan: {
      specs,
      drives: specs.map(({ driveId }) => driveId),
      toleratedCount: 1,
      owner: "00000000000000aa",
      clusterId: CLUSTER,
      acceptLoss: false,
    },
    onLog: () => {},
    onFenced: (words) => expect.fail(words),
  });
}
