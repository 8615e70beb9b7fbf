// The admin API's routes to look at buckets and what is in them. Nothing of an object's bytes passes here.

import { KEY_BYTES_MAX } from "../core/limits.ts";
import type {
  BucketsPage,
  BucketSummary,
  EntriesQuery,
  ObjectEntry,
  ObjectsPage,
  PrefixEntry,
  VersionEntry,
  VersionsPage,
} from "./admin-catalog.ts";
import { AdminError } from "./admin-error.ts";
import { parseFields } from "./admin-request.ts";
import type { AdminCall, AdminRoute } from "./admin-route.ts";
import {
  count,
  flag,
  instant,
  listOf,
  maybe,
  objectOf,
  oneOf,
  text,
  type FieldSchemas,
} from "./json-schema.ts";
import type { QueryParamSchema } from "./route-schema.ts";
import { sendJson } from "./send-json.ts";

const PAGE_SIZE_MAX = 1_000;
const PAGE_SIZE = 100;
/** No key, prefix or delimiter is longer; a version id is shorter. */
const TEXT_BYTES_MAX = KEY_BYTES_MAX;

const limit: QueryParamSchema = {
  schema: { type: "integer", minimum: 1, maximum: PAGE_SIZE_MAX, default: PAGE_SIZE },
  description: "how many entries a page has at most",
};
const param = (description: string, isRequired = false): QueryParamSchema => ({
  schema: text(),
  description,
  isRequired,
});
const listing = {
  bucket: param("the bucket's name", true),
  prefix: param("entries whose key begins so"),
  delimiter: param("keys are rolled up to the first one after the prefix, such as /"),
  after: param("`next` of the page before"),
  limit,
};

const bucketSchema = objectOf<BucketSummary>({
  name: text(),
  ownerId: text(),
  createdAt: instant(),
  objectCount: count("of all versions"),
  objectBytes: count("of all versions"),
  quotaBytes: maybe(count()),
  versioning: oneOf([
    "enabled",
    "off",
    "suspended",
  ] satisfies readonly BucketSummary["versioning"][]),
  hasLock: flag(),
  defaultRetention: maybe(
    objectOf<NonNullable<BucketSummary["defaultRetention"]>>({
      mode: oneOf(["COMPLIANCE", "GOVERNANCE"]),
      unit: oneOf(["days", "years"]),
      count: count(),
    }),
  ),
});

const prefixSchema = objectOf<PrefixEntry>({ kind: { const: "prefix" }, prefix: text() });

const objectFields: FieldSchemas<ObjectEntry> = {
  kind: { const: "object" },
  key: text(),
  sizeBytes: count(),
  etag: text("without quotes"),
  modifiedAt: instant(),
  ownerId: text(),
  storageClass: text(),
};

const versionSchema = objectOf<VersionEntry>({
  ...objectFields,
  kind: oneOf(["delete-marker", "object"]),
  versionId: text(),
  isLatest: flag(),
});

export const CATALOG_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: "/v1/buckets",
    access: "root",
    schema: {
      operationId: "listBuckets",
      summary: "The buckets of all accounts, by name",
      query: {
        prefix: param("buckets whose name begins so"),
        after: param("`next` of the page before"),
        limit,
      },
      answer: {
        description: "a page of buckets",
        schema: objectOf<BucketsPage>({
          buckets: listOf(bucketSchema),
          next: maybe(text("`after` of the next page; absent on the last one")),
        }),
      },
    },
    handle: sendBuckets,
  },
  {
    method: "GET",
    path: "/v1/objects",
    access: "root",
    schema: {
      operationId: "listObjects",
      summary: "The objects of a bucket, by key",
      query: listing,
      answer: {
        description: "a page of objects, and of prefixes that others share",
        schema: objectOf<ObjectsPage>({
          entries: listOf({ oneOf: [prefixSchema, objectOf<ObjectEntry>(objectFields)] }),
          next: maybe(text("`after` of the next page; absent on the last one")),
        }),
      },
    },
    handle: sendObjects,
  },
  {
    method: "GET",
    path: "/v1/versions",
    access: "root",
    schema: {
      operationId: "listVersions",
      summary: "The versions and delete markers of a bucket, or of one key",
      query: {
        ...listing,
        key: param("versions of this very key; instead of prefix and delimiter"),
        afterVersion: param("`next.afterVersion` of the page before"),
      },
      answer: {
        description: "a page of versions, those of one key from the newest on",
        schema: objectOf<VersionsPage>({
          entries: listOf({ oneOf: [prefixSchema, versionSchema] }),
          next: maybe(
            objectOf<NonNullable<VersionsPage["next"]>>({
              after: text(),
              afterVersion: maybe(text()),
            }),
          ),
        }),
      },
    },
    handle: sendVersions,
  },
];

async function sendBuckets({ context, query, body, out }: AdminCall): Promise<void> {
  parseFields(body, []);
  const prefix = textParam(query, "prefix") ?? "";
  const page = { prefix, after: textParam(query, "after"), limit: limitParam(query) };
  sendJson(out, 200, await context.catalog.listBuckets(page));
}

async function sendObjects({ context, query, body, out }: AdminCall): Promise<void> {
  parseFields(body, []);
  sendJson(out, 200, await context.catalog.listObjects(entriesQuery(query)));
}

async function sendVersions({ context, query, body, out }: AdminCall): Promise<void> {
  parseFields(body, []);
  const key = textParam(query, "key");
  const asked = entriesQuery(query);
  const afterVersion = textParam(query, "afterVersion");
  if (afterVersion !== undefined && asked.after === undefined) {
    throw new AdminError(400, "InvalidArgument", "afterVersion needs after");
  }
  if (key !== undefined && (asked.prefix !== "" || asked.delimiter !== "")) {
    throw new AdminError(400, "InvalidArgument", "key stands instead of prefix and delimiter");
  }
  const isExact = key !== undefined;
  const prefix = key ?? asked.prefix;
  const page = await context.catalog.listVersions({ ...asked, prefix, isExact, afterVersion });
  sendJson(out, 200, page);
}

/** @throws AdminError */
function entriesQuery(query: ReadonlyMap<string, string>): EntriesQuery {
  const bucket = textParam(query, "bucket");
  if (bucket === undefined) throw new AdminError(400, "InvalidArgument", "bucket is missing");
  return {
    bucket,
    prefix: textParam(query, "prefix") ?? "",
    delimiter: textParam(query, "delimiter") ?? "",
    after: textParam(query, "after"),
    limit: limitParam(query),
  };
}

/** Undefined also for an empty one. @throws AdminError */
function textParam(query: ReadonlyMap<string, string>, name: string): string | undefined {
  const value = query.get(name);
  if (value === undefined || value === "") return undefined;
  if (Buffer.byteLength(value) <= TEXT_BYTES_MAX) return value;
  throw new AdminError(400, "InvalidArgument", `${name} is too long`);
}

/** @throws AdminError */
function limitParam(query: ReadonlyMap<string, string>): number {
  const given = query.get("limit");
  if (given === undefined) return PAGE_SIZE;
  const value = /^[0-9]{1,4}$/.test(given) ? Number(given) : 0;
  if (value >= 1 && value <= PAGE_SIZE_MAX) return value;
  throw new AdminError(400, "InvalidArgument", `limit must be from 1 to ${PAGE_SIZE_MAX}`);
}
