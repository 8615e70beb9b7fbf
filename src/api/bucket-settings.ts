// The documents of buckets (policy, CORS, lifecycle, ...) in parsed form, cached by the bucket's id and settingsVersion:
// every request reads the bucket's row anyway, and whoever changes a document raises the version in the same
// transaction. A document that is newer than the row that was read is as good: it is what the next row will say.

import type { BucketView } from "../store/bucket-view.ts";
import type { ObjectStore } from "../store/object-store.ts";

/** One kind of document: where it is kept, and how its text is read. */
export interface DocumentKind<T> {
  /** Its name among the bucket's documents (`store.putBucketConfig`). */
  readonly name: string;
  /** Reads what was checked when it was put. What it throws is a fault, and the request fails. */
  readonly parse: (text: string, bucket: BucketView) => T;
}

/** Documents of one bucket at one version. */
interface Entry {
  readonly version: number;
  readonly documents: Map<string, Document>;
}

interface Document {
  readonly kind: DocumentKind<unknown>;
  readonly value: unknown;
  readonly sizeChars: number;
}

/** Of all texts together whose parsed forms are kept, in characters. */
const CHARS_MAX = 16 * 1024 * 1024;
const BUCKETS_MAX = 10_000;

export class BucketSettings {
  readonly #store: Pick<ObjectStore, "findBucketConfig">;
  /** By bucket id, the least recently made first. */
  readonly #entries = new Map<number, Entry>();
  #chars = 0;

  constructor(store: Pick<ObjectStore, "findBucketConfig">) {
    this.#store = store;
  }

  /** The bucket's document of that kind; undefined where it has none. */
  async find<T>(bucket: BucketView, kind: DocumentKind<T>): Promise<T | undefined> {
    const entry = this.#entries.get(bucket.id);
    const isCurrent = entry !== undefined && entry.version === bucket.settingsVersion;
    const known = isCurrent ? entry.documents.get(kind.name) : undefined;
    // One name has one kind, so that what was parsed by it is of its type.
    if (known?.kind === kind) return known.value as T | undefined;
    const text = await this.#store.findBucketConfig(bucket, kind.name);
    const value = text === undefined ? undefined : kind.parse(text, bucket);
    this.#keep(bucket, { kind, value, sizeChars: text?.length ?? 0 });
    return value;
  }

  /** Whether it is known, without looking for it, that the bucket has no such document. */
  isKnownAbsent(bucket: BucketView, kind: DocumentKind<unknown>): boolean {
    const entry = this.#entries.get(bucket.id);
    if (entry === undefined || entry.version !== bucket.settingsVersion) return false;
    const known = entry.documents.get(kind.name);
    return known !== undefined && known.value === undefined;
  }

  #keep(bucket: BucketView, document: Document): void {
    let entry = this.#entries.get(bucket.id);
    if (entry !== undefined && entry.version > bucket.settingsVersion) return;
    if (entry === undefined || entry.version < bucket.settingsVersion) {
      this.#forget(bucket.id);
      entry = { version: bucket.settingsVersion, documents: new Map() };
      this.#entries.set(bucket.id, entry);
    }
    this.#chars -= entry.documents.get(document.kind.name)?.sizeChars ?? 0;
    entry.documents.set(document.kind.name, document);
    this.#chars += document.sizeChars;
    for (const id of this.#entries.keys()) {
      if (this.#entries.size <= BUCKETS_MAX && this.#chars <= CHARS_MAX) return;
      this.#forget(id);
    }
  }

  #forget(bucketId: number): void {
    const entry = this.#entries.get(bucketId);
    if (entry === undefined) return;
    this.#entries.delete(bucketId);
    for (const { sizeChars } of entry.documents.values()) this.#chars -= sizeChars;
  }
}
