// Whether the account of one request may do what the request asks for. One decision for every way in (header, presigned,
// form, anonymous), made before the body is read; operations ask for further permissions by the same decision.

import type { Authentication } from "../../auth/authenticate.ts";
import { accountNumberOf, isAnonymous } from "../../core/account.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { WireRequest } from "../../core/wire-request.ts";
import type { BucketView } from "../../store/bucket-view.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { BucketSettings } from "../bucket-settings.ts";
import type { AccessTarget, S3Action } from "../operation.ts";

export interface AccessParts {
  readonly store: ObjectStore;
  readonly settings: BucketSettings;
  readonly authentication: Authentication;
  /** With its hoisted headers. */
  readonly request: WireRequest;
}

export class RequestAccess {
  readonly #parts: AccessParts;

  constructor(parts: AccessParts) {
    this.#parts = parts;
  }

  /**
   * `expectedOwner` is `x-amz-expected-bucket-owner`, or its companion for the source of a copy; undefined without the header.
   * @throws S3Error NoSuchBucket, AccessDenied where another account owns it than was expected
   */
  async findBucket(name: string, expectedOwner: string | undefined): Promise<BucketView> {
    const bucket = await this.#parts.store.findBucket(name);
    if (bucket === undefined) throw new S3Error("NoSuchBucket", { detail: { BucketName: name } });
    if (
      expectedOwner !== undefined &&
      expectedOwner !== bucket.ownerId &&
      expectedOwner !== accountNumberOf(bucket.ownerId)
    ) {
      throw new S3Error("AccessDenied");
    }
    return bucket;
  }

  /** For what concerns no bucket. @throws S3Error AccessDenied to those who are nobody */
  requireAccount(): void {
    if (isAnonymous(this.#parts.authentication.account)) throw new S3Error("AccessDenied");
  }

  async allows(_action: S3Action, target: Required<AccessTarget>): Promise<boolean> {
    return target.bucket.ownerId === this.#parts.authentication.account.id;
  }

  /** @throws S3Error AccessDenied */
  async require(action: S3Action, target: Required<AccessTarget>): Promise<void> {
    if (!(await this.allows(action, target))) throw new S3Error("AccessDenied");
  }
}
