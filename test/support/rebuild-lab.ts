// A store over simulated drives that loses its metadata, and the one that is made anew from the drives.

import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PACK_BYTES_MAX } from "../../src/core/limits.ts";
import type { ShardStore } from "../../src/datanode/shard-store.ts";
import type { MetadataStore } from "../../src/metadata/metadata-store.ts";
import { openForReading } from "../../src/metadata/sqlite/open-database.ts";
import { rebuildMetadata, type RebuiltMetadata } from "../../src/rebuild/rebuild.ts";
import { makeLayout } from "../../src/store/placement.ts";
import type { BucketView } from "../../src/store/bucket-view.ts";
import type { ObjectStoreOptions, OpenObjectStore } from "../../src/store/open-object-store.ts";
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
  /** Keeps its metadata as it is now, at the path that is given back: the next rebuild begins with that. */
  readonly keep: () => string;
}

export interface RebuildLab extends StoreLab {
  /** The drives as the store sees them. */
  readonly drives: readonly ShardStore[];
  /** As `rebuild`, but nothing is served from what was made. */
  readonly rebuildOnly: (drives?: readonly ShardStore[]) => Promise<RebuiltMetadata>;
  /** Ends the store, loses its metadata, and makes it anew of these drives: all of them, where none are given. */
  readonly rebuild: (drives?: readonly ShardStore[]) => Promise<Rebuilt>;
  /** The same over drives that are not those of the lab any more, and all that there are. */
  readonly rebuildOver: (drives: readonly ShardStore[]) => Promise<Rebuilt>;
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
  let lives = 0;
  const draftPath = (): string => join(folder, `metadata-${lives}.db`);
  const standingPath = join(folder, "old.db");
  let isOpen = lab.store;
  const make = async (present: readonly ShardStore[], staying: readonly ShardStore[]) => {
    await isOpen.close();
    lives += 1;
    return rebuildMetadata({
      drives: present,
      firstLayout: makeLayout(
        1,
        staying.map(({ driveId }) => driveId),
      ),
      members: [],
      clusterId: "cluster",
      draftPath: draftPath(),
      standingPaths: [standingPath],
      region: "us-east-1",
      nowMs: lab.clock.now(),
      onProgress: () => undefined,
    });
  };
  const serve = async (rebuilt: RebuiltMetadata, more: Partial<ObjectStoreOptions>) => {
    const path = draftPath();
    const metadata = openSqliteInProcess(path, () => lab.clock.now());
    const { keys } = options;
    const limits = { packBytesMax: PACK_BYTES_MAX, ...options.limits };
    const store = await reopenStore({ ...lab, metadata }, { keys, limits, ...more });
    isOpen = store;
    const bucket = await metadata.findBucket("bucket");
    if (bucket === undefined) throw new Error("the bucket did not come back");
    const get: Rebuilt["get"] = async (key, versionId) => {
      const reading = await store.openObject(bucket, key, versionId);
      return reading && collect(reading.read(0, reading.object.sizeBytes));
    };
    const keep = (): string => {
      rmSync(standingPath, { force: true });
      const database = openForReading(path);
      database.prepare("vacuum into ?").run(standingPath);
      database.close();
      return standingPath;
    };
    return { ...rebuilt, metadata, store, bucket, get, keep };
  };
  return {
    ...lab,
    drives,
    rebuildOnly: (present = drives) => make(present, drives),
    rebuild: async (present = drives) => serve(await make(present, drives), {}),
    rebuildOver: async (present) => serve(await make(present, present), { drives: present }),
  };
}
