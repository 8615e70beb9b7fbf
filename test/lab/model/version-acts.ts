// What a sequence does to a bucket with versions: each act is a call of a client, or a few.

import type { DeleteOutcome, DeleteRequest } from "../../../src/metadata/metadata-store.ts";
import type { ObjectRecord } from "../../../src/metadata/records.ts";
import { OWNER } from "../../support/store-lab.ts";
import { newVersion, withNew, without, type Stack } from "../version-stack.ts";
import { nextOperation } from "../world.ts";
import type { Held } from "./ground.ts";
import { bodyOfValue, readExactly } from "./object-acts.ts";
import { allOf } from "./upload-acts.ts";
import { newValue, valueOfCopy, valueOfParts, type ModelValue } from "./value.ts";
import type { ModelKey, ModelVersion, VersionGround } from "./version-ground.ts";
import { listVersions } from "./version-check.ts";

const PART_BYTES = [600, 2_048, 4_097];
/** Shorter and longer than the time that passes at once. */
const RETENTION_MS = 200_000;
const DELETES_MAX = 3;

type VersionAct = readonly [weight: number, act: (versions: VersionGround) => Promise<void>];

const ACTS: readonly VersionAct[] = [
  [30, put],
  [8, putConditional],
  [12, removeKey],
  [22, removeVersions],
  [10, copyVersion],
  [8, upload],
  [4, completeAgain],
  [25, getVersion],
  [5, getLatest],
  [8, lock],
  [6, listVersions],
];
const WEIGHT_SUM = ACTS.reduce((sum, [weight]) => sum + weight, 0);

export function actOnVersions(versions: VersionGround): Promise<void> {
  let left = versions.ground.random.below(WEIGHT_SUM);
  const found = ACTS.find(([weight]) => (left -= weight) < 0);
  return found === undefined ? Promise.resolve() : found[1](versions);
}

async function put(versions: VersionGround): Promise<void> {
  const key = versions.roomyKey();
  if (key !== undefined) await putTo(versions, key, {});
}

/** On what stands there, on another, on nothing: a delete marker is nothing, too. */
async function putConditional(versions: VersionGround): Promise<void> {
  const key = versions.roomyKey();
  if (key === undefined) return;
  const { random } = versions.ground;
  const etag = key.latest?.value?.etag;
  if (random.below(2) === 0) {
    const refusal = etag === undefined ? undefined : "PreconditionFailed";
    return putTo(versions, key, { condition: { ifNoneMatch: "*" }, refusal });
  }
  const older = key.stack.at(-1)?.value?.etag ?? "none";
  const ifMatch = random.below(2) === 0 ? (etag ?? older) : older;
  const failure = etag === undefined ? "NoSuchKey" : "PreconditionFailed";
  const refusal = etag === ifMatch ? undefined : failure;
  return putTo(versions, key, { condition: { ifMatch }, refusal });
}

interface PutPlan {
  readonly condition?: { readonly ifMatch: string } | { readonly ifNoneMatch: string };
  readonly refusal?: string | undefined;
}

async function putTo(
  versions: VersionGround,
  key: ModelKey,
  { condition, refusal }: PutPlan,
): Promise<void> {
  const { ground } = versions;
  const value = ground.newValue();
  const target = { ...versions.target(key), condition };
  await versions.alone(key, async () => {
    await versions.change(key, {
      kind: "put version",
      refusal,
      effect: madeBy(versions, value),
      work: () => ground.model.store.putObject(target, bodyOfValue(ground, value)),
    });
  });
}

/** What a call does that makes an object the latest version. */
function madeBy({ versioning }: VersionGround, value: ModelValue) {
  return (answer: ObjectRecord | undefined) => (stack: Stack<ModelValue>) =>
    withNew(stack, newVersion(value, versioning, answer?.versionId));
}

/** Without an id: a marker, but where there never were versions. */
async function removeKey(versions: VersionGround): Promise<void> {
  const key = versions.roomyKey();
  if (key === undefined) return;
  const { versioning } = versions;
  const wasThere = key.latest?.value !== undefined;
  const request = { key: key.name, versionId: undefined, mayBypassGovernance: false };
  await versions.alone(key, async () => {
    const answer = await versions.change(key, {
      kind: "delete of a key",
      effect: (outcomes) => (stack) =>
        versioning === "off"
          ? []
          : withNew(stack, newVersion<ModelValue>(undefined, versioning, idOf(outcomes?.[0]))),
      work: () => deleteNow(versions, [request]),
    });
    const [outcome] = answer ?? [];
    if (outcome === undefined) return;
    const isRight =
      outcome.kind === "deleted" &&
      outcome.wasThere === wasThere &&
      outcome.isDeleteMarker === (versioning !== "off");
    if (!isRight) judge(versions, key, `a delete answered ${JSON.stringify(outcome)}`);
  });
}

/** Some at once, some of them not there, some locked. */
async function removeVersions(versions: VersionGround): Promise<void> {
  const key = versions.idleKey();
  if (key === undefined) return;
  const { random } = versions.ground;
  const others = versions.keys.filter((other) => other !== key && !other.isBusy);
  const strangers = others.flatMap(({ stack }) => stack);
  const count = 1 + random.below(DELETES_MAX);
  const requests: DeleteRequest[] = [];
  for (let made = 0; made < count; made += 1) {
    const from = random.below(8) === 0 ? strangers : key.stack;
    const versionId = from[random.below(from.length)]?.versionId;
    const mayBypassGovernance = random.below(2) === 0;
    if (versionId !== undefined) requests.push({ key: key.name, versionId, mayBypassGovernance });
  }
  if (requests.length === 0) return;
  await versions.alone(key, async () => {
    const before = key.stack;
    const plan = planOf(before, requests, versions.now);
    const outcomes = await versions.change(key, {
      kind: "delete of versions",
      effect: () => () => plan.after,
      work: () => deleteNow(versions, requests),
    });
    for (const word of outcomes?.map(wordOf) ?? []) {
      versions.ground.journal.note(`delete of a version: ${word}`);
    }
    if (outcomes === undefined || outcomes.map(wordOf).join() === plan.words.join()) return;
    const said = `${outcomes.map(wordOf).join()}, not ${plan.words.join()}`;
    const asked = requests.map(({ versionId }) => versionId).join();
    judge(versions, key, `deletes of ${asked} answered ${said}`);
  });
}

/** What deletes must answer, one after the other, and leave. */
function planOf(stack: Stack<ModelValue>, requests: readonly DeleteRequest[], now: number) {
  let after = stack;
  const words = requests.map(({ versionId = "", mayBypassGovernance }) => {
    const found = after.find((version) => version.versionId === versionId);
    if (found === undefined) return "absent";
    if (found.isHeld || (found.keptUntil > now && !mayBypassGovernance)) return "refused";
    after = without(after, versionId);
    return found.value === undefined ? "marker deleted" : "deleted";
  });
  return { after, words };
}

function wordOf(outcome: DeleteOutcome): string {
  if (outcome.kind !== "deleted") return outcome.kind;
  if (!outcome.wasThere) return "absent";
  return outcome.isDeleteMarker ? "marker deleted" : "deleted";
}

function deleteNow({ bucket, ground }: VersionGround, requests: readonly DeleteRequest[]) {
  return ground.model.store.deleteObjects(bucket, requests, OWNER.id);
}

function idOf(outcome: DeleteOutcome | undefined): string | undefined {
  return outcome?.kind === "deleted" ? outcome.versionId : undefined;
}

/** Any version, to any key, its own among them: so an older one is brought back. */
async function copyVersion(versions: VersionGround): Promise<void> {
  const to = versions.roomyKey();
  const source = await openAny(versions);
  if (source === undefined) return;
  if (to === undefined || to.isBusy) {
    source.reading.close();
    return;
  }
  const { bucket, ground } = versions;
  await versions.alone(to, async () => {
    await versions.change(to, {
      kind: "copy of a version",
      effect: madeBy(versions, valueOfCopy(source.value)),
      work: () =>
        ground.model.store.copyObject(
          { bucket, reading: source.reading },
          versions.target(to),
          undefined,
        ),
    });
  });
}

async function upload(versions: VersionGround): Promise<void> {
  const key = versions.roomyKey();
  if (key === undefined) return;
  const { ground, bucket } = versions;
  const { faults, model, random } = ground;
  const { life, store } = model;
  await versions.alone(key, async () => {
    const parts: ModelValue[] = [];
    try {
      const record = await store.createUpload(versions.target(key), OWNER, undefined);
      for (let number = 1 + random.below(2); number > 0; number -= 1) {
        const sizeBytes = PART_BYTES[random.below(PART_BYTES.length)] ?? 600;
        const value = newValue(nextOperation(), sizeBytes);
        await store.putPart(
          { bucket, upload: record },
          parts.length + 1,
          bodyOfValue(ground, value),
        );
        parts.push(value);
      }
      if (life.isOver) return;
      const value = valueOfParts(parts);
      const complete = () => completeNow(versions, record, parts);
      const made = await versions.change(key, {
        kind: "complete of a version",
        effect: madeBy(versions, value),
        work: complete,
      });
      if (made !== undefined) versions.done.push({ key, value, complete });
    } catch (error) {
      if (!life.isOver) ground.judgeRefusal("upload part", error, faults.failingCount);
    }
  });
}

function completeNow(
  { bucket, ground }: VersionGround,
  { key, uploadId }: Awaited<ReturnType<VersionGround["ground"]["model"]["store"]["createUpload"]>>,
  parts: readonly ModelValue[],
): Promise<ObjectRecord> {
  return ground.model.store.completeUpload({ bucket, key, uploadId, ...allOf(parts) });
}

/** The same answer, for as long as the version that it made is there. */
async function completeAgain(versions: VersionGround): Promise<void> {
  const { done, ground } = versions;
  const one = done[ground.random.below(done.length)];
  if (one === undefined || one.key.isBusy) return;
  const { complete, key, value } = one;
  await versions.alone(key, async () => {
    const standing = key.stack.find((version) => version.value === value);
    const answer = await versions.change(key, {
      kind: "complete again",
      refusal: standing === undefined ? "NoSuchUpload" : undefined,
      effect: () => (stack) => stack,
      work: complete,
    });
    if (answer === undefined || answer.versionId === standing?.versionId) return;
    judge(versions, key, `a repeated Complete named version ${answer.versionId}`);
  });
}

/** Read at once, or later, when it may be gone. */
async function getVersion(versions: VersionGround): Promise<void> {
  const opened = await openAny(versions);
  if (opened === undefined) return;
  const { ground } = versions;
  ground.countOperation("get version");
  if (ground.random.below(4) === 0) ground.held.push(opened);
  else {
    await readExactly(ground, opened);
    ground.journal.count("get version");
  }
}

async function openAny(versions: VersionGround): Promise<Held | undefined> {
  const key = versions.idleKey();
  if (key === undefined) return undefined;
  const version = key.stack[versions.ground.random.below(key.stack.length)];
  if (version === undefined) return undefined;
  let held: Held | undefined;
  await versions.alone(key, async () => {
    held = await versions.open(key, version);
  });
  return held;
}

async function getLatest(versions: VersionGround): Promise<void> {
  const key = versions.idleKey();
  if (key === undefined) return;
  const { ground } = versions;
  ground.countOperation("get latest version");
  await versions.alone(key, async () => {
    const opened = await versions.open(key, {
      value: key.latest?.value,
      versionId: undefined,
    });
    if (opened !== undefined) await readExactly(ground, opened);
  });
}

/** Legal holds and retentions, asked for by who may pass over governance and by who may not. */
async function lock(versions: VersionGround): Promise<void> {
  const key = versions.idleKey();
  const { random } = versions.ground;
  const objects = key?.stack.filter(({ value }) => value !== undefined) ?? [];
  const version = objects[random.below(objects.length)];
  if (!versions.hasLock || key === undefined || version?.versionId === undefined) return;
  const { store } = versions.ground.model;
  const name = { bucket: versions.bucket, key: key.name, versionId: version.versionId };
  const changed = (change: Partial<ModelVersion>) => () => (stack: Stack<ModelValue>) =>
    stack.map((each) => (each === version ? { ...each, ...change } : each));
  await versions.alone(key, async () => {
    if (random.below(2) === 0) {
      const isHeld = !version.isHeld;
      const work = () => store.putLegalHold(name, isHeld);
      await versions.change(key, { kind: "legal hold", effect: changed({ isHeld }), work });
      return;
    }
    const { now } = versions;
    const keptUntil = random.below(3) === 0 ? 0 : now + 1 + random.below(RETENTION_MS);
    const mayBypass = random.below(2) === 0;
    const isWeaker = version.keptUntil > now && keptUntil < version.keptUntil;
    const retention =
      keptUntil === 0 ? undefined : ({ mode: "GOVERNANCE", until: keptUntil } as const);
    await versions.change(key, {
      kind: "retention",
      refusal: isWeaker && !mayBypass ? "AccessDenied" : undefined,
      effect: changed({ keptUntil }),
      work: () => store.putRetention(name, retention, mayBypass),
    });
  });
}

function judge({ ground }: VersionGround, key: ModelKey, words: string): void {
  ground.journal.violation(`${words}; ${key.describe()}`);
}
