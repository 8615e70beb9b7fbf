// What an operation gets to work with, for one request. Most operations ask for little of it: what takes making is made
// when it is asked for.

import type { Authentication } from "../auth/authenticate.ts";
import type { BucketView } from "../store/bucket-view.ts";
import { assert } from "../util/assert.ts";
import { permissionsOf } from "./access/enter-operation.ts";
import type { RequestAccess } from "./access/request-access.ts";
import type { BucketSettings } from "./bucket-settings.ts";
import { openUploadBody } from "./body/upload-body.ts";
import type { Exchange } from "./exchange.ts";
import type { OpenForm, OperationContext, S3Request } from "./operation.ts";
import type { PipelineSettings } from "./pipeline-settings.ts";
import { openPostForm } from "./post-object/open-post-form.ts";

/** What is the same for all requests. */
export interface ContextServices {
  readonly server: PipelineSettings;
  readonly settings: BucketSettings;
}

export interface ContextParts {
  readonly exchange: Exchange;
  readonly request: S3Request;
  readonly authentication: Authentication;
  readonly access: RequestAccess;
  readonly bucket: BucketView | undefined;
  /** By default that of the request. */
  readonly openBody?: OperationContext["openBody"];
}

export class RequestContext implements OperationContext {
  readonly request: S3Request;
  readonly #services: ContextServices;
  readonly #parts: ContextParts;
  readonly #actFor: (form: OpenForm) => OperationContext;
  #permissions: ReturnType<typeof permissionsOf> | undefined;

  /** `actFor` opens the context of what a form stands for. */
  constructor(
    services: ContextServices,
    parts: ContextParts,
    actFor: (form: OpenForm) => OperationContext,
  ) {
    this.request = parts.request;
    this.#services = services;
    this.#parts = parts;
    this.#actFor = actFor;
  }

  get store() {
    return this.#services.server.store;
  }

  get clock() {
    return this.#services.server.clock;
  }

  get account() {
    return this.#parts.authentication.account;
  }

  get accounts() {
    return this.#services.server.accounts;
  }

  get region() {
    return this.#services.server.region;
  }

  get newBuckets() {
    return this.#services.server.newBuckets;
  }

  get requestId() {
    return this.#parts.exchange.requestId;
  }

  get bucket() {
    const { bucket } = this.#parts;
    assert(bucket !== undefined, "only operations on a bucket ask for it");
    return bucket;
  }

  get bucketName() {
    return this.request.bucketName;
  }

  get key() {
    return this.request.key;
  }

  get settings() {
    return this.#services.settings;
  }

  get allows() {
    return this.#permitted.allows;
  }

  get isUndisputed() {
    return this.#permitted.isUndisputed;
  }

  get require() {
    return this.#permitted.require;
  }

  get refuseIfDenied() {
    return this.#permitted.refuseIfDenied;
  }

  get openBucket() {
    return this.#permitted.openBucket;
  }

  /** Not through `#permitted`: every read asks for it. */
  get confirm(): OperationContext["confirm"] {
    const { access } = this.#parts;
    return (bucket, object) => access.confirm(bucket, object);
  }

  get openForm() {
    const { request, exchange } = this.#parts;
    const { auth } = this.#services.server;
    return () => openPostForm({ request, body: exchange.body, auth });
  }

  get actFor() {
    return this.#actFor;
  }

  get openBody(): OperationContext["openBody"] {
    const { request, exchange, authentication, openBody } = this.#parts;
    const { payload } = authentication;
    return (
      openBody ??
      ((wanted) => openUploadBody({ request, payload, source: exchange.body.passing(), wanted }))
    );
  }

  get #permitted() {
    const { access, request, bucket } = this.#parts;
    this.#permissions ??= permissionsOf(access, { request, bucket, key: request.key });
    return this.#permissions;
  }
}
