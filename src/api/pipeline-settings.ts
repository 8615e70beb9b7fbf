// What the pipeline, and every operation through its context, is given once, when the server starts.

import type { AccountDirectory } from "../auth/account-directory.ts";
import type { AuthSettings } from "../auth/authenticate.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { RequestCounts } from "../telemetry/request-counts.ts";
import type { Clock } from "../util/clock.ts";
import type { NewBuckets } from "./access/new-bucket-access.ts";

export interface PipelineSettings {
  readonly store: ObjectStore;
  readonly auth: AuthSettings;
  readonly accounts: AccountDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly region: string;
  /** What buckets begin with whose maker does not say. */
  readonly newBuckets: NewBuckets;
  /** A Host header below one of these is virtual-host style. */
  readonly domains: readonly string[];
  /**
   * Whether what this process knows is still what is true: asked before the work and once more before the answer. While
   * it is not, every answer is 503. Always, where absent.
   */
  readonly isServing?: (() => boolean) | undefined;
  /**
   * Whether requests may bring keys of clients (SSE-C) over plain HTTP from other machines, as behind a proxy that ends
   * TLS. Where absent they may not.
   */
  readonly takesKeysOverHttp?: boolean | undefined;
  /** Where requests are counted for the metrics; nowhere without. */
  readonly counts?: RequestCounts | undefined;
}
