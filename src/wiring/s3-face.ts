// The S3 front end over an object store: keys, buckets of the configuration, the HTTP server and its certificate. The same
// for the embedded server and the gateway, which differ only in where their drives are.

import { newBucketDocuments } from "../api/access/new-bucket-access.ts";
import type { NewBuckets } from "../api/access/new-bucket-access.ts";
import { openS3Server } from "../api/http-server.ts";
import { createAccountDirectory } from "../auth/account-directory.ts";
import { createCredentialSource } from "../auth/credentials.ts";
import { refuseKnownPair, refuseRelatedSecrets, type KeyPair } from "../config/credential-rules.ts";
import type { RepairSettings } from "../config/repair-settings.ts";
import type { UserSettings } from "../config/user-settings.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { OpenLogger } from "../telemetry/logger.ts";
import type { RequestCounts } from "../telemetry/request-counts.ts";
import type { Clock } from "../util/clock.ts";
import { credentialsOf, rootAccount } from "./accounts.ts";
import type { AdminFaceOptions } from "./admin-face.ts";
import type { CloseStack } from "./close-stack.ts";
import { endpointOf } from "./endpoint.ts";
import { makeBuckets } from "./make-buckets.ts";
import type { GivenEncryption } from "./master-keyring.ts";
import { keepRootKeys, openRootKeys, type RootKeys } from "./root-keys.ts";
import { readTlsPair, watchTlsPair, type TlsPaths } from "./tls-files.ts";

export interface S3FaceOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly region: string;
  readonly domains: readonly string[];
  readonly publicHosts: readonly string[];
  readonly sigv2: boolean;
  /** See PipelineSettings. */
  readonly takesKeysOverHttp?: boolean | undefined;
  /** See ObjectStoreOptions. */
  readonly hasFastEtags?: boolean | undefined;
  /** See StoreLimits; 0 where absent. */
  readonly keepTrashMs?: number | undefined;
  /** What encryption begins with; nothing given where absent. */
  readonly encryption?: GivenEncryption | undefined;
  readonly tls: TlsPaths | undefined;
  /** The root account's; undefined: kept or generated ones. */
  readonly keys: KeyPair | undefined;
  readonly users: readonly UserSettings[];
  /** What buckets begin with whose maker does not say. */
  readonly newBuckets: NewBuckets;
  /** Made at the start where they do not exist. */
  readonly buckets: readonly string[];
  /** The admin API beside it; none without. */
  readonly admin?: AdminFaceOptions | undefined;
  /** How fast repair and scrub go; as the settings' defaults where absent. */
  readonly repair?: RepairSettings | undefined;
  readonly clock: Clock;
  readonly logger: OpenLogger;
  /** A socket bound to the address that outlives this process; undefined where the server opens its own. */
  readonly takeSocket?: (host: string, port: number) => Promise<object | undefined>;
  /** Called once requests are answered: what is opened beside S3 is opened after. */
  readonly onServing?: () => void;
}

export interface S3FaceParts {
  readonly metadata: MetadataStore;
  readonly store: ObjectStore;
  readonly isReady: () => Promise<boolean> | boolean;
  /** Whether requests may be answered now; always, where absent. */
  readonly isServing?: () => boolean;
  /** Where requests are counted. */
  readonly counts?: RequestCounts;
  readonly closeStack: CloseStack;
  readonly clusterSecret?: string;
}

export interface S3Face {
  readonly endpoint: string;
  readonly keys: RootKeys;
  readonly remarks: readonly string[];
  /** So many connections end with their next answer. */
  readonly shed: (count: number) => void;
  /** Makes the buckets of the configuration that are not there. Resolves to what could not be done, in sentences. */
  readonly makeBuckets: () => Promise<readonly string[]>;
}

/** How long requests under way may go on when the server stops. Container engines kill after ten seconds. */
export const GRACE_MS = 8_000;

/** Serves when it resolves. What it opens is put on the close stack. */
export async function openS3Face(parts: S3FaceParts, options: S3FaceOptions): Promise<S3Face> {
  const { logger, clock, region, tls } = options;
  const tlsPair = tls === undefined ? undefined : await readTlsPair(tls);
  const keys = await openRootKeys(parts.metadata, options.keys);
  if (parts.clusterSecret !== undefined) refuseRelatedSecrets(parts.clusterSecret, keys);
  for (const pair of [keys, ...options.users]) {
    refuseKnownPair(pair, options.host);
    logger.hide(pair.secretKey);
  }
  const credentials = credentialsOf(keys, options.users);
  const accounts = createAccountDirectory(credentials.map(({ account }) => account));
  const { newBuckets } = options;
  const documents = newBucketDocuments({
    headers: new Map(),
    owner: rootAccount.id,
    accounts,
    newBuckets,
  });
  const make = () => makeBuckets(parts.store, options.buckets, { region, documents });
  const remarks = await make();
  const server = await openS3Server({
    store: parts.store,
    auth: {
      credentials: createCredentialSource(credentials),
      clock,
      region,
      publicHosts: options.publicHosts,
      sigv2: options.sigv2,
    },
    accounts,
    newBuckets,
    clock,
    logger,
    region,
    domains: options.domains,
    takesKeysOverHttp: options.takesKeysOverHttp,
    counts: parts.counts,
    isReady: parts.isReady,
    isServing: parts.isServing,
    ...(tlsPair === undefined ? {} : { tls: tlsPair }),
  });
  parts.closeStack.add(() => server.close(GRACE_MS));
  if (tls !== undefined) {
    parts.closeStack.add(watchTlsPair(tls, (pair) => server.setTls(pair), logger));
  }
  const socket = await options.takeSocket?.(options.host, options.port);
  const { port } = await server.listen(options.host, options.port, socket);
  await keepRootKeys(parts.metadata, keys);
  options.onServing?.();
  const endpoint = endpointOf({ host: options.host, port, isTls: tls !== undefined });
  return { endpoint, keys, remarks, shed: (count) => server.shed(count), makeBuckets: make };
}
