// A store whose objects of middle size lie in packs, and where an object's bytes in them are.

import { PACK_BYTES_MAX } from "../../src/core/limits.ts";
import type { SimDrive } from "../../src/disk/sim-drive.ts";
import type { Content, ObjectRecord } from "../../src/metadata/records.ts";
import { givenStore, type LabOptions, type StoreLab } from "./store-lab.ts";

export type PackedContent = Extract<Content, { readonly kind: "packed" }>;

export function givenPacks(options: LabOptions = {}): Promise<StoreLab> {
  return givenStore({ ...options, limits: { packBytesMax: PACK_BYTES_MAX, ...options.limits } });
}

export function packedOf(object: Pick<ObjectRecord, "content">): PackedContent {
  if (object.content.kind !== "packed") throw new Error("the object is in no pack");
  return object.content;
}

export interface PackFile {
  readonly disk: SimDrive;
  readonly path: string;
}

/** The files of an object's pack, by shard index; absent where no drive has one. */
export async function packFiles(
  { disks }: Pick<StoreLab, "disks">,
  object: Pick<ObjectRecord, "content">,
): Promise<readonly (PackFile | undefined)[]> {
  const { set } = packedOf(object);
  const files: (PackFile | undefined)[] = [];
  for (let index = 0; index < set.dataShards + set.parityShards; index += 1) {
    const path = `shards/${set.id.slice(-2)}/${set.id}.${index}`;
    let found: PackFile | undefined;
    for (const disk of disks) {
      const file = await disk.open(path).catch(() => undefined);
      if (file !== undefined) found = { disk, path };
      await file?.close();
    }
    files.push(found);
  }
  return files;
}
