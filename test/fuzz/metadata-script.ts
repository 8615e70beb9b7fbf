// Makes random operations concrete from what the model holds, so that most of them hit something, and some of them
// something that has just gone.

import type { Incarnation, SetId, UploadId } from "../../src/core/ids.ts";
import type {
  DeleteRequest,
  ListedVersion,
  MetadataStore,
  MovePackedInput,
  NewContent,
  ReplaceSetInput,
  VersionName,
  WalkPosition,
} from "../../src/metadata/metadata-store.ts";
import { NULL_VERSION, sequenceOf } from "../../src/metadata/version-id.ts";
import {
  MARKER,
  bucketInput,
  deleteRequest,
  inPack,
  inSet,
  inline,
  objectInput,
  partInput,
  setId,
  shardSet,
  uploadInput,
  uploadsQuery,
  versionsQuery,
} from "../contract/metadata/inputs.ts";
import {
  BUCKETS,
  type ContentChoice,
  type DrawnDelete,
  type Named,
  type Operation,
} from "./metadata-draws.ts";

/** Engines that are compared begin each sequence with nothing but the buckets of the draws. */
export async function beginAnew(engines: readonly MetadataStore[]): Promise<void> {
  for (const engine of engines) {
    await engine.reset();
    const trash = await engine.listTrash(1_000_000);
    await engine.dropTrash(trash.map((row) => row.setId));
    for (const name of BUCKETS) await engine.createBucket(bucketInput(name));
  }
}

export type Action = (store: MetadataStore) => Promise<unknown>;

/** A version as each store knows it: the sequences are alike, the ids are random. */
type IdIn = (store: MetadataStore) => string | undefined;

export class MetadataScript {
  readonly #model: MetadataStore;
  readonly #stores: readonly MetadataStore[];
  #lastNumber = 0;
  /** Grows with every process that takes the cluster over. */
  #processNumber = 1;

  /** `others` are compared with the model. */
  constructor(model: MetadataStore, others: readonly MetadataStore[]) {
    this.#model = model;
    this.#stores = [model, ...others];
  }

  /** Makes the operations of a step concrete, from what the model holds before the step. */
  async prepare(step: readonly Operation[]): Promise<readonly Action[]> {
    const actions: Action[] = [];
    for (const drawn of step) actions.push(await this.#actionOf(drawn));
    return actions;
  }

  async #actionOf(drawn: Operation): Promise<Action> {
    const { kind } = drawn;
    if (kind === "createBucket") {
      const { hasLock } = drawn;
      return (store) => store.createBucket(bucketInput(drawn.bucket, { hasLock }));
    }
    if (kind === "putProgress") return (store) => store.putProgress(drawn.bucket, drawn.acl);
    if (kind === "setVersioning" || kind === "putBucketLock" || kind === "putBucketQuota") {
      return this.#bucketAction(drawn);
    }
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
    if (kind === "replaceSet") return this.#replaceAction(drawn);
    const isOfUpload = kind === "createUpload" || kind === "putPart";
    if (isOfUpload || kind === "completeUpload" || kind === "abortUpload") {
      return this.#uploadAction(drawn);
    }
    return this.#objectAction(drawn);
  }

  async #bucketAction(
    drawn: Named<"putBucketLock" | "putBucketQuota" | "setVersioning">,
  ): Promise<Action> {
    const id = await this.#bucketId(drawn.bucket);
    if (drawn.kind === "setVersioning") {
      return (store) => store.setVersioning(id, drawn.versioning);
    }
    if (drawn.kind === "putBucketQuota") {
      return (store) => store.putBucketQuota(id, drawn.quotaBytes);
    }
    const { mode, until = 0 } = drawn.retention ?? {};
    const unit = until === 4_000 ? "days" : "years";
    const defaultRetention = mode && ({ mode, unit, count: 2 } as const);
    return (store) => store.putBucketLock(id, { defaultRetention });
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

  async #replaceAction({ pick, source }: Named<"replaceSet">): Promise<Action> {
    const query = { bucketId: undefined, prefix: "", after: undefined, limit: 100 };
    const entries = await this.#model.walk(query);
    const chosen = entries[pick % entries.length];
    const { bucketId, key, detail } = chosen?.position ?? { bucketId: 0, key: "", detail: [1] };
    const from = chosen?.content?.kind === "set" ? chosen.content.set.id : this.#packId(0);
    const shared = entries.filter(
      ({ content, kind }) => kind === "object" && content?.kind === "set",
    );
    const other = source === 0 ? undefined : shared[source % shared.length];
    const next = shardSet(this.#nextNumber());
    const to: ReplaceSetInput["to"] =
      other?.content?.kind === "set"
        ? { kind: "share", setId: other.content.set.id, source: sourceOf(other.position) }
        : { kind: "set", set: next };
    return (store) => store.replaceSet({ bucketId, key, detail, from, to });
  }

  /** The object, or a part of an upload in progress or of a completed one, and what it names. */
  async #packedName(bucketId: number, { key, number, pick }: Named<"movePacked">) {
    if (number === 0) {
      const object = await this.#anyVersion(bucketId, key, pick);
      return { key, part: undefined, content: object?.content };
    }
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
      | "changeVersion"
      | "deleteBucket"
      | "deleteObjects"
      | "noteMissing"
      | "putBucketConfig"
      | "putObject"
    >,
  ): Promise<Action> {
    const id = await this.#bucketId(drawn.bucket);
    if (drawn.kind === "changeVersion") return this.#changeAction(id, drawn);
    if (drawn.kind === "deleteBucket") return (store) => store.deleteBucket(id);
    if (drawn.kind === "deleteObjects") return this.#deleteAction(id, drawn.requests);
    if (drawn.kind === "putBucketConfig") {
      const value = drawn.etag === "e0" ? undefined : drawn.etag;
      return (store) => store.putBucketConfig(id, "tagging", value);
    }
    const { key } = drawn;
    if (drawn.kind === "noteMissing") {
      const object = await this.#model.findObject(id, key);
      const content = object?.content;
      const isInSet = content?.kind === "set" || content?.kind === "packed";
      const set = isInSet ? content.set.id : setId(0);
      if (!drawn.isFound) return (store) => store.noteMissing(set, drawn.indexes);
      const noted = isInSet ? content.set.missing : [1];
      return (store) => store.noteFound(set, { noted, found: drawn.indexes });
    }
    const { etag, sizeBytes, condition, lock, acl } = drawn;
    const content = await this.#contentOf(drawn);
    const said = { etag, sizeBytes, condition, content, lock, acl };
    const input = objectInput(id, key, { ...said, modifiedAt: 1_000 * sizeBytes });
    return (store) => store.putObject(input);
  }

  async #changeAction(bucketId: number, drawn: Named<"changeVersion">): Promise<Action> {
    const { key, pick, what, acl, retention, mayBypassGovernance } = drawn;
    const idIn = await this.#versionOf(bucketId, key, pick);
    const nameIn = (store: MetadataStore): VersionName => ({
      bucketId,
      key,
      versionId: idIn(store),
    });
    if (what === "acl") return (store) => store.putObjectAcl(nameIn(store), acl);
    if (what === "legalHold") {
      return (store) => store.putLegalHold(nameIn(store), mayBypassGovernance);
    }
    if (what === "tags") {
      const tags = [{ key: "k", value: drawn.etag }];
      return (store) => store.putObjectTags(nameIn(store), tags);
    }
    const permission = { mayBypassGovernance, now: MARKER.now };
    return (store) => store.putRetention(nameIn(store), retention, permission);
  }

  async #deleteAction(bucketId: number, drawn: readonly DrawnDelete[]): Promise<Action> {
    const made: ((store: MetadataStore) => DeleteRequest)[] = [];
    for (const { key, pick, condition, mayBypassGovernance } of drawn) {
      const idIn = await this.#versionOf(bucketId, key, pick);
      const seen = await this.#model.findVersion({ bucketId, key, versionId: idIn(this.#model) });
      const sequence = seen?.kind === "object" ? seen.object.sequence : seen?.marker.sequence;
      const { isSeen = false, ...said } = condition ?? {};
      const tried = condition && { ...said, ifSequence: isSeen ? (sequence ?? 1) : undefined };
      made.push((store) =>
        deleteRequest(key, { versionId: idIn(store), mayBypassGovernance, condition: tried }),
      );
    }
    return (store) => {
      const requests = made.map((make) => make(store));
      return store.deleteObjects(bucketId, requests, MARKER);
    };
  }

  /** A version of a key by its place among them, from the newest on; undefined: none is named. */
  async #versionOf(bucketId: number, key: string, pick: number | undefined): Promise<IdIn> {
    if (pick === undefined) return () => undefined;
    const picked = (await idsOf(this.#model, bucketId, key))[pick] ?? NULL_VERSION;
    const ids = new Map([[this.#model, picked]]);
    const sequence = sequenceOf(picked);
    for (const store of this.#stores.slice(1)) {
      const ofKey = sequence === undefined ? [] : await idsOf(store, bucketId, key);
      const same = ofKey.find((id) => sequenceOf(id) === sequence);
      ids.set(store, same ?? NULL_VERSION);
    }
    return (store) => ids.get(store);
  }

  async #uploadAction(
    drawn: Named<"abortUpload" | "completeUpload" | "createUpload" | "putPart">,
  ): Promise<Action> {
    const id = await this.#bucketId(drawn.bucket);
    if (drawn.kind === "createUpload") {
      // Equal times are common: then the order of arrival decides.
      const { lock, acl, sizeBytes: initiatedAt } = drawn;
      const change = { id: `upload-${this.#nextNumber()}`, initiatedAt, lock, acl };
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
    const object = await this.#anyVersion(bucketId, source, next);
    if (kind === "set" || object?.content.kind !== "set") return inSet(next);
    const sequence = kind === "share" ? object.sequence : object.sequence - 1;
    const from = { bucketId, key: source, sequence };
    return { kind: "share", setId: object.content.set.id, source: from };
  }

  /** One of the versions of a key, be it the latest or not. */
  async #anyVersion(bucketId: number, key: string, pick: number) {
    const ids = await idsOf(this.#model, bucketId, key);
    const versionId = ids[pick % Math.max(ids.length, 1)];
    const version = await this.#model.findVersion({ bucketId, key, versionId });
    return version?.kind === "object" ? version.object : undefined;
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

/** Of the versions of a key, from the newest to the oldest. */
async function idsOf(store: MetadataStore, bucketId: number, key: string): Promise<string[]> {
  const { entries } = await store.listVersions(versionsQuery(bucketId, { prefix: key }));
  const isOfKey = (entry: ListedVersion) => entry.kind !== "prefix" && entry.object.key === key;
  return entries
    .filter(isOfKey)
    .flatMap((entry) => (entry.kind === "prefix" ? [] : [entry.versionId]));
}

function sourceOf({ bucketId, key, detail: [sequence = 0] }: WalkPosition) {
  return { bucketId, key, sequence };
}

function incarnation(number: number): Incarnation {
  return number.toString(16).padStart(16, "0") as Incarnation;
}
