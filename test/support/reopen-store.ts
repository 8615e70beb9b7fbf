// Another life of a store over the same simulated drives and the same metadata: what stands after a crash, or a restart.

import { readIdentity } from "../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../src/datanode/local-drive.ts";
import type { ShardStore } from "../../src/datanode/shard-store.ts";
import type { SimDrive } from "../../src/disk/sim-drive.ts";
import { createReedSolomonCodec } from "../../src/erasure/rs-codec.ts";
import {
  openObjectStore,
  type ObjectStoreOptions,
  type OpenObjectStore,
} from "../../src/store/open-object-store.ts";
import { atEnd } from "./at-end.ts";
import type { StoreLab } from "./store-lab.ts";

/** The store of a process that begins after the lab's own one died, or while it lives where `isSoleOwner` is false. */
export async function reopenStore(
  lab: Pick<StoreLab, "clock" | "disks" | "metadata">,
  more: Partial<ObjectStoreOptions> = {},
): Promise<OpenObjectStore> {
  const store = await openObjectStore({
    metadata: lab.metadata,
    drives: await Promise.all(lab.disks.map(openDrive)),
    codec: createReedSolomonCodec(),
    clock: lab.clock,
    clusterId: "cluster",
    isSoleOwner: true,
    ...more,
    limits: { trashGraceMs: 60_000, ...more.limits },
  });
  atEnd(() => store.close());
  return store;
}

async function openDrive(disk: SimDrive): Promise<ShardStore> {
  const identity = await readIdentity(disk);
  if (identity === undefined) throw new Error(`${disk.root} has no identity`);
  return openLocalDrive({ disk, driveId: identity.driveId });
}
