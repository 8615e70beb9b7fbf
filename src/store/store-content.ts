// Takes the bytes of an object or part in: small ones into memory, to lie in the metadata, others into a shard set.
// The MD5, which is the ETag, is computed on the way. Whatever fails, fails with nothing left on the drives.

import { createHash } from "node:crypto";
import type { ObjectChecksum } from "../core/checksum.ts";
import { PUT_BYTES_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import { shardCount } from "../erasure/geometry.ts";
import type { NewContent } from "../metadata/metadata-store.ts";
import type { ObjectAttributes } from "../metadata/records.ts";
import { discardSet } from "./remove-set.ts";
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
    const { inlineBytesMax } = context.limits;
    if (body.sizeBytes !== undefined && body.sizeBytes > inlineBytesMax) await intake.openSet();
    for await (const chunk of body.chunks) await intake.take(chunk);
    return await intake.finish(body);
  } catch (error) {
    await intake.abort();
    throw translateError(error);
  }
}

/**
 * Removes content that a refused metadata change leaves behind, be it for too many changes at a time. What another
 * failure leaves is kept, since the change may have been made: an unnamed set is found by the sweep, a named one that
 * is gone would be lost.
 */
export async function discardContent(
  context: StoreContext,
  content: NewContent,
  error: unknown,
): Promise<void> {
  if (content.kind !== "set" || !(error instanceof S3Error)) return;
  if (error.status >= 500 && error.code !== "SlowDown") return;
  const { id, layoutVersion } = content.set;
  await discardSet(context, { setId: id, layoutVersion, shardCount: shardCount(content.set) });
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
  #small: Uint8Array[] = [];
  #writer: SetWriter | undefined;
  #sizeBytes = 0;

  constructor(context: StoreContext, purpose: ContentPurpose) {
    this.#context = context;
    this.#purpose = purpose;
  }

  async openSet(): Promise<void> {
    const { bucket, key, part } = this.#purpose;
    const writer = await openSetWriter(this.#context, { bucket, key, part });
    this.#writer = writer;
    for (const chunk of this.#small) await writer.write(chunk);
    this.#small = [];
  }

  async take(chunk: Uint8Array): Promise<void> {
    this.#sizeBytes += chunk.length;
    checkSize(this.#sizeBytes);
    this.#md5.update(chunk);
    if (this.#writer === undefined) {
      if (this.#sizeBytes <= this.#context.limits.inlineBytesMax) {
        // The chunk is ours only until the next is asked for.
        this.#small.push(Buffer.from(chunk));
        return;
      }
      await this.openSet();
    }
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
    await this.#writer?.abort();
  }

  async #content(etag: string, checksums: readonly ObjectChecksum[]): Promise<NewContent> {
    if (this.#writer === undefined || this.#sizeBytes === 0) {
      await this.#writer?.abort();
      return { kind: "inline", bytes: Buffer.concat(this.#small) };
    }
    // What a part becomes is said by its upload, not by the part.
    const attributes = this.#purpose.part === undefined ? this.#purpose.attributes : NO_ATTRIBUTES;
    const set = await this.#writer.finish({ etag, checksums, attributes });
    return { kind: "set", set };
  }
}
