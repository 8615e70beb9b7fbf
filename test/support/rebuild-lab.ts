// A store over simulated drives that loses its metadata, and the one that is made anew from the drives.

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rm } from "node:fs/promises";
import type { ShardStore } from "../../src/datanode/shard-store.ts";
import type { MetadataStore } from "../../src/metadata/metadata-store.ts";
import { rebuildMetadata, type RebuiltMetadata } from "../../src/rebuild/rebuild.ts";
import { makeLayout } from "../../src/store/placement.ts";
import type { BucketView } from "../../src/store/bucket-view.ts";
import type { OpenObjectStore } from "../../src/store/open-object-store.ts";
import { atEnd } from "./at-end.ts";
import { givenPacks } from "./pack-lab.ts";
import { reopenStore } from "./reopen-store.ts";
import { openSqliteInProcess } from "./sqlite-in-process.ts";
import { callsOf, collect, type LabOptions, type StoreLab } from "./store-lab.ts";

export interface Rebuilt extends RebuiltMetadata {
  readonly metadata: MetadataStore;
  readonly store: OpenObjectStore;
  readonly bucket: BucketView;
  readonly get: (key: string, versionId?: string) => Promise<Buffer | undefined>;
}

export interface RebuildLab extends StoreLab {
  /** The drives as the store sees them. */
  readonly drives: readonly ShardStore[];
  /** As `rebuild`, but nothing is served from what was made. */
  readonly rebuildOnly: (drives?: readonly ShardStore[]) => Promise<RebuiltMetadata>;
  /** Ends the store, loses its metadata, and makes it anew of these drives: all of them, where none are given. */
  readonly rebuild: (drives?: readonly ShardStore[]) => Promise<Rebuilt>;
}

export async function givenRebuildLab(options: LabOptions = {}): Promise<RebuildLab> {
  const drives: ShardStore[] = [];
  const wrap: NonNullable<LabOptions["wrap"]> = (drive) => {
    drives.push(drive);
    // The drives outlive the store that is closed.
    return { ...callsOf(drive), close: () => Promise.resolve() };
  };
  const lab = await givenPacks({ wrap, ...options });
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-rebuild-"));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const draftPath = join(folder, "metadata.db");
  const rebuildOnly = async (present: readonly ShardStore[] = drives) => {
    await lab.store.close();
    return rebuildMetadata({
      drives: present,
      firstLayout: makeLayout(
        1,
        drives.map(({ driveId }) => driveId),
      ),
      members: [],
      clusterId: "cluster",
      draftPath,
      standingPath: join(folder, "old.db"),
      region: "us-east-1",
      nowMs: lab.clock.now(),
      onProgress: () => undefined,
    });
  };
  const rebuild: RebuildLab["rebuild"] = async (present) => {
    const rebuilt = await rebuildOnly(present);
    const metadata = openSqliteInProcess(draftPath, () => lab.clock.now());
    const store = await reopenStore({ ...lab, metadata });
    const bucket = await metadata.findBucket("bucket");
    if (bucket === undefined) throw new Error("the bucket did not come back");
    const get: Rebuilt["get"] = async (key, versionId) => {
      const reading = await store.openObject(bucket, key, versionId);
      return reading && collect(reading.read(0, reading.object.sizeBytes));
    };
    return { ...rebuilt, metadata, store, bucket, get };
  };
  return { ...lab, drives, rebuildOnly, rebuild };
}
