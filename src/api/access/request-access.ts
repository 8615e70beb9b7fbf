// Whether the account of one request may do what the request asks for. One decision for every way in (header, presigned,
// form, anonymous), made before the body is read; operations ask for further permissions by the same decision.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html
//
// Denied by default. In this order: what the bucket's owner always may (repair its policy); an explicit deny of the bucket
// policy; what is the owner's; an allow of the policy; a grant of an access control list, where those are in force. Every
// account has one key pair, so that whoever signs for an account is its root user.

import type { Authentication } from "../../auth/authenticate.ts";
import { accountNumberOf, isAnonymous, principalArn } from "../../core/account.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { Tag } from "../../core/tags.ts";
import { findParam } from "../../core/wire-request.ts";
import type { WireRequest } from "../../core/wire-request.ts";
import { evaluate, keysAskedFor } from "../../policy/evaluate.ts";
import type { PolicyPrincipal } from "../../policy/principal.ts";
import type { BucketView } from "../../store/bucket-view.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { GivenLock, ObjectRecord } from "../../store/records.ts";
import type { Clock } from "../../util/clock.ts";
import type { BucketSettings } from "../bucket-settings.ts";
import type { S3Action } from "../operation.ts";
import { paymentOf } from "../request-payment.ts";
import { accessDenied, resourceArn } from "./access-denied.ts";
import { bucketPermissionOf, isForObjectOwner, objectPermissionOf } from "./acl-permissions.ts";
import { BUCKET_ACL, grantsTo, ownersAlone, readAcl } from "./acl.ts";
import type { AclPermission, Grant } from "./acl.ts";
import { BUCKET_POLICY } from "./bucket-policy.ts";
import type { StoredPolicy } from "./bucket-policy.ts";
import { conditionValues } from "./condition-keys.ts";
import type { Connection } from "./condition-keys.ts";
import { OTHERS_OBJECTS } from "./new-object-access.ts";
import { ownershipOf } from "./ownership.ts";
import { PUBLIC_ACCESS_BLOCK } from "./public-access-block.ts";

export interface AccessParts {
  readonly store: ObjectStore;
  readonly settings: BucketSettings;
  readonly clock: Clock;
  readonly region: string;
  readonly authentication: Authentication;
  /** With its hoisted headers. */
  readonly request: WireRequest;
  readonly connection: Connection;
  /** Called when the account pays for what it was given: the answer says so. */
  readonly onCharged: () => void;
}

/** What a permission is for. */
export interface DecisionTarget {
  readonly bucket: BucketView;
  /** Empty: the bucket itself. */
  readonly key: string;
  readonly versionId: string | undefined;
  /** The prefix of a listing that is not the request itself. */
  readonly prefix?: string | undefined;
  /** For an object that the request makes. */
  readonly isNew?: boolean;
  /** Tags that the body brings. */
  readonly requestTags?: readonly Tag[] | undefined;
  /** A lock that the body brings. */
  readonly requestLock?: GivenLock | undefined;
}

/** What the owner of a bucket may whatever its policy says: a policy could otherwise lock everybody out for good. */
const REPAIRS: ReadonlySet<S3Action> = new Set([
  "s3:DeleteBucketPolicy",
  "s3:GetBucketPolicy",
  "s3:PutBucketPolicy",
]);
const EXISTING_TAGS = "s3:existingobjecttag/";
/** How the condition keys begin that are about what a body brings. */
const BROUGHT = { lock: "s3:object-lock-", tags: "s3:requestobjecttag" } as const;
/** What a list that lets somebody write an object lets him give it as he writes. */
const WITH_NEW: ReadonlySet<S3Action> = new Set(["s3:PutObjectAcl", "s3:PutObjectTagging"]);
/** What whoever began an upload may do with it. */
const INITIATORS: ReadonlySet<S3Action> = new Set([
  "s3:AbortMultipartUpload",
  "s3:ListMultipartUploadParts",
]);

export class RequestAccess {
  readonly #parts: AccessParts;
  /** By bucket and key: the sequences of the versions that decisions looked at; made when there are any. */
  #seen: Map<string, Set<number>> | undefined;
  #names: PolicyPrincipal | undefined;

  constructor(parts: AccessParts) {
    this.#parts = parts;
  }

  /**
   * `expectedOwner` is `x-amz-expected-bucket-owner`, or its companion for the source of a copy: an account's number or
   * id; undefined without the header.
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
  requireAccount(message?: string): void {
    if (!isAnonymous(this.#parts.authentication.account)) return;
    throw new S3Error("AccessDenied", { message });
  }

  /** @throws S3Error AccessDenied */
  async require(action: S3Action, target: DecisionTarget): Promise<void> {
    if (await this.allows(action, target)) return;
    const { account } = this.#parts.authentication;
    if (account.id === target.bucket.ownerId) await this.refuseIfDenied(action, target);
    throw new S3Error("AccessDenied");
  }

  /** For what comes with a permission that was given: only an explicit deny counts. @throws S3Error AccessDenied */
  async refuseIfDenied(action: S3Action, target: DecisionTarget): Promise<void> {
    const policy = await this.#parts.settings.find(target.bucket, BUCKET_POLICY);
    if (policy === undefined) return;
    if ((await this.#evaluate(policy, action, target)) !== "deny") return;
    const { account } = this.#parts.authentication;
    const { bucket, key } = target;
    throw accessDenied({ account, action, bucket, key }, "bucketPolicy");
  }

  /**
   * What was opened must be what was decided about, where the decision looked at it: a key may be given another object
   * in between, which is less open.
   * @throws S3Error ServiceUnavailable
   */
  confirm(bucket: BucketView, { key, sequence }: Pick<ObjectRecord, "key" | "sequence">): void {
    if (this.#seen?.get(placeOf(bucket, key))?.has(sequence) !== false) return;
    const message = "The object was replaced while the request was decided about. Try again.";
    throw new S3Error("ServiceUnavailable", { message });
  }

  /** Whether the decision depends on what the request brings in its body. */
  async asksForBody(
    brings: "lock" | "tags",
    action: S3Action,
    bucket: BucketView,
  ): Promise<boolean> {
    const policy = await this.#parts.settings.find(bucket, BUCKET_POLICY);
    return policy !== undefined && asksFor(policy, action, BROUGHT[brings]);
  }

  /** Whether there is anything in the bucket's documents that could give the account a permission. */
  async mayHaveAny(bucket: BucketView): Promise<boolean> {
    const { settings, authentication } = this.#parts;
    if (authentication.account.id === bucket.ownerId) return true;
    const policy = await settings.find(bucket, BUCKET_POLICY);
    return policy !== undefined || (await settings.find(bucket, BUCKET_ACL)) !== undefined;
  }

  /** Of whoever pays for a bucket of somebody else it is asked as well whether he knows. */
  async allows(action: S3Action, target: DecisionTarget): Promise<boolean> {
    if (this.isUndisputed(target.bucket)) return true;
    return (await this.#decide(action, target)) && this.#isPaid(target.bucket);
  }

  /**
   * Whether the bucket is the account's own, and it is known that no document of it could say otherwise: no policy that
   * denies, no object of others. What `#decide` comes to then, and who pays, without a look at each.
   */
  isUndisputed(bucket: BucketView): boolean {
    const { settings, authentication } = this.#parts;
    return (
      authentication.account.id === bucket.ownerId &&
      settings.isKnownAbsent(bucket, BUCKET_POLICY) &&
      settings.isKnownAbsent(bucket, OTHERS_OBJECTS)
    );
  }

  async #isPaid(bucket: BucketView): Promise<boolean> {
    const { authentication, request, settings, onCharged } = this.#parts;
    const paying = { account: authentication.account, headers: request.headers };
    const payment = await paymentOf(bucket, paying, settings);
    if (payment === "paid") onCharged();
    return payment !== "refused";
  }

  async #decide(action: S3Action, target: DecisionTarget): Promise<boolean> {
    const { settings, authentication } = this.#parts;
    const { bucket } = target;
    const isOwner = authentication.account.id === bucket.ownerId;
    if (isOwner && REPAIRS.has(action)) return true;
    const policy = await settings.find(bucket, BUCKET_POLICY);
    const verdict = policy === undefined ? "none" : await this.#evaluate(policy, action, target);
    if (verdict === "deny") return false;
    // Where it is not known yet whether there are any: `isUndisputed` goes by that, and answers what comes next.
    if (isOwner && policy === undefined) await settings.find(bucket, OTHERS_OBJECTS);
    const isGiven = isOwner || (verdict === "allow" && !(await this.#isRestricted(bucket, policy)));
    if (isGiven && !(await this.#isOthers(action, target))) return true;
    return this.#isGranted(action, target);
  }

  async #evaluate(
    stored: StoredPolicy,
    action: S3Action,
    target: DecisionTarget,
  ): Promise<"allow" | "deny" | "none"> {
    const { clock } = this.#parts;
    const { bucket, key, versionId } = target;
    const needsTags = asksFor(stored, action, EXISTING_TAGS);
    const existingTags = needsTags ? (await this.#findObject(target))?.tags : undefined;
    return evaluate(stored.policy, {
      principal: this.#principal(),
      action,
      resource: resourceArn(bucket, key),
      condition: conditionValues({
        facts: this.#parts,
        now: clock.now(),
        bucket,
        action,
        versionId,
        prefix: target.prefix,
        requestTags: target.requestTags,
        requestLock: target.requestLock,
        existingTags,
      }),
    });
  }

  /** By all its names; worked out once for a request that asks for much. */
  #principal(): PolicyPrincipal {
    if (this.#names !== undefined) return this.#names;
    const { account } = this.#parts.authentication;
    const arn = principalArn(account);
    const { id } = account;
    this.#names =
      arn === undefined ? "anonymous" : { accountId: accountNumberOf(id), arn, canonicalId: id };
    return this.#names;
  }

  /** A public policy is worth nothing to others where the bucket is restricted. */
  async #isRestricted(bucket: BucketView, policy: StoredPolicy | undefined): Promise<boolean> {
    if (policy?.isPublic !== true) return false;
    const block = await this.#parts.settings.find(bucket, PUBLIC_ACCESS_BLOCK);
    return block?.RestrictPublicBuckets === true;
  }

  /** Whether it is about an object that is not the bucket owner's: neither he nor his policy gives that away. */
  async #isOthers(action: S3Action, target: DecisionTarget): Promise<boolean> {
    if (!isForObjectOwner(action) || target.isNew === true) return false;
    const { settings } = this.#parts;
    const { bucket } = target;
    if ((await settings.find(bucket, OTHERS_OBJECTS)) === undefined) return false;
    if ((await ownershipOf(settings, bucket)) === "BucketOwnerEnforced") return false;
    const object = await this.#findObject(target);
    return object !== undefined && object.ownerId !== bucket.ownerId;
  }

  async #isGranted(action: S3Action, target: DecisionTarget): Promise<boolean> {
    const { bucket, key } = target;
    if (INITIATORS.has(action) && (await this.#isInitiator(target))) return true;
    if ((await ownershipOf(this.#parts.settings, bucket)) === "BucketOwnerEnforced") return false;
    const comesWithIt = target.isNew === true && WITH_NEW.has(action);
    const onBucket = bucketPermissionOf(comesWithIt ? "s3:PutObject" : action);
    if (onBucket !== undefined) {
      const acl = await this.#parts.settings.find(bucket, BUCKET_ACL);
      return this.#grants(bucket, acl ?? ownersAlone(bucket.ownerId), onBucket);
    }
    if (!isForObjectOwner(action)) return false;
    const object = await this.#findObject(target);
    // Whoever may list the key may learn that it is not there.
    if (object === undefined) {
      return this.#decide("s3:ListBucket", {
        ...target,
        key: "",
        versionId: undefined,
        prefix: key,
      });
    }
    // What nobody in particular has written is not everybody's: its list tells.
    const isOwn = object.ownerId === this.#parts.authentication.account.id;
    if (isOwn && !this.#isNobody()) return true;
    const onObject = objectPermissionOf(action);
    if (onObject === undefined) return false;
    const acl = object.acl === undefined ? ownersAlone(object.ownerId) : readAcl(object.acl);
    return this.#grants(bucket, acl, onObject);
  }

  #isNobody(): boolean {
    return isAnonymous(this.#parts.authentication.account);
  }

  async #grants(
    bucket: BucketView,
    grants: readonly Grant[],
    permission: AclPermission,
  ): Promise<boolean> {
    const { authentication, settings } = this.#parts;
    const block = await settings.find(bucket, PUBLIC_ACCESS_BLOCK);
    const ignorePublic = block?.IgnorePublicAcls === true;
    return grantsTo(grants, authentication.account, permission, ignorePublic);
  }

  async #isInitiator({ bucket, key }: DecisionTarget): Promise<boolean> {
    const { request, store, authentication } = this.#parts;
    if (this.#isNobody()) return false;
    const uploadId = findParam(request, "uploadId") ?? "";
    try {
      const upload = await store.getUpload(bucket, key, uploadId);
      return upload.initiatorId === authentication.account.id;
    } catch (error) {
      if (error instanceof S3Error && error.code === "NoSuchUpload") return false;
      throw error;
    }
  }

  /** The version that the request is about; undefined where there is none, or a delete marker. */
  async #findObject({ bucket, key, versionId }: DecisionTarget): Promise<ObjectRecord | undefined> {
    if (key === "") return undefined;
    const { store } = this.#parts;
    if (versionId === undefined)
      return this.#note(bucket, key, await store.findObject(bucket, key));
    const version = await store.findVersion({ bucket, key, versionId });
    return this.#note(bucket, key, version?.kind === "object" ? version.object : undefined);
  }

  /** That there is none is looked at too. */
  #note(
    bucket: BucketView,
    key: string,
    object: ObjectRecord | undefined,
  ): ObjectRecord | undefined {
    this.#seen ??= new Map();
    const place = placeOf(bucket, key);
    const sequences = this.#seen.get(place) ?? new Set();
    this.#seen.set(place, sequences);
    if (object !== undefined) sequences.add(object.sequence);
    return object;
  }
}

function placeOf(bucket: BucketView, key: string): string {
  return `${bucket.id}/${key}`;
}

/** Whether the policy's word on the action depends on keys that begin so. */
function asksFor({ policy }: StoredPolicy, action: S3Action, prefix: string): boolean {
  for (const key of keysAskedFor(policy, action)) if (key.startsWith(prefix)) return true;
  return false;
}
