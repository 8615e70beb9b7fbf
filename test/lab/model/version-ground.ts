// A second bucket of a sequence, with versions: what its keys must hold, and how an answer is judged. One call at a time
// changes a key, so that each answer is known beforehand; other keys, readings and all background work go on beside it.

import { S3Error } from "../../../src/core/s3-error.ts";
import type { BucketView } from "../../../src/store/bucket-view.ts";
import type { NewObject } from "../../../src/store/object-store.ts";
import { OWNER } from "../../support/store-lab.ts";
import {
  VersionedKey,
  type StackEffect,
  type StackVersion,
  type VersioningState,
} from "../version-stack.ts";
import { describe, type Ground, type Held } from "./ground.ts";
import type { ModelValue } from "./value.ts";

/** In the order of a listing. */
const NAMES = ["a", "a/1", "a/b", "b", "c/\u00e9", "c/\u{10400}"];
/** Answers that a state of the key alone decides. */
const JUDGED = new Set(["AccessDenied", "NoSuchKey", "NoSuchUpload", "PreconditionFailed"]);
/** Newer versions of a key are not made. */
const VERSIONS_MAX = 8;

export type ModelKey = VersionedKey<ModelValue>;
export type ModelVersion = StackVersion<ModelValue>;

/** An upload that was completed, to be completed once more. */
export interface DoneUpload {
  readonly key: ModelKey;
  readonly value: ModelValue;
  readonly complete: () => Promise<{ readonly etag: string; readonly versionId: string }>;
}

interface Change<Answer> {
  readonly kind: string;
  /** The code of the refusal that there must be; undefined: it must be done. */
  readonly refusal?: string | undefined;
  readonly work: () => Promise<Answer>;
  /** Of no answer: what it does if it is done all the same. */
  readonly effect: (answer: Answer | undefined) => StackEffect<ModelValue>;
}

export class VersionGround {
  readonly ground: Ground;
  readonly keys: readonly ModelKey[] = NAMES.map((name) => new VersionedKey(name));
  readonly hasLock: boolean;
  readonly done: DoneUpload[] = [];
  versioning: VersioningState;
  #bucket: BucketView;

  private constructor(ground: Ground, bucket: BucketView) {
    this.ground = ground;
    this.#bucket = bucket;
    this.hasLock = bucket.lock !== undefined;
    this.versioning = bucket.versioning;
  }

  static async make(ground: Ground): Promise<VersionGround> {
    const named = { name: "versioned", owner: OWNER, region: "us-east-1" };
    const hasLock = ground.random.below(3) === 0;
    const bucket = await ground.model.store.createBucket({ ...named, hasLock });
    return new VersionGround(ground, bucket);
  }

  get bucket(): BucketView {
    return this.#bucket;
  }

  get now(): number {
    return this.ground.model.clock.now();
  }

  /** While nothing else goes on. */
  async setVersioning(versioning: "enabled" | "suspended"): Promise<void> {
    const { journal, model } = this.ground;
    this.ground.countOperation("set versioning");
    try {
      await model.store.setVersioning(this.#bucket, versioning);
      if (this.hasLock && versioning === "suspended") journal.violation("suspended with a lock");
      this.versioning = versioning;
      await this.refresh();
    } catch (error) {
      const isRefused = error instanceof S3Error && error.code === "InvalidBucketState";
      if (!isRefused || !this.hasLock) journal.violation(`set versioning: ${describe(error)}`);
    }
  }

  async refresh(): Promise<void> {
    this.#bucket = (await this.ground.model.store.findBucket("versioned")) ?? this.#bucket;
  }

  target(key: ModelKey): NewObject {
    return { ...this.ground.target(key.name), bucket: this.#bucket };
  }

  /** A key that nothing changes now. */
  idleKey(): ModelKey | undefined {
    const idle = this.keys.filter((key) => !key.isBusy);
    return idle[this.ground.random.below(idle.length)];
  }

  /** One that may get another version. */
  roomyKey(): ModelKey | undefined {
    const key = this.idleKey();
    return key !== undefined && key.stack.length < VERSIONS_MAX ? key : undefined;
  }

  /** Keeps others from changing the key meanwhile. */
  async alone(key: ModelKey, work: () => Promise<void>): Promise<void> {
    const { life } = this.ground.model;
    key.isBusy = true;
    try {
      await work();
    } finally {
      // A crash has freed it for the next life.
      if (!life.isOver) key.isBusy = false;
    }
  }

  /** A call that changes a key, whose answer is judged, unless its process dies meanwhile. */
  async change<Answer>(key: ModelKey, change: Change<Answer>): Promise<Answer | undefined> {
    const { faults, journal, model } = this.ground;
    const { life } = model;
    const { kind, refusal, effect, work } = change;
    const failingBefore = faults.failingCount;
    const before = key.describe();
    this.ground.countOperation(kind);
    key.begin(refusal === undefined ? effect(undefined) : (stack) => stack);
    try {
      const answer = await work();
      if (life.isOver) return undefined;
      key.accept(effect(answer));
      if (refusal !== undefined) journal.violation(`${kind} was done, not ${refusal}; ${before}`);
      journal.count(kind);
      return answer;
    } catch (error) {
      if (life.isOver) return undefined;
      key.refuse();
      const code = error instanceof S3Error ? error.code : String(error);
      if (code === refusal) journal.count(`${kind}, refused`);
      else if (JUDGED.has(code)) journal.violation(`${kind}: ${code}; ${before}`);
      else this.ground.judgeRefusal(kind, error, failingBefore);
      return undefined;
    }
  }

  /** A version that must be there, and be what it was; undefined where it is a delete marker. */
  async open(
    key: ModelKey,
    { value, versionId }: Pick<ModelVersion, "value" | "versionId">,
  ): Promise<Held | undefined> {
    const { journal, model } = this.ground;
    const { life, store } = model;
    const name = `${key.name} ${versionId ?? "latest"}`;
    try {
      const reading = await store.openObject(this.#bucket, key.name, versionId);
      if (life.isOver) return undefined;
      if (reading?.object.etag === value?.etag) return reading && value && { reading, value };
      reading?.close();
      journal.violation(`open ${name}: ${reading?.object.etag}; ${key.describe()}`);
    } catch (error) {
      if (!life.isOver) journal.violation(`open ${name}: ${describe(error)}`);
    }
    return undefined;
  }

  /** The process is dead. */
  loseOpenCalls(): void {
    for (const key of this.keys) key.lose();
  }
}
