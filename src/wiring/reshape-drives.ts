// Has sets be cut otherwise from now on: what is asked for is checked here, said on the drives, and published as a layout. The
// mover (layout/) brings that to be in force, and the reshaper cuts anew what is there.

import { openErasureCodec } from "../erasure/open-codec.ts";
import { geometryFor } from "../erasure/geometry.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import { UNIT_BYTES } from "../core/limits.ts";
import { placeCounts, placesFor, recutLayout } from "../store/layout/change-layout.ts";
import type { OpenObjectStore } from "../store/open-object-store.ts";
import { geometryOf, PARTITION_COUNT } from "../store/placement.ts";
import { isSameCut, type Cut } from "../store/reshape/other-cuts.ts";
import { weighDrives } from "./layout-rules.ts";
import type { LocalDrives } from "./local-drives.ts";
import { refusal } from "./new-drive-folder.ts";

export interface ReshapeParts {
  readonly local: LocalDrives;
  readonly store: OpenObjectStore;
  /** Has workers beside this one learn of it. */
  readonly tellOthers: () => Promise<void>;
}

/** More shards than that nobody has drives for, and a stripe of them is more than is read at a time. */
const SHARDS_MAX = 32;
const PARITY_MAX = 8;
/** Of what is to come onto a drive, so much more must be free on it. */
const ROOM_FACTOR = 1.1;

/** "same": new sets are cut like that already, and nothing changes. @throws AdminError in words when it cannot be */
export async function reshapeDrives(
  { local, store, tellOthers }: ReshapeParts,
  wanted: Cut | undefined,
): Promise<"begun" | "same"> {
  const { newest } = store.layoutState();
  const cut = wanted ?? geometryFor(newest.drives.length, UNIT_BYTES);
  requireCut(cut, newest);
  if (isSameCut(cut, geometryOf(newest))) {
    // What was cut off between the drives and the layout is taken back.
    if (!isSameCut(cut, local.cut)) await local.recut(cut);
    return "same";
  }
  const spaces = await store.driveSpaces();
  const away = newest.drives.find((driveId) => !spaces.has(driveId));
  if (away !== undefined) {
    const path = local.all.find(({ driveId }) => driveId === away)?.path ?? away;
    throw refusal(`${path} does not answer: it must be back, or replaced, before`);
  }
  const weighed = await weighDrives(store, newest.drives);
  const next = recutLayout(newest, weighed, { cut, keptCount: await store.placesInUse() });
  await requireRoom({ local, store }, newest, next);
  await local.recut(cut);
  await store.publishLayout(next);
  await tellOthers();
  return "begun";
}

function requireCut(cut: Cut, { drives }: LayoutRecord): void {
  const { dataShards, parityShards } = cut;
  const words = `${dataShards}+${parityShards}`;
  const count = placesFor(cut);
  if (dataShards < 1 || parityShards > PARITY_MAX || count > SHARDS_MAX) {
    throw refusal(
      `${words} is not to be had: at least one shard of data, at most ${PARITY_MAX} of parity, ${SHARDS_MAX} in all`,
    );
  }
  if (count > drives.length) {
    throw refusal(`${words} takes ${count} drives, and there are ${drives.length}: add some first`);
  }
  try {
    openErasureCodec({ ...cut, unitBytes: UNIT_BYTES });
  } catch {
    throw refusal(`${words} cannot be computed on this machine`);
  }
}

/** Whether what is written anew fits beside what is let go of. @throws AdminError in words when it does not */
async function requireRoom(
  { local, store }: Pick<ReshapeParts, "local" | "store">,
  before: LayoutRecord,
  next: LayoutRecord,
): Promise<void> {
  const { totals } = await store.inspect();
  const spaces = await store.driveSpaces();
  const [held, due] = [before, next].map((layout) => {
    const placeBytes = totals.objectBytes / geometryOf(layout).dataShards / PARTITION_COUNT;
    return new Map([...placeCounts(layout)].map(([id, count]) => [id, count * placeBytes]));
  });
  for (const [driveId, bytes] of due ?? []) {
    const moreBytes = bytes * ROOM_FACTOR - (held?.get(driveId) ?? 0);
    const freeBytes = spaces.get(driveId)?.freeBytes ?? Infinity;
    if (moreBytes <= freeBytes) continue;
    const path = local.all.find((drive) => drive.driveId === driveId)?.path ?? driveId;
    throw refusal(
      `about ${Math.ceil(moreBytes / 1024 ** 2)} MiB more would be on ${path}, and ${Math.floor(freeBytes / 1024 ** 2)} MiB ` +
        "are free there: add a drive first",
    );
  }
}
