// What every S3 operation is: where it lives on the wire, the permission it needs, what it accepts, what it does and
// what it answers. One operation, one file in operations/; operations/index.ts is the closed, ordered table.

import type { AccountDirectory } from "../auth/account-directory.ts";
import type { Authentication } from "../auth/authenticate.ts";
import type { Account } from "../core/account.ts";
import type { ChecksumAlgorithm } from "../core/checksum.ts";
import type { Tag } from "../core/tags.ts";
import type { WireRequest } from "../core/wire-request.ts";
import type { BucketView } from "../store/bucket-view.ts";
import type { ByteWindows } from "../store/byte-window.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { GivenLock, ObjectRecord } from "../store/records.ts";
import type { UploadBody } from "../store/upload-body.ts";
import type { Clock } from "../util/clock.ts";
import type { NewBuckets } from "./access/new-bucket-access.ts";
import type { BucketSettings } from "./bucket-settings.ts";

export type Method = "DELETE" | "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT";
export type Target = "bucket" | "object" | "service";

export interface Route {
  readonly method: Method;
  readonly target: Target;
  /** Query parameters whose presence tells this operation from its neighbours; `name=value` asks for a value too. */
  readonly query?: readonly string[];
  /** Headers whose presence does so: `x-amz-copy-source`. */
  readonly headers?: readonly string[];
  /** Whether it takes whatever else the query asks for: a preflight is about another request. */
  readonly isForAnyQuery?: boolean;
}

/** A permission as policies name it. */
export type S3Action = `s3:${string}`;

/** What a permission is for, where that is not the bucket and the key of the request itself. */
export interface AccessTarget {
  readonly bucket?: BucketView;
  /** "": the bucket itself. */
  readonly key?: string;
  readonly versionId?: string | undefined;
  /** What `s3:prefix` is for a permission to list that is not the request's own. */
  readonly prefix?: string;
  /** For the object that the request makes, not for one that stands there: whoever a list lets write it may tag it, and open it. */
  readonly isNew?: boolean;
  /** Tags that the body brings; by default those of `x-amz-tagging`. */
  readonly requestTags?: readonly Tag[];
  /** A lock that the body brings; by default that of the `x-amz-object-lock-*` headers. */
  readonly requestLock?: GivenLock;
}

interface OperationHead {
  /** As AWS spells it. */
  readonly name: string;
  readonly route: Route;
  /** The permission that it needs: tried before the body is read. */
  readonly action: S3Action | ((request: WireRequest) => S3Action);
  /**
   * Whether `handle` tries the permission itself, because only the body names what it is for: each key of DeleteObjects,
   * the key and the signature of a form. Everything that it does must then stand behind `context.require`.
   */
  readonly isDecidedInside?: boolean;
  /**
   * What the body holds that a policy may ask about: where it does, the permission is tried by `handle`, which requires
   * it once more with that in any case.
   */
  readonly brings?: "lock" | "tags";
  /** Whether it is for everybody and about no bucket's content: no signature is looked at, no permission asked for. */
  readonly isOpen?: boolean;
  /**
   * What the pipeline does with the body before `handle`: `none` (must be empty or is ignored), `xml` (read whole, bounded,
   * verified, handed to parse as text), `object` (streamed by `context.openBody`).
   */
  readonly body?: "none" | "object" | "xml";
  /** Whether an `xml` body must come with Content-MD5 or an `x-amz-checksum-*`. */
  readonly isDigestRequired?: boolean;
  /** Whether the `x-amz-checksum-*` of an `xml` operation are of the object that it makes, not of its body. */
  readonly hasObjectChecksum?: boolean;
  /** What of it is not done as S3 does it, in words, for the compatibility page. */
  readonly partly?: string;
  /** Long work: after a while the answer begins with 200 and white space, as AWS does, so that clients do not give up. */
  readonly mayTakeLong?: boolean;
}

/** What `parse` sees: the wire request plus what was already decoded from it. */
export interface S3Request extends WireRequest {
  readonly bucketName: string;
  /** Decoded once from the raw path; empty for bucket and service targets. */
  readonly key: string;
  /** The verified body of an `xml` operation; empty otherwise. */
  readonly xml: string;
  /** Whether it came over TLS. */
  readonly isSecure: boolean;
}

/**
 * A form whose signature and policy are right: the PUT that it stands for, as somebody else's request. Nothing of the file
 * has been read.
 */
export interface OpenForm {
  /** Whom the form speaks for. */
  readonly authentication: Authentication;
  /** With the form's key, and its fields as headers. */
  readonly request: S3Request;
  readonly openBody: OperationContext["openBody"];
  /** By lower-case name. */
  readonly fields: ReadonlyMap<string, string>;
  /** Lets go of the body, read or not: to be called in any case. */
  readonly close: () => Promise<void>;
}

export interface OperationContext {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** Whom the request speaks for: ANONYMOUS_ACCOUNT where it is not signed at all. */
  readonly account: Account;
  /** All accounts, by id and address. */
  readonly accounts: AccountDirectory;
  readonly region: string;
  readonly newBuckets: NewBuckets;
  readonly requestId: string;
  /** The bucket of the request, on which the account has the permission; CreateBucket and service targets have none. */
  readonly bucket: BucketView;
  readonly bucketName: string;
  readonly key: string;
  readonly request: S3Request;
  /** The documents of buckets, parsed and cached. */
  readonly settings: BucketSettings;
  /**
   * Whether the account has a further permission; by default on the key of the request, of its version where it names one.
   */
  readonly allows: (action: S3Action, target?: AccessTarget) => Promise<boolean>;
  /** Whether it is known already that `allows` says yes to all that concerns the request's bucket. */
  readonly isUndisputed: () => boolean;
  /** @throws S3Error AccessDenied unless `allows`. */
  readonly require: (action: S3Action, target?: AccessTarget) => Promise<void>;
  /** For what comes with a permission that was given: only an explicit deny counts. @throws S3Error AccessDenied */
  readonly refuseIfDenied: (action: S3Action, target?: AccessTarget) => Promise<void>;
  /**
   * Called with every object that is opened on the strength of a permission: where the decision looked at an object, it
   * must be the same one still. @throws S3Error ServiceUnavailable
   */
  readonly confirm: (bucket: BucketView, object: Pick<ObjectRecord, "key" | "sequence">) => void;
  /**
   * Another bucket (of a copy's source), where the account has the permission on that key.
   * @throws S3Error NoSuchBucket, AccessDenied
   */
  readonly openBucket: (
    name: string,
    action: S3Action,
    target?: Omit<AccessTarget, "bucket">,
  ) => Promise<BucketView>;
  /** The body as a POST form, up to its file. @throws S3Error for what is no form, nobody's, or against its policy */
  readonly openForm: () => Promise<OpenForm>;
  /** The request that a form stands for, of the account whose signature it has. */
  readonly actFor: (form: OpenForm) => OperationContext;
  /**
   * The body of an `object` operation: sends 100-continue where asked, decodes, verifies. Called at most once.
   * `wanted`: a checksum to compute whatever the client declares.
   */
  readonly openBody: (wanted?: ChecksumAlgorithm) => Promise<UploadBody>;
}

export interface S3Response {
  readonly status: number;
  /** Lower-case names. Values are checked to be sendable. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body:
    | { readonly windows: ByteWindows; readonly sizeBytes: number }
    | Uint8Array
    | string
    | undefined;
}

export interface OperationSpec<Input> extends OperationHead {
  readonly parse: (request: S3Request) => Input;
  readonly handle: (context: OperationContext, input: Input) => Promise<S3Response>;
}

export interface Operation extends OperationHead {
  /** @throws S3Error at once for what `parse` refuses */
  readonly execute: (context: OperationContext, request: S3Request) => Promise<S3Response>;
}

/** Closes over `Input`, so that the table holds every operation without a cast. */
export function defineOperation<Input>(spec: OperationSpec<Input>): Operation {
  const { parse, handle, ...head } = spec;
  return { ...head, execute: (context, request) => handle(context, parse(request)) };
}
