// ListBuckets: the buckets of the account, by name, in pages where the client asks for pages.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html

import { isBucketName } from "../../core/bucket-name.ts";
import { BUCKET_PAGE_SIZE_MAX } from "../../core/limits.ts";
import type { QueryParam } from "../../core/wire-request.ts";
import { defineOperation } from "../operation.ts";
import { findText, intParam, invalidArgument } from "../params.ts";
import { xmlResponse } from "../response.ts";
import { xmlDate } from "../xml/render.ts";

export const listBuckets = defineOperation({
  name: "ListBuckets",
  route: { method: "GET", target: "service" },
  action: "s3:ListAllMyBuckets",

  parse: ({ query }) => ({
    prefix: findText(query, "prefix"),
    after: parseToken(query),
    region: findText(query, "bucket-region"),
    limit: intParam(query, "max-buckets", {
      min: 1,
      max: BUCKET_PAGE_SIZE_MAX,
      fallback: BUCKET_PAGE_SIZE_MAX,
    }),
  }),

  async handle({ store, account, region }, input) {
    const { prefix, after, limit } = input;
    const isElsewhere = input.region !== undefined && input.region !== region;
    const found = isElsewhere
      ? []
      : // One more than asked for tells whether there is another page.
        await store.listBuckets({
          ownerId: account.id,
          prefix: prefix ?? "",
          after,
          limit: limit + 1,
        });
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    return xmlResponse("ListAllMyBucketsResult", {
      Owner: { ID: account.id, DisplayName: account.displayName },
      Buckets: {
        Bucket: page.map((bucket) => ({
          Name: bucket.name,
          CreationDate: xmlDate(bucket.createdAt),
          BucketRegion: bucket.region,
        })),
      },
      ContinuationToken: last === undefined ? undefined : renderToken(last.name),
      Prefix: prefix,
    });
  },
});

/** The name of the last bucket of the page before. */
function parseToken(query: readonly QueryParam[]): string | undefined {
  const token = findText(query, "continuation-token");
  if (token === undefined || token === "") return undefined;
  const name = Buffer.from(token, "base64url").toString("utf8");
  if (isBucketName(name) && renderToken(name) === token) return name;
  throw invalidArgument(
    "continuation-token",
    token,
    "The continuation token provided is incorrect",
  );
}

function renderToken(name: string): string {
  return Buffer.from(name, "utf8").toString("base64url");
}
