// Random operations on the object store over simulated drives, against a model in memory: with crashes, lost, failing,
// full and hanging drives, rot, and trash collection between and during them.

import { S3Error } from "../../../src/core/s3-error.ts";
import type { ObjectRecord } from "../../../src/metadata/records.ts";
import type { ObjectReading } from "../../../src/store/object-store.ts";
import { seededRandom, type SeededRandom } from "../../../src/util/seeded-random.ts";
import { bodyOf, collect, OWNER } from "../../support/store-lab.ts";
import { bytesOfPiece, md5, type Piece } from "../contents.ts";
import type { LoopOptions } from "../crash-loop.ts";
import { Register, tick } from "../register.ts";
import { nextOperation, type Journal } from "../world.ts";
import { ModelFaults } from "./model-faults.ts";
import { ModelStore } from "./model-store.ts";

const STEPS = 120;
const KEYS = 8;
const SIZES = [0, 1, 511, 512, 513, 5_000, 65_536, 65_537, 262_144, 262_145, 700_001];
const WEIGHTS = [2, 2, 1, 1, 3, 20, 2, 2, 1, 1, 1];

type Value = Piece | undefined;

interface Held {
  readonly reading: ObjectReading;
  readonly piece: Piece;
}

/** One sequence after another, each on a store of its own; the k-th depends on the seed and on k alone. */
export async function runModel({
  seed,
  journal,
  shouldGoOn,
  from = 1,
}: LoopOptions): Promise<void> {
  for (let number = from; shouldGoOn(); number += 1) {
    journal.cycle = number;
    const model = await ModelStore.make(number);
    const sequence = new Sequence(model, seededRandom(seed * 100_003 + number), journal);
    await sequence.run();
    await model.close();
  }
}

class Sequence {
  readonly #model: ModelStore;
  readonly #random: SeededRandom;
  readonly #journal: Journal;
  readonly #faults: ModelFaults;
  readonly #keys = Array.from({ length: KEYS }, (_, index) => `key-${index}`);
  readonly #registers = new Map(
    this.#keys.map((key) => [key, new Register<Value>(undefined)] as const),
  );
  #held: Held[] = [];
  #hasCrashed = false;

  constructor(model: ModelStore, random: SeededRandom, journal: Journal) {
    this.#model = model;
    this.#random = random;
    this.#journal = journal;
    this.#faults = new ModelFaults(model, random, journal);
  }

  async run(): Promise<void> {
    const mayCrash = this.#random.below(3) > 0;
    for (let step = 0; step < STEPS; step += 1) {
      if (this.#random.below(5) === 0) await this.#faults.next();
      const calls = Array.from({ length: 1 + this.#random.below(3) }, () => this.#oneCall());
      if (mayCrash && this.#random.below(12) === 0) await this.#crashAmid(calls);
      else await Promise.all(calls);
    }
    await this.#faults.heal();
    await this.#checkAll();
    if (!this.#hasCrashed) await this.#checkNoOrphans();
  }

  async #oneCall(): Promise<void> {
    this.#journal.note("operations");
    if (this.#faults.areAny) this.#journal.note("operations with a fault");
    const dice = this.#random.below(100);
    const key = this.#keys[this.#random.below(KEYS)] ?? "";
    if (dice < 40) await this.#put(key);
    else if (dice < 62) await this.#get(key);
    else if (dice < 72) await this.#delete(key);
    else if (dice < 80) await this.#copy(key);
    else if (dice < 86) await this.#upload(key);
    else if (dice < 91) await this.#hold(key);
    else if (dice < 95) await this.#finishHeld();
    else await this.#collectTrash();
  }

  /** Runs a write whose outcome is judged, unless its process dies meanwhile. */
  async #write(
    kind: string,
    key: string,
    piece: Value,
    work: () => Promise<unknown>,
  ): Promise<void> {
    const { life } = this.#model;
    const register = this.#registerOf(key);
    const write = register.begin(nextOperation(), piece);
    const failingBefore = this.#faults.failingCount;
    try {
      await work();
      if (life.isOver) return;
      register.acknowledge(write);
      this.#journal.count(kind);
    } catch (error) {
      if (life.isOver) return;
      register.refuse(write);
      this.#judgeRefusal(kind, error, failingBefore);
    }
  }

  /** One failing drive of six stops no write; two may, with a clear word. */
  #judgeRefusal(kind: string, error: unknown, failingBefore: number): void {
    const code = error instanceof S3Error ? error.code : String(error);
    this.#journal.note(`refused: ${kind} ${code}`);
    if (code === "NoSuchUpload" || code === "NoSuchKey" || code === "PreconditionFailed") return;
    // A copy reads before it writes.
    if (kind === "copy" && this.#faults.areTooMany) return;
    const isClear = code === "ServiceUnavailable" || code === "InsufficientStorage";
    if (isClear && Math.max(failingBefore, this.#faults.failingCount) > 1) return;
    const cause = error instanceof S3Error ? describe(error.cause) : "";
    this.#journal.violation(
      `${kind} failed with ${code}, ${failingBefore} drives failing: ${cause}`,
    );
  }

  async #put(key: string): Promise<void> {
    const piece = { seed: nextOperation(), sizeBytes: this.#pickSize() };
    await this.#write("put", key, piece, () =>
      this.#model.store.putObject(this.#target(key), bodyOf(bytesOfPiece(piece))),
    );
  }

  async #delete(key: string): Promise<void> {
    const { bucket, store } = this.#model;
    await this.#write("delete", key, undefined, () => store.deleteObjects(bucket, [key]));
  }

  async #copy(to: string): Promise<void> {
    const { bucket, life, store } = this.#model;
    const from = this.#keys[this.#random.below(KEYS)] ?? "";
    const opened = await this.#open(from);
    if (opened === undefined || life.isOver) return;
    await this.#write("copy", to, opened.piece, () =>
      store.copyObject({ bucket, reading: opened.reading }, this.#target(to), undefined),
    );
  }

  async #upload(key: string): Promise<void> {
    const { bucket, store } = this.#model;
    const piece = { seed: nextOperation(), sizeBytes: this.#pickSize() };
    await this.#write("complete", key, piece, async () => {
      const upload = await store.createUpload(this.#target(key), OWNER, undefined);
      const part = await store.putPart({ bucket, upload }, 1, bodyOf(bytesOfPiece(piece)));
      if (this.#random.below(4) === 0) {
        await store.abortUpload(bucket, key, upload.uploadId);
        throw new S3Error("NoSuchUpload");
      }
      await store.completeUpload({
        bucket,
        key,
        uploadId: upload.uploadId,
        parts: [{ number: 1, etag: part.etag, checksum: undefined }],
        checksum: undefined,
        checksumType: undefined,
        expectedBytes: undefined,
        condition: undefined,
      });
    });
  }

  async #get(key: string): Promise<void> {
    const opened = await this.#open(key);
    if (opened === undefined) return;
    await this.#readExactly(opened);
    this.#journal.count("get");
  }

  /** Opens an object, or finds none, as the model allows. */
  async #open(key: string): Promise<Held | undefined> {
    const { bucket, life, store } = this.#model;
    const register = this.#registerOf(key);
    const from = tick();
    let reading: ObjectReading | undefined;
    try {
      reading = await store.openObject(bucket, key);
    } catch (error) {
      if (!life.isOver) this.#journal.violation(`open ${key}: ${describe(error)}`);
      return undefined;
    }
    if (life.isOver) return undefined;
    const seen = this.#judgeSeen(register, reading?.object, from);
    if (seen === undefined) reading?.close();
    return seen === undefined || reading === undefined ? undefined : { reading, piece: seen };
  }

  #judgeSeen(register: Register<Value>, object: ObjectRecord | undefined, from: number): Value {
    const to = tick();
    const seen = register.candidates(from, to).filter(({ value }) => isSame(value, object));
    const [only] = seen;
    if (only === undefined) {
      const words = object === undefined ? "absent" : `${object.etag}, ${object.sizeBytes} bytes`;
      this.#journal.violation(`saw ${words}; ${register.describe(renderPiece)}`);
      return undefined;
    }
    if (seen.length === 1) register.acknowledge(only, to);
    return only.value;
  }

  async #hold(key: string): Promise<void> {
    const opened = await this.#open(key);
    if (opened !== undefined) this.#held.push(opened);
  }

  /** What was opened long ago must still be whole, whatever was deleted and collected since. */
  async #finishHeld(): Promise<void> {
    const held = this.#held.shift();
    if (held === undefined) return;
    await this.#readExactly(held);
    this.#journal.count("late get");
  }

  async #readExactly({ reading, piece }: Held): Promise<void> {
    const { life } = this.#model;
    const start = this.#random.below(3) === 0 ? this.#random.below(piece.sizeBytes + 1) : 0;
    const length =
      this.#random.below(3) === 0 ? this.#random.below(piece.sizeBytes - start + 1) : Infinity;
    const end = Math.min(piece.sizeBytes, start + length);
    const failing = this.#faults.failingCount;
    const { areTooMany } = this.#faults;
    try {
      const bytes = await collect(reading.read(start, end));
      if (bytes.equals(bytesOfPiece(piece).subarray(start, end))) return;
      this.#journal.violation(`wrong bytes ${start}-${end} of ${renderPiece(piece)}`);
    } catch (error) {
      if (life.isOver) return;
      if (areTooMany || this.#faults.areTooMany) {
        this.#journal.note("reads that failed with too many faults");
        return;
      }
      this.#journal.violation(
        `cannot read ${start}-${end} of ${renderPiece(piece)} with ${failing} drives failing: ${describe(error)}`,
      );
    }
  }

  async #collectTrash(): Promise<void> {
    const { life, store } = this.#model;
    try {
      await store.collectTrash();
      this.#model.passTime();
      const { removedCount } = await store.collectTrash();
      this.#journal.note("sets removed", removedCount);
    } catch (error) {
      if (!life.isOver) this.#journal.violation(`trash: ${describe(error)}`);
    }
  }

  async #crashAmid(calls: readonly Promise<void>[]): Promise<void> {
    for (let turns = this.#random.below(40); turns > 0; turns -= 1) {
      await (turns % 3 === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined);
    }
    this.#held = [];
    this.#faults.forget();
    await this.#model.crash(this.#random.below(2) === 0 ? "lost" : "torn");
    this.#hasCrashed = true;
    this.#journal.note("crashes");
    // Calls of the dead process settle without effect; those that never do are forgotten.
    const settled = Promise.allSettled(calls);
    await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, 200).unref())]);
    await this.#checkAll();
  }

  /** Everything is read, and becomes the new beginning. */
  async #checkAll(): Promise<void> {
    const { bucket, store } = this.#model;
    for (const [key, register] of this.#registers) {
      const from = tick();
      const object = await store.findObject(bucket, key);
      const seen = this.#judgeSeen(register, object, from);
      const found = register.candidates(from, tick()).find(({ value }) => isSame(value, object));
      if (found !== undefined) register.settle(found);
      if (seen !== undefined) await this.#get(key);
    }
    await this.#checkListing();
  }

  async #checkListing(): Promise<void> {
    const { bucket, store } = this.#model;
    const query = {
      bucketId: bucket.id,
      prefix: "",
      delimiter: "",
      after: undefined,
      limit: 1_000,
    };
    const { entries } = await store.listObjects(query);
    const listed = entries.map((entry) => (entry.kind === "object" ? entry.object.key : "prefix"));
    const present = [...this.#registers].filter(([, register]) => {
      return register.candidates(Infinity, Infinity)[0]?.value !== undefined;
    });
    if (listed.join() !== present.map(([key]) => key).join()) {
      this.#journal.violation(`LIST shows ${listed.join()}`);
    }
  }

  /** Without a crash nothing may be left that no metadata names, once the trash has been collected. */
  async #checkNoOrphans(): Promise<void> {
    const { bucket, disks, metadata, store } = this.#model;
    for (const { reading } of this.#held) reading.close();
    for (let rounds = 0; rounds < 3; rounds += 1) await this.#collectTrash();
    const named = new Set<string>();
    for (const key of this.#keys) {
      const object = await metadata.findObject(bucket.id, key);
      if (object?.content.kind === "set") named.add(object.content.set.id);
      if (object?.content.kind !== "manifest") continue;
      const { parts } = await store.listObjectParts(object, 0, 100);
      for (const { content } of parts) if (content.kind === "set") named.add(content.set.id);
    }
    const uploads = await store.listUploads({
      bucketId: bucket.id,
      prefix: "",
      delimiter: "",
      keyMarker: undefined,
      uploadIdMarker: undefined,
      limit: 1,
    });
    // The parts of an upload that a failure left open are nobody's object, and no orphans.
    if (uploads.entries.length > 0) return;
    for (const disk of disks) {
      const files = await this.#model.shardFiles(disk);
      const orphans = files.filter((path) => !named.has(setIdOf(path)));
      if (orphans.length > 0) {
        this.#journal.violation(`${orphans.length} orphans on ${disk.root}: ${orphans[0] ?? ""}`);
      }
    }
    this.#journal.note("sequences without an orphan");
  }

  #registerOf(key: string): Register<Value> {
    const register = this.#registers.get(key);
    if (register === undefined) throw new Error(`no key ${key}`);
    return register;
  }

  #pickSize(): number {
    let left = this.#random.below(WEIGHTS.reduce((sum, weight) => sum + weight, 0));
    return SIZES[WEIGHTS.findIndex((weight) => (left -= weight) < 0)] ?? 0;
  }

  #target(key: string) {
    return {
      bucket: this.#model.bucket,
      key,
      ownerId: OWNER.id,
      storageClass: "STANDARD",
      attributes: { headers: {}, userMetadata: {} },
      tags: [],
    };
  }
}

/** By size and ETag; one of a single part has the part's MD5 hashed once more. */
function isSame(value: Value, object: ObjectRecord | undefined): boolean {
  if (value === undefined || object === undefined)
    return value === undefined && object === undefined;
  if (value.sizeBytes !== object.sizeBytes) return false;
  const etag = md5(bytesOfPiece(value));
  return object.etag === etag || object.etag === `${md5(Buffer.from(etag, "hex"))}-1`;
}

function setIdOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return name.slice(0, name.lastIndexOf("."));
}

function renderPiece(piece: Value): string {
  return piece === undefined ? "absent" : `piece ${piece.seed} of ${piece.sizeBytes}`;
}

function describe(error: unknown): string {
  if (error instanceof AggregateError)
    return `${error.message}: ${error.errors.map(describe).join("; ")}`;
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${describe(error.cause)})`;
}
