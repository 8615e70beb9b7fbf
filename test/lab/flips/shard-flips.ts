// Bit flips in the shard files of a store over simulated drives, thousands in a minute: up to as many shards of a set at a
// time as there is parity, anywhere in the file. Every read must be exact, and a verification must name each shard.

import type { ObjectRecord } from "../../../src/metadata/records.ts";
import type { VerifyFinding } from "../../../src/store/verify-report.ts";
import type { SeededRandom } from "../../../src/util/seeded-random.ts";
import { bodyOf, collect, OWNER } from "../../support/store-lab.ts";
import { md5 } from "../contents.ts";
import { ModelStore } from "../model/model-store.ts";
import { newValue, type ModelValue } from "../model/value.ts";
import { nextOperation, type Journal } from "../world.ts";

const DRIVES = 6;
/** In packs, and in sets of their own: what lies in the metadata has no shards. */
const SIZES = [513, 700, 2_048, 2_049, 4_096, 4_097, 8_192, 8_193, 20_001];
const OBJECTS = 24;
/** Of flips; all are read. */
const VERIFY_EVERY = 4;

interface FlippedObject {
  readonly key: string;
  readonly value: ModelValue;
  readonly setId: string;
  readonly isPacked: boolean;
}

export interface ShardFlips {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly journal: Journal;
  readonly shouldGoOn: () => boolean;
}

/** So many flips in a store that is made for them. */
export async function flipShardFiles(flips: ShardFlips, count: number): Promise<void> {
  const model = await ModelStore.make(flips.seed, DRIVES);
  const objects = await fill(model);
  // Sealed, so that footers are there to be flipped too.
  await model.restart();
  for (let done = 0; done < count && flips.shouldGoOn();) {
    flips.journal.cycle += 1;
    const object = objects[flips.random.below(objects.length)];
    if (object !== undefined) done += await flipOne(model, flips, { object, objects });
  }
  await model.close();
}

async function fill(model: ModelStore): Promise<readonly FlippedObject[]> {
  const objects: FlippedObject[] = [];
  for (let index = 0; index < OBJECTS; index += 1) {
    const key = `key-${String(index).padStart(2, "0")}`;
    const value = newValue(nextOperation(), SIZES[index % SIZES.length] ?? 513);
    const target = {
      bucket: model.bucket,
      key,
      ownerId: OWNER.id,
      storageClass: "STANDARD",
      attributes: { headers: {}, userMetadata: {} },
      tags: [],
      acl: undefined,
      lock: { retention: undefined, legalHold: undefined },
      encryption: undefined,
    };
    const { content }: ObjectRecord = await model.store.putObject(target, bodyOf(value.bytes));
    if (content.kind === "inline" || content.kind === "manifest") continue;
    const isPacked = content.kind === "packed";
    objects.push({ key, value, setId: content.set.id, isPacked });
  }
  return objects;
}

interface Flipping {
  readonly object: FlippedObject;
  readonly objects: readonly FlippedObject[];
}

interface Flip {
  readonly drive: number;
  readonly path: string;
  readonly offset: number;
  readonly bit: number;
}

/** Flips, reads, perhaps verifies, and flips back; resolves to the number of flips. */
async function flipOne(
  model: ModelStore,
  flips: ShardFlips,
  { object, objects }: Flipping,
): Promise<number> {
  const { journal, random } = flips;
  const chosen = await chooseFlips(model, random, object);
  for (const flip of chosen) corrupt(model, flip);
  journal.note(object.isPacked ? "flips in packs" : "flips in shards", chosen.length);
  // A flip in a pack may lie in any of its objects.
  const touched = objects.filter(({ setId }) => setId === object.setId);
  for (const each of touched) await readExactly(model, flips, each);
  if (random.below(VERIFY_EVERY) === 0) await requireNamed(model, journal, { object, chosen });
  for (const flip of chosen) corrupt(model, flip);
  return chosen.length;
}

async function chooseFlips(
  model: ModelStore,
  random: SeededRandom,
  { setId }: FlippedObject,
): Promise<readonly Flip[]> {
  const count = 1 + random.below(model.parity);
  const start = random.below(DRIVES);
  const chosen: Flip[] = [];
  for (let nth = 0; nth < DRIVES && chosen.length < count; nth += 1) {
    const drive = (start + nth) % DRIVES;
    const disk = model.disks[drive];
    const folder = `shards/${setId.slice(-2)}`;
    const names = (await disk?.list(folder)) ?? [];
    const name = names.find((entry) => entry.name.startsWith(setId))?.name;
    if (disk === undefined || name === undefined) continue;
    const path = `${folder}/${name}`;
    const file = await disk.open(path);
    chosen.push({ drive, path, offset: random.below(file.sizeBytes), bit: random.below(8) });
    await file.close();
  }
  return chosen;
}

function corrupt(model: ModelStore, { drive, path, offset, bit }: Flip): void {
  model.disks[drive]?.corrupt(path, { kind: "flip", offset, bit });
}

async function readExactly(
  model: ModelStore,
  { journal, random }: ShardFlips,
  { key, value }: FlippedObject,
): Promise<void> {
  const { bytes } = value;
  const isRange = random.below(2) === 0;
  const start = isRange ? random.below(bytes.length) : 0;
  const end = isRange ? start + 1 + random.below(bytes.length - start) : bytes.length;
  try {
    const reading = await model.store.openObject(model.bucket, key);
    if (reading === undefined) throw new Error("it is not found");
    const found = await collect(reading.read(start, end));
    journal.count("read of flipped shards");
    if (!found.equals(bytes.subarray(start, end))) {
      journal.violation(`wrong bytes ${start}-${end} of ${value.name}, ETag ${md5(bytes)}`);
    }
  } catch (error) {
    journal.violation(`cannot read ${start}-${end} of ${value.name}: ${String(error)}`);
  }
}

/** A set of one object: every flip is found. A pack: those in places that something names. */
async function requireNamed(
  model: ModelStore,
  journal: Journal,
  { object, chosen }: { readonly object: FlippedObject; readonly chosen: readonly Flip[] },
): Promise<void> {
  const findings: VerifyFinding[] = [];
  const query = { bucket: model.bucket.name, prefix: object.isPacked ? undefined : object.key };
  await model.store.verifyObjects(query, { onFinding: (finding) => void findings.push(finding) });
  const named = new Set(findings.flatMap(({ shards }) => shards.map(({ index }) => index)));
  for (const { path, offset, bit } of chosen) {
    const index = Number(path.slice(path.lastIndexOf(".") + 1));
    if (named.has(index)) journal.note("flips that a verification named");
    else if (object.isPacked) journal.note("flips in packs that a verification did not name");
    else journal.violation(`verify does not name shard ${index}: ${path} at ${offset}.${bit}`);
  }
}
