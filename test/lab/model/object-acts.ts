// What a sequence does to objects: each act is one call of a client, or two.

import type { UploadBody } from "../../../src/store/upload-body.ts";
import { bodyOf, collect } from "../../support/store-lab.ts";
import { tick } from "../register.ts";
import { describe, type Ground, type Held } from "./ground.ts";
import { valueOfCopy, type ModelValue } from "./value.ts";
import { deleteKeys } from "../../support/delete-keys.ts";

const CHUNK_BYTES_MAX = 3_000;
/** Pieces of a body: a thousand of a byte each show no more, and cost as much as a hundred operations. */
const CHUNKS_MAX = 12;
const HELD_MAX = 4;

/** Sometimes of unknown length, in pieces of any size. */
export function bodyOfValue({ random }: Ground, { bytes }: ModelValue): UploadBody {
  const chunkBytes = Math.max(
    1 + random.below(CHUNK_BYTES_MAX),
    Math.ceil(bytes.length / CHUNKS_MAX),
  );
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < bytes.length; start += chunkBytes) {
      const chunk = Buffer.from(bytes.subarray(start, start + chunkBytes));
      yield chunk;
      chunk.fill(0xee);
    }
  }
  const hasLength = random.below(4) > 0;
  return bodyOf(bytes, { chunks: chunks(), sizeBytes: hasLength ? bytes.length : undefined });
}

export async function put(ground: Ground): Promise<void> {
  const key = ground.pickKey();
  const value = ground.newValue();
  await ground.write("put", { key, value }, () =>
    ground.model.store.putObject(ground.target(key), bodyOfValue(ground, value)),
  );
}

export async function putIfAbsent(ground: Ground): Promise<void> {
  const key = ground.pickKey();
  const value = ground.newValue();
  const target = { ...ground.target(key), condition: { ifNoneMatch: "*" } };
  await ground.write("put if absent", { key, value, expectedEtag: null }, () =>
    ground.model.store.putObject(target, bodyOfValue(ground, value)),
  );
}

export async function putIfSame(ground: Ground): Promise<void> {
  const key = ground.pickKey();
  const now = tick();
  const present = ground
    .registerOf(key)
    .candidates(now, now)
    .flatMap(({ value }) => value ?? []);
  const expectedEtag = present[ground.random.below(present.length)]?.etag;
  if (expectedEtag === undefined) return put(ground);
  const value = ground.newValue();
  const target = { ...ground.target(key), condition: { ifMatch: expectedEtag } };
  return ground.write("put if same", { key, value, expectedEtag }, () =>
    ground.model.store.putObject(target, bodyOfValue(ground, value)),
  );
}

/** Several at once want to be the first, or the next: one may be. */
export async function race(ground: Ground): Promise<void> {
  const key = ground.pickKey();
  const now = tick();
  const [current] = ground.registerOf(key).candidates(now, now);
  const expectedEtag = current?.value?.etag ?? null;
  const condition = expectedEtag === null ? { ifNoneMatch: "*" } : { ifMatch: expectedEtag };
  const one = async (): Promise<void> => {
    const value = ground.newValue();
    await ground.write("put in a race", { key, value, expectedEtag }, () =>
      ground.model.store.putObject(
        { ...ground.target(key), condition },
        bodyOfValue(ground, value),
      ),
    );
  };
  ground.countOperation("race");
  ground.countOperation("race");
  await Promise.all([one(), one(), one()]);
}

/** A body that does not match what its sender said of it, or breaks off, leaves what was there. */
export async function putBroken(ground: Ground): Promise<void> {
  const key = ground.pickKey();
  const value = ground.newValue();
  const { bytes } = value;
  const breaksOff = ground.random.below(2) === 0;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(bytes.subarray(0, ground.random.below(bytes.length + 1)));
    throw new Error("the client is gone");
  }
  const said = breaksOff
    ? bodyOf(bytes, { chunks: chunks() })
    : bodyOf(bytes, { expectedMd5: "0".repeat(32) });
  const { life, store } = ground.model;
  // No write is begun in the model: whatever is seen of it is a violation.
  const refusal = await store.putObject(ground.target(key), said).then(
    () => undefined,
    (error: unknown) => error ?? new Error("no reason"),
  );
  if (life.isOver) return;
  if (refusal === undefined) ground.journal.violation(`a broken put of ${key} was accepted`);
  else ground.journal.count("put broken");
}

export async function remove(ground: Ground): Promise<void> {
  const key = ground.pickKey();
  const { bucket, store } = ground.model;
  await ground.write("delete", { key, value: undefined }, () => deleteKeys(store, bucket, [key]));
}

export async function copy(ground: Ground): Promise<void> {
  const { bucket, life, store } = ground.model;
  const to = ground.pickKey();
  const opened = await ground.open(ground.pickKey());
  if (opened === undefined || life.isOver) return;
  const value = valueOfCopy(opened.value);
  await ground.write("copy", { key: to, value }, () =>
    store.copyObject({ bucket, reading: opened.reading }, ground.target(to), undefined),
  );
}

export async function get(ground: Ground, key = ground.pickKey()): Promise<void> {
  const opened = await ground.open(key);
  if (opened === undefined) return;
  await readExactly(ground, opened);
  ground.journal.count("get");
}

/** Opened now, read later: see `finishHeld`. */
export async function hold(ground: Ground): Promise<void> {
  const opened = await ground.open(ground.pickKey());
  if (opened !== undefined) ground.held.push(opened);
  if (ground.held.length > HELD_MAX) await finishHeld(ground);
}

/** What was opened long ago must still be whole, whatever was deleted and collected since. */
export async function finishHeld(ground: Ground): Promise<void> {
  const held = ground.held.shift();
  if (held === undefined) return get(ground);
  await readExactly(ground, held);
  ground.journal.count("late get");
}

export async function readExactly(ground: Ground, { reading, value }: Held): Promise<void> {
  const { faults, journal, model, random } = ground;
  const { life } = model;
  const { bytes } = value;
  const start = random.below(3) === 0 ? random.below(bytes.length + 1) : 0;
  const length = random.below(3) === 0 ? random.below(bytes.length - start + 1) : Infinity;
  const end = Math.min(bytes.length, start + length);
  const failing = faults.failingCount;
  const { areTooMany } = faults;
  try {
    const found = await collect(reading.read(start, end));
    if (found.equals(bytes.subarray(start, end))) return;
    journal.violation(`wrong bytes ${start}-${end} of ${value.name}`);
  } catch (error) {
    if (life.isOver) return;
    if (areTooMany || faults.areTooMany) {
      journal.note("reads that failed with too many faults");
      return;
    }
    journal.violation(
      `cannot read ${start}-${end} of ${value.name} with ${failing} drives failing: ${describe(error)}`,
    );
  }
}
