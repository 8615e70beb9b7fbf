// Random histories of a bucket, random rules, and a clock that moves: after each pass there is exactly what a brute-force
// calculation over all versions leaves, also where a pass is cut off and gone on with (F13). KINTSUGI_LIFECYCLE_RUNS and KINTSUGI_SEED make it longer, or repeat it.

import { expect, test } from "vitest";
import type { Tag } from "../../../src/core/tags.ts";
import type { LifecycleRule } from "../../../src/lifecycle/lifecycle-rule.ts";
import { seededRandom, type SeededRandom } from "../../../src/util/seeded-random.ts";
import { objectInput, uploadInput } from "../../contract/metadata/inputs.ts";
import { givenLifecycleLab, ruleWith, type LifecycleLab } from "../../support/lifecycle-lab.ts";
import { applyLifecycle, ModelBucket } from "../../support/lifecycle-reference.ts";

const RUNS = Number(process.env["KINTSUGI_LIFECYCLE_RUNS"] ?? 150);
const FIRST_SEED = Number(process.env["KINTSUGI_SEED"] ?? Math.floor(Math.random() * 1e9));
const DAY_MS = 86_400_000;
const KEYS = ["a/1", "a/2", "a/3", "b/1", "b/2", "c"];
const SIZES = [0, 5, 100, 2_000];

const pick = <T>(random: SeededRandom, items: readonly T[]): T =>
  items[random.below(items.length)] as T;

function someTags(random: SeededRandom): readonly Tag[] {
  return ["x", "y"].filter(() => random.below(3) === 0).map((key) => ({ key, value: "1" }));
}

function someRule(random: SeededRandom, index: number, now: number): LifecycleRule {
  const maybe = <T>(value: T): T | undefined => (random.below(3) === 0 ? value : undefined);
  const days = () => 1 + random.below(9);
  const isOfNoObject = random.below(3) === 0;
  const midnight = Math.floor(now / DAY_MS) * DAY_MS + (random.below(14) - 4) * DAY_MS;
  const filter = {
    prefix: pick(random, [undefined, "", "a/", "b/"]),
    tags: isOfNoObject || random.below(2) === 0 ? [] : someTags(random),
    sizeGreaterThan: isOfNoObject ? undefined : maybe(4),
    sizeLessThan: isOfNoObject ? undefined : maybe(1_000),
  };
  const expiration = pick<LifecycleRule["expiration"]>(random, [
    undefined,
    { kind: "days", days: days() },
    { kind: "days", days: days() },
    { kind: "date", date: midnight },
    ...(isOfNoObject ? [{ kind: "marker", isWanted: random.below(5) > 0 } as const] : []),
  ]);
  return ruleWith({
    id: String(index),
    isEnabled: random.below(6) > 0,
    filter,
    expiration,
    noncurrentExpiration: maybe({
      days: days(),
      newerVersions: pick(random, [undefined, undefined, 1, 3]),
    }),
    abortUploadDays: isOfNoObject ? maybe(days()) : undefined,
  });
}

interface Run {
  readonly lab: LifecycleLab;
  readonly model: ModelBucket;
  readonly random: SeededRandom;
  uploads: number;
}

async function change(run: Run): Promise<void> {
  const { lab, model, random } = run;
  const { metadata, bucket, clock } = lab;
  const key = pick(random, KEYS);
  const name = { bucketId: bucket.id, key };
  const version = pick(random, [undefined, ...model.versionsOf(key)]);
  clock.nowMs += random.below(7_200_000);
  switch (random.below(10)) {
    case 0: {
      const id = `upload-${(run.uploads += 1)}`;
      const upload = uploadInput(bucket.id, key, { id, initiatedAt: clock.nowMs });
      await metadata.createUpload(upload);
      model.uploads.push({ key, uploadId: upload.uploadId, initiatedAt: clock.nowMs });
      return;
    }
    case 1:
    case 2: {
      await removeKey(run, key);
      return;
    }
    case 3: {
      if (version === undefined || version.lockedUntil > clock.nowMs) return;
      const request = { key, versionId: version.versionId, mayBypassGovernance: false };
      const marker = { ownerId: bucket.ownerId, now: clock.nowMs };
      await metadata.deleteObjects(bucket.id, [request], marker);
      model.deleteVersion(key, version);
      return;
    }
    case 4: {
      if (version?.kind !== "object") return;
      version.tags = someTags(random);
      await metadata.putObjectTags({ ...name, versionId: version.versionId }, version.tags);
      return;
    }
    case 5: {
      if (version?.kind !== "object" || bucket.lock === undefined) return;
      if (version.lockedUntil > clock.nowMs) return;
      version.lockedUntil = clock.nowMs + random.below(8) * DAY_MS + 1;
      const retention = { mode: "COMPLIANCE", until: version.lockedUntil } as const;
      const permission = { mayBypassGovernance: false, now: clock.nowMs };
      await metadata.putRetention({ ...name, versionId: version.versionId }, retention, permission);
      return;
    }
    default:
      await put(run, key);
  }
}

async function put({ lab, model, random }: Run, key: string): Promise<void> {
  const { metadata, bucket, clock } = lab;
  const sizeBytes = pick(random, SIZES);
  const told = { sizeBytes, tags: someTags(random), modifiedAt: clock.nowMs };
  const { versionId } = await metadata.putObject(objectInput(bucket.id, key, told));
  model.put(key, { ...told, versionId });
}

async function removeKey({ lab, model }: Run, key: string): Promise<void> {
  const { metadata, bucket, clock } = lab;
  const request = { key, versionId: undefined, mayBypassGovernance: false };
  const marker = { ownerId: bucket.ownerId, now: clock.nowMs };
  const [outcome] = await metadata.deleteObjects(bucket.id, [request], marker);
  const id = outcome?.kind === "deleted" ? outcome.versionId : undefined;
  model.deleteKey(key, clock.nowMs, id ?? "null");
}

/** Compares the store with the model, which learns the ids of what the lifecycle has made. */
async function compare({ lab, model }: Run, what: string): Promise<void> {
  const { metadata, bucket } = lab;
  const { entries } = await metadata.listVersions({
    bucketId: bucket.id,
    prefix: "",
    delimiter: "",
    keyMarker: undefined,
    versionIdMarker: undefined,
    limit: 1_000,
  });
  const listed = entries.flatMap((entry) => (entry.kind === "prefix" ? [] : [entry]));
  const shown = listed.map(
    ({ kind, object }) => `${object.key} ${kind} ${object.sizeBytes} ${object.modifiedAt}`,
  );
  expect(shown, what).toEqual(model.shown());
  for (const [key, versions] of model.keys) {
    const ids = listed.filter(({ object }) => object.key === key).map((entry) => entry.versionId);
    for (const [index, version] of versions.entries()) version.versionId = ids[index] ?? "";
  }
  const due = { bucketId: bucket.id, kind: "upload", before: 1e15 } as const;
  const uploads = await metadata.listDue({ ...due, after: undefined, limit: 1_000 });
  const open = new Set<string | undefined>(uploads.map(({ uploadId }) => uploadId));
  expect(open, what).toEqual(new Set(model.uploads.map(({ uploadId }) => uploadId)));
}

async function liveThrough(seed: number): Promise<number> {
  const random = seededRandom(seed);
  const hasLock = random.below(4) === 0;
  const lab = await givenLifecycleLab(hasLock);
  const model = new ModelBucket();
  const state: Run = { lab, model, random, uploads: 0 };
  if (hasLock) model.versioning = "enabled";
  let lifecycle = lab.open({ pageSize: 1 + random.below(4) });
  let rules: readonly LifecycleRule[] = [];
  let removed = 0;
  const turns = 12 + random.below(20);
  for (let turn = 0; turn < turns; turn += 1) {
    if (turn === 0 || random.below(6) === 0) {
      const now = lab.clock.nowMs;
      rules = Array.from({ length: 1 + random.below(4) }, (_, i) => someRule(random, i, now));
      await lab.setRules(rules);
    }
    if (!hasLock && random.below(8) === 0) {
      model.versioning = pick(random, ["enabled", "suspended"]);
      await lab.metadata.setVersioning(lab.bucket.id, model.versioning);
    }
    for (let count = random.below(12); count > 0; count -= 1) await change(state);
    // Somewhere in a later day.
    const days =
      Math.floor(lab.clock.nowMs / DAY_MS) + 1 + random.below(random.below(4) === 0 ? 10 : 2);
    lab.clock.nowMs = days * DAY_MS + random.below(DAY_MS / 2);
    const before = model.shown().length;
    applyLifecycle(model, rules, lab.clock.nowMs);
    removed += Math.max(before - model.shown().length, 0);
    if (random.below(5) === 0) lifecycle = lab.open({ pageSize: 1 + random.below(4) });
    // Sometimes cut off amid its work, and gone on with by another one.
    for (let steps = random.below(4) === 0 ? random.below(12) : 0; steps > 0; steps -= 1) {
      await lifecycle.step();
      if (steps === 1) lifecycle = lab.open({ pageSize: 1 + random.below(4) });
    }
    await lifecycle.run();
    await compare(state, `seed ${seed}, turn ${turn}`);
  }
  return removed;
}

test(`what goes is what a brute-force calculation names, in ${RUNS} histories from seed ${FIRST_SEED} on`, async () => {
  let removed = 0;
  for (let index = 0; index < RUNS; index += 1) removed += await liveThrough(FIRST_SEED + index);
  expect(removed).toBeGreaterThan(RUNS);
}, 120_000);
