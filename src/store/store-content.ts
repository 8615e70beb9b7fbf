// Takes the bytes of an object or part in: small ones into memory, to lie in the metadata, those of middle size into
// memory too, to be appended to a pack, and large ones into a shard set of their own.
// The MD5, which is the ETag unless that is opaque, is computed on the way; what is to be encrypted is sealed behind it. Whatever fails, fails with nothing left on the drives.

import type { ObjectChecksum } from "../core/checksum.ts";
import { PUT_BYTES_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import type { NewContent } from "../metadata/metadata-store.ts";
import type { ObjectAttributes } from "../metadata/records.ts";
import type { ShardSeal } from "../datanode/shard-seal.ts";
import { openMd5, type Md5Stream } from "../util/md5-lanes.ts";
import { ChunkSealer } from "./encryption/chunk-sealer.ts";
import type { DataKey } from "./encryption/data-key.ts";
import { renderEncryption } from "./encryption/encryption-text.ts";
import { CHUNK_BYTES, sealedSize } from "./encryption/sealed-layout.ts";
import { opaqueEtag } from "./encryption/stored-bytes.ts";
import { newGeometry } from "./new-geometry.ts";
import { PackedBytes } from "./packed-bytes.ts";
import { openSetWriter, type SetPurpose, type SetWriter } from "./set-writer.ts";
import type { StoreContext } from "./store-context.ts";
import { translateError } from "./translate-error.ts";
import type { UploadBody } from "./upload-body.ts";
import { quorumOfWrite } from "./write-quorum.ts";

export interface ContentPurpose extends SetPurpose {
  readonly attributes: ObjectAttributes;
  /** What the bytes are sealed with; undefined: they are stored as they come. */
  readonly dataKey?: DataKey | undefined;
  /** What the drives are to say beyond that; asked where the bytes go there. */
  readonly about?: (() => string | undefined) | undefined;
}

export interface StoredContent {
  readonly content: NewContent;
  /** Before they were sealed. */
  readonly sizeBytes: number;
  /** MD5 in hex; where a client's own key seals them, as on S3, something else of that form; or an opaque one. */
  readonly etag: string;
  /** For the row: of an object all that is known of it, of a part what is its own. */
  readonly encryption: string | undefined;
  readonly checksums: readonly ObjectChecksum[];
}

/**
 * After so many bytes of an upload others get a turn: a socket that has more at hand would be read to its end first, and
 * no two uploads would ever be hashed beside each other. In bytes, and less than what may wait in a slot of `Md5Lanes`: a
 * slot that is full is hashed at once.
 */
const TURN_BYTES = 96 * 1024;
/** Less than this at the end of an upload is not worth the turn. */
const LAST_TURN_BYTES_MIN = 32 * 1024;
const NO_ATTRIBUTES: ObjectAttributes = { headers: {}, userMetadata: {} };

/** @throws S3Error of the body, BadDigest, EntityTooLarge, ServiceUnavailable, SlowDown, InsufficientStorage */
export async function storeContent(
  context: StoreContext,
  purpose: ContentPurpose,
  body: UploadBody,
): Promise<StoredContent> {
  checkSize(body.sizeBytes ?? 0);
  await requireQuorum(context);
  const intake = new Intake(context, purpose, body);
  try {
    await intake.begin(body.sizeBytes);
    for await (const chunk of body.chunks) await intake.take(chunk);
    return await intake.finish(body);
  } catch (error) {
    await intake.abort();
    throw translateError(error);
  }
}

function checkSize(sizeBytes: number): void {
  if (sizeBytes <= PUT_BYTES_MAX) return;
  const detail = { ProposedSize: String(sizeBytes), MaxSizeAllowed: String(PUT_BYTES_MAX) };
  throw new S3Error("EntityTooLarge", { detail });
}

/** Inline objects touch no drive, yet are refused like others when the drives are gone or full. */
async function requireQuorum(context: StoreContext): Promise<void> {
  const { drives } = context;
  const quorum = quorumOfWrite(newGeometry(context), drives.awayCount);
  requireRoom(context, quorum);
  if (await drives.confirmReachable(quorum)) return;
  // The answers may have brought that there is no room.
  requireRoom(context, quorum);
  throw new S3Error("ServiceUnavailable", { cause: new Error("too few drives answer") });
}

/** The reserve is not for new bytes. */
function requireRoom({ drives, metadataSpace }: StoreContext, quorum: number): void {
  if (metadataSpace?.isShort !== true && drives.hasRoom(quorum)) return;
  throw new S3Error("InsufficientStorage", { cause: new Error("only the reserve is left") });
}

/** What stands of the bytes in the row, and of the stored ones beside them on the drives. */
interface Summary {
  readonly etag: string;
  readonly encryption: string | undefined;
  readonly stored: { readonly etag: string; readonly seal?: ShardSeal };
}

class Intake {
  readonly #context: StoreContext;
  readonly #purpose: ContentPurpose;
  readonly #md5: Md5Stream | undefined;
  readonly #sealer: ChunkSealer | undefined;
  /** What has come, as long as it may lie in the metadata. */
  #small: Uint8Array[] = [];
  /** What has come, as long as it goes to a pack. */
  #packed: PackedBytes | undefined;
  /** Nothing comes for a pack any more. */
  #endComing: (() => void) | undefined;
  #writer: SetWriter | undefined;
  #sizeBytes = 0;
  /** Sealed, where that is done. */
  #storedBytes = 0;
  #turnBytes = 0;

  constructor(context: StoreContext, purpose: ContentPurpose, body: UploadBody) {
    this.#context = context;
    this.#purpose = purpose;
    const { dataKey } = purpose;
    // With a key that not everybody has, nobody is told the MD5 of the bytes.
    const mode = dataKey?.wrapped.mode;
    const isTold = mode === undefined || mode === "SSE-S3";
    const isLarge = (body.sizeBytes ?? 0) > context.limits.packBytesMax;
    const isSpared = context.hasFastEtags && isLarge;
    const isMd5Wanted = (isTold && !isSpared) || body.expectedMd5 !== undefined;
    this.#md5 = isMd5Wanted ? openMd5() : undefined;
    this.#sealer = dataKey && new ChunkSealer(dataKey.bytes);
  }

  async begin(givenBytes: number | undefined): Promise<void> {
    const { limits } = this.#context;
    if (givenBytes === undefined) return;
    const expectedBytes = this.#sealer ? sealedSize(givenBytes, CHUNK_BYTES) : givenBytes;
    if (expectedBytes <= limits.inlineBytesMax) return;
    this.#admit(expectedBytes);
    if (expectedBytes > limits.packBytesMax) return this.#openSet();
    this.#packed = new PackedBytes(this.#context, expectedBytes);
    this.#endComing = this.#context.packs.announce();
  }

  /** Early, before anything of the body is asked for. @throws S3Error SlowDown */
  #admit(sizeBytes: number): void {
    if (this.#context.pools.isFullFor(sizeBytes)) throw new S3Error("SlowDown");
  }

  async take(chunk: Uint8Array): Promise<void> {
    this.#sizeBytes += chunk.length;
    checkSize(this.#sizeBytes);
    this.#md5?.update(chunk);
    if (this.#sealer === undefined) await this.#store(chunk);
    else for (const sealed of this.#sealer.take(chunk)) await this.#store(sealed);
    this.#turnBytes += chunk.length;
    if (this.#turnBytes >= TURN_BYTES) await this.#giveTurn();
  }

  /** Lets other uploads' bytes come in: what then waits is hashed together. */
  async #giveTurn(): Promise<void> {
    this.#turnBytes = 0;
    if (this.#md5 === undefined) return;
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }

  async finish(body: UploadBody): Promise<StoredContent> {
    if (this.#turnBytes >= LAST_TURN_BYTES_MIN) await this.#giveTurn();
    const md5 = this.#md5?.digestHex();
    if (body.expectedMd5 !== undefined && body.expectedMd5 !== md5) throw new S3Error("BadDigest");
    const checksums = body.checksums();
    for (const sealed of this.#sealer?.end() ?? []) await this.#store(sealed);
    const summary = this.#summary(md5);
    const content = await this.#content(summary.stored, checksums);
    const { etag, encryption } = summary;
    return { content, sizeBytes: this.#sizeBytes, etag, encryption, checksums };
  }

  async abort(): Promise<void> {
    this.#endComing?.();
    this.#md5?.discard();
    this.#packed?.release();
    await this.#writer?.abort();
  }

  async #store(chunk: Uint8Array): Promise<void> {
    this.#storedBytes += chunk.length;
    if (this.#packed?.admits(chunk.length) === true) {
      this.#packed.take(chunk);
      return;
    }
    if (this.#packed === undefined && this.#writer === undefined) {
      if (this.#storedBytes <= this.#context.limits.inlineBytesMax) {
        // The chunk is ours only until the next is asked for.
        this.#small.push(Buffer.from(chunk));
        return;
      }
      this.#admit(this.#storedBytes);
    }
    if (this.#writer === undefined) await this.#openSet();
    await this.#writer?.write(chunk);
  }

  /** A set of its own, which begins with what has come so far. */
  async #openSet(): Promise<void> {
    const { bucket, key, part } = this.#purpose;
    const writer = await openSetWriter(this.#context, { bucket, key, part });
    this.#writer = writer;
    for (const chunk of this.#small) await writer.write(chunk);
    this.#small = [];
    for (const piece of this.#packed?.data() ?? []) await writer.write(piece);
    this.#packed?.release();
    this.#packed = undefined;
    this.#endComing?.();
  }

  /** A part lies on the drives however small it is: they must be enough to make the object anew. */
  #smallPart(): PackedBytes | undefined {
    const isSmall = this.#writer === undefined && this.#storedBytes > 0;
    if (this.#purpose.part === undefined || !isSmall) return undefined;
    const packed = new PackedBytes(this.#context, this.#storedBytes);
    for (const chunk of this.#small) packed.take(chunk);
    return packed;
  }

  #summary(md5: string | undefined): Summary {
    const { dataKey, part } = this.#purpose;
    const sealing = this.#sealer?.sealing();
    if (dataKey === undefined || sealing === undefined) {
      const etag = md5 ?? opaqueEtag();
      return { etag, encryption: undefined, stored: { etag } };
    }
    const { digest } = sealing;
    const key = dataKey.wrapped;
    const etag = key.mode === "SSE-S3" ? (md5 ?? opaqueEtag()) : digest;
    // On the drives everything is said of a part, too: they must be enough to make the metadata anew.
    const encryption = renderEncryption({ key, sealing });
    const stored = { etag: digest, seal: { sizeBytes: this.#sizeBytes, etag, encryption } };
    return { etag, encryption: part ? renderEncryption({ sealing }) : encryption, stored };
  }

  async #content(
    stored: Summary["stored"],
    checksums: readonly ObjectChecksum[],
  ): Promise<NewContent> {
    // What a part becomes is said by its upload, not by the part.
    const attributes = this.#purpose.part === undefined ? this.#purpose.attributes : NO_ATTRIBUTES;
    const packed = this.#packed ?? this.#smallPart();
    if (packed !== undefined && packed.sizeBytes > 0) {
      const { bucket, key, part } = this.#purpose;
      const { sizeBytes } = packed;
      const createdAt = this.#context.clock.now();
      const about = this.#purpose.about?.();
      const { etag, seal } = stored;
      packed.end();
      this.#packed = undefined;
      this.#endComing?.();
      const entry = {
        bucket,
        key,
        part,
        sizeBytes,
        etag,
        seal,
        checksums,
        attributes,
        createdAt,
        about,
      };
      return this.#context.packs.add({ entry, bytes: packed });
    }
    if (this.#writer === undefined || this.#storedBytes === 0) {
      await this.#writer?.abort();
      return { kind: "inline", bytes: Buffer.concat(this.#small) };
    }
    const about = this.#purpose.about?.();
    const set = await this.#writer.finish({ ...stored, checksums, attributes, about });
    return { kind: "set", set };
  }
}
