// Takes the bytes of an object or part in: small ones into memory, to lie in the metadata, those of middle size into
// memory too, to be appended to a pack, and large ones into a shard set of their own.
// The MD5, which is the ETag, is computed on the way. Whatever fails, fails with nothing left on the drives.

import { createHash } from "node:crypto";
import type { ObjectChecksum } from "../core/checksum.ts";
import { PUT_BYTES_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import type { NewContent } from "../metadata/metadata-store.ts";
import type { ObjectAttributes } from "../metadata/records.ts";
import { PackedBytes } from "./packed-bytes.ts";
import { openSetWriter, type SetPurpose, type SetWriter } from "./set-writer.ts";
import type { StoreContext } from "./store-context.ts";
import { translateError } from "./translate-error.ts";
import type { UploadBody } from "./upload-body.ts";
import { quorumOfWrite } from "./write-quorum.ts";

export interface ContentPurpose extends SetPurpose {
  readonly attributes: ObjectAttributes;
}

export interface StoredContent {
  readonly content: NewContent;
  readonly sizeBytes: number;
  /** MD5 in hex. */
  readonly etag: string;
  readonly checksums: readonly ObjectChecksum[];
}

const NO_ATTRIBUTES: ObjectAttributes = { headers: {}, userMetadata: {} };

/** @throws S3Error of the body, BadDigest, EntityTooLarge, ServiceUnavailable, InsufficientStorage */
export async function storeContent(
  context: StoreContext,
  purpose: ContentPurpose,
  body: UploadBody,
): Promise<StoredContent> {
  checkSize(body.sizeBytes ?? 0);
  await requireQuorum(context);
  const intake = new Intake(context, purpose);
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
  const { drives, geometry } = context;
  const quorum = quorumOfWrite(geometry, drives.awayCount);
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

class Intake {
  readonly #context: StoreContext;
  readonly #purpose: ContentPurpose;
  readonly #md5 = createHash("md5");
  /** What has come, as long as it may lie in the metadata. */
  #small: Uint8Array[] = [];
  /** What has come, as long as it goes to a pack. */
  #packed: PackedBytes | undefined;
  #writer: SetWriter | undefined;
  #sizeBytes = 0;

  constructor(context: StoreContext, purpose: ContentPurpose) {
    this.#context = context;
    this.#purpose = purpose;
  }

  async begin(expectedBytes: number | undefined): Promise<void> {
    const { limits, pools } = this.#context;
    if (expectedBytes === undefined || expectedBytes <= limits.inlineBytesMax) return;
    if (expectedBytes > limits.packBytesMax) return this.#openSet();
    if (pools.isFull) throw new S3Error("SlowDown");
    this.#packed = new PackedBytes(this.#context, expectedBytes);
  }

  async take(chunk: Uint8Array): Promise<void> {
    this.#sizeBytes += chunk.length;
    checkSize(this.#sizeBytes);
    this.#md5.update(chunk);
    if (this.#packed?.admits(chunk.length) === true) {
      this.#packed.take(chunk);
      return;
    }
    if (this.#packed === undefined && this.#writer === undefined) {
      if (this.#sizeBytes <= this.#context.limits.inlineBytesMax) {
        // The chunk is ours only until the next is asked for.
        this.#small.push(Buffer.from(chunk));
        return;
      }
    }
    if (this.#writer === undefined) await this.#openSet();
    await this.#writer?.write(chunk);
  }

  async finish(body: UploadBody): Promise<StoredContent> {
    const etag = this.#md5.digest("hex");
    if (body.expectedMd5 !== undefined && body.expectedMd5 !== etag) throw new S3Error("BadDigest");
    const checksums = body.checksums();
    return {
      content: await this.#content(etag, checksums),
      sizeBytes: this.#sizeBytes,
      etag,
      checksums,
    };
  }

  async abort(): Promise<void> {
    this.#packed?.release();
    await this.#writer?.abort();
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
  }

  async #content(etag: string, checksums: readonly ObjectChecksum[]): Promise<NewContent> {
    // What a part becomes is said by its upload, not by the part.
    const attributes = this.#purpose.part === undefined ? this.#purpose.attributes : NO_ATTRIBUTES;
    const packed = this.#packed;
    if (packed !== undefined && packed.sizeBytes > 0) {
      const { bucket, key, part } = this.#purpose;
      const { sizeBytes } = packed;
      const createdAt = this.#context.clock.now();
      const about = { bucket, key, part, sizeBytes, etag, checksums, attributes, createdAt };
      packed.end();
      this.#packed = undefined;
      return this.#context.packs.add({ entry: about, bytes: packed });
    }
    if (this.#writer === undefined || this.#sizeBytes === 0) {
      await this.#writer?.abort();
      return { kind: "inline", bytes: Buffer.concat(this.#small) };
    }
    const set = await this.#writer.finish({ etag, checksums, attributes });
    return { kind: "set", set };
  }
}
