// Makes random operations concrete from what the model holds, so that most of them hit something, and some of them
// something that has just gone.

import type { Incarnation, SetId, UploadId } from "../../src/core/ids.ts";
import type {
  MetadataStore,
  MovePackedInput,
  NewContent,
} from "../../src/metadata/metadata-store.ts";
import {
  bucketInput,
  deleteKeys,
  inPack,
  inSet,
  inline,
  objectInput,
  partInput,
  setId,
  uploadInput,
  uploadsQuery,
} from "../contract/metadata/inputs.ts";
import type { ContentChoice, Named, Operation } from "./metadata-draws.ts";

export type Action = (store: MetadataStore) => Promise<unknown>;

export class MetadataScript {
  readonly #model: MetadataStore;
  #lastNumber = 0;
  /** Grows with every process that takes the cluster over. */
  #processNumber = 1;

  constructor(model: MetadataStore) {
    this.#model = model;
  }

  /** Makes the operations of a step concrete, from what the model holds before the step. */
  async prepare(step: readonly Operation[]): Promise<readonly Action[]> {
    const actions: Action[] = [];
    for (const drawn of step) actions.push(await this.#actionOf(drawn));
    return actions;
  }

  async #actionOf(drawn: Operation): Promise<Action> {
    const { kind } = drawn;
    if (kind === "createBucket") return (store) => store.createBucket(bucketInput(drawn.bucket));
    if (kind === "dropTrash") {
      const trash = await this.#model.listTrash(drawn.pick);
      return (store) => store.dropTrash(trash.map((record) => record.setId));
    }
    if (kind === "sealPack") {
      const id = this.#packId(drawn.pack);
      return (store) => store.sealPack(id, drawn.sizeBytes);
    }
    if (kind === "endOtherIncarnations") {
      this.#processNumber += 1;
      const own = incarnation(this.#processNumber);
      return (store) => store.endOtherIncarnations(own, 9);
    }
    if (kind === "movePacked") return this.#moveAction(drawn);
    const isOfUpload = kind === "createUpload" || kind === "putPart";
    if (isOfUpload || kind === "completeUpload" || kind === "abortUpload") {
      return this.#uploadAction(drawn);
    }
    return this.#objectAction(drawn);
  }

  async #moveAction(drawn: Named<"movePacked">): Promise<Action> {
    const bucketId = await this.#bucketId(drawn.bucket);
    const named = await this.#packedName(bucketId, drawn);
    const { content } = named;
    const from =
      content?.kind === "packed" && drawn.pick !== 9
        ? { setId: content.set.id, offset: content.offset }
        : { setId: this.#packId(0), offset: 1 };
    const next = this.#nextNumber();
    const to = drawn.content === "set" ? inSet(next) : this.#inPack(drawn.pack, next);
    const input = { bucketId, key: named.key, part: named.part, from, to };
    return (store) => store.movePacked(input);
  }

  /** The object, or a part of an upload in progress or of a completed one, and what it names. */
  async #packedName(bucketId: number, { key, number, pick }: Named<"movePacked">) {
    const object = await this.#model.findObject(bucketId, key);
    if (number === 0) return { key, part: undefined, content: object?.content };
    const { entries } = await this.#model.listUploads(uploadsQuery(bucketId));
    const entry = entries[pick % entries.length];
    const upload = entry?.kind === "upload" ? entry.upload : undefined;
    const { key: of, uploadId } = upload ?? { key, uploadId: "none" as UploadId };
    const part: MovePackedInput["part"] = { uploadId, number };
    const found = await this.#model.findPart(upload?.manifestId ?? 0, number);
    return { key: of, part, content: found?.content };
  }

  async #objectAction(
    drawn: Named<
      | "deleteBucket"
      | "deleteObjects"
      | "noteMissing"
      | "putBucketConfig"
      | "putObject"
      | "putObjectTags"
    >,
  ): Promise<Action> {
    const id = await this.#bucketId(drawn.bucket);
    if (drawn.kind === "deleteBucket") return (store) => store.deleteBucket(id);
    if (drawn.kind === "deleteObjects") return (store) => deleteKeys(store, id, drawn.keys);
    if (drawn.kind === "putBucketConfig") {
      const value = drawn.etag === "e0" ? undefined : drawn.etag;
      return (store) => store.putBucketConfig(id, "tagging", value);
    }
    const { key } = drawn;
    if (drawn.kind === "putObjectTags") {
      return (store) =>
        store.putObjectTags({ bucketId: id, key, versionId: undefined }, [
          { key: "k", value: drawn.etag },
        ]);
    }
    if (drawn.kind === "noteMissing") {
      const object = await this.#model.findObject(id, key);
      const content = object?.content;
      const isInSet = content?.kind === "set" || content?.kind === "packed";
      const set = isInSet ? content.set.id : setId(0);
      return (store) => store.noteMissing(set, drawn.indexes);
    }
    const { etag, sizeBytes, condition } = drawn;
    const content = await this.#contentOf(drawn);
    const input = objectInput(id, key, { etag, sizeBytes, condition, content });
    return (store) => store.putObject(input);
  }

  async #uploadAction(
    drawn: Named<"abortUpload" | "completeUpload" | "createUpload" | "putPart">,
  ): Promise<Action> {
    const id = await this.#bucketId(drawn.bucket);
    if (drawn.kind === "createUpload") {
      // Equal times are common: then the order of arrival decides.
      const change = { id: `upload-${this.#nextNumber()}`, initiatedAt: drawn.sizeBytes };
      const input = uploadInput(id, drawn.key, change);
      return (store) => store.createUpload(input);
    }
    const { entries } = await this.#model.listUploads(uploadsQuery(id));
    // The highest choice is an upload that is not there.
    const entry = drawn.pick === 9 ? undefined : entries[drawn.pick % entries.length];
    const upload = entry?.kind === "upload" ? entry.upload : undefined;
    const { key: of, uploadId } = upload ?? { key: "a", uploadId: "none" as UploadId };
    const name = { bucketId: id, key: of, uploadId };
    if (drawn.kind === "abortUpload") return (store) => store.abortUpload(id, of, uploadId);
    if (drawn.kind === "putPart") {
      const change = { content: await this.#contentOf(drawn), sizeBytes: drawn.sizeBytes };
      const input = partInput(name, drawn.number, change);
      return (store) => store.putPart(input);
    }
    const { parts } = await this.#model.listParts(upload?.manifestId ?? 0, 0, 100);
    // A number without a part is named now and then: then the completion is refused.
    const named = drawn.pick === 0 ? [1, 2] : drawn.numbers;
    const chosen = named
      .map((wanted) => parts.find((part) => part.number === wanted))
      .filter((part) => part !== undefined || drawn.pick === 0)
      .map((part) => ({ number: part?.number ?? 2, partId: part?.partId ?? 0 }));
    const bytes = parts
      .filter((part) => chosen.some(({ partId }) => partId === part.partId))
      .reduce((sum, part) => sum + part.sizeBytes, 0);
    const rest = { sizeBytes: bytes, etag: drawn.etag, completedAt: 9, checksum: undefined };
    const input = { ...name, ...rest, parts: chosen, condition: drawn.condition };
    return (store) => store.completeUpload(input);
  }

  async #contentOf(drawn: ContentChoice): Promise<NewContent> {
    const { bucket: of, content: kind, source, pack } = drawn;
    const next = this.#nextNumber();
    if (kind === "packed") return this.#inPack(pack, next);
    if (kind === "inline") return inline(`bytes ${next}`);
    const bucketId = await this.#bucketId(of);
    const object = await this.#model.findObject(bucketId, source);
    if (kind === "set" || object?.content.kind !== "set") return inSet(next);
    const sequence = kind === "share" ? object.sequence : object.sequence - 1;
    const from = { bucketId, key: source, sequence };
    return { kind: "share", setId: object.content.set.id, source: from };
  }

  #inPack(pack: number, next: number): NewContent {
    const missing = next % 5 === 0 ? [next % 6] : [];
    return inPack(0, next, { id: this.#packId(pack), missing });
  }

  #packId(pack: number): SetId {
    const number = pack === 3 ? this.#processNumber - 1 : this.#processNumber;
    return (incarnation(number) + pack.toString(16).padStart(16, "0")) as SetId;
  }

  async #bucketId(name: string): Promise<number> {
    return (await this.#model.findBucket(name))?.id ?? 404;
  }

  #nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }
}

function incarnation(number: number): Incarnation {
  return number.toString(16).padStart(16, "0") as Incarnation;
}
