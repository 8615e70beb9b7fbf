// A preflight: a browser asks, unsigned, whether a page may send a request. The headers that say yes are those that
// every answer to that origin carries (cors-of-request.ts); here is the verdict.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html

import { S3Error } from "../../core/s3-error.ts";
import type { BucketSettings } from "../bucket-settings.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { S3Request, S3Response } from "../operation.ts";
import { emptyResponse } from "../response.ts";
import { CORS_DOCUMENT } from "./cors-document.ts";
import { type CorsQuestion, findCorsRule, readCorsQuestion } from "./match-cors.ts";

const METHODS: ReadonlySet<string> = new Set(["DELETE", "GET", "HEAD", "POST", "PUT"]);

/** @throws S3Error BadRequest */
export function parsePreflight({ method, headers }: S3Request): CorsQuestion {
  const question = readCorsQuestion(method, headers);
  if (question === undefined) {
    throw new S3Error("BadRequest", {
      message: "Insufficient information. Origin request header needed.",
    });
  }
  const asked = headers.get("access-control-request-method");
  if (asked === undefined || !METHODS.has(asked)) {
    throw new S3Error("BadRequest", {
      message: `Invalid Access-Control-Request-Method: ${asked ?? "null"}`,
    });
  }
  return question;
}

export interface PreflightPlace {
  readonly store: Pick<ObjectStore, "findBucket">;
  readonly settings: BucketSettings;
  readonly bucketName: string;
}

/** @throws S3Error AccessForbidden */
export async function answerPreflight(
  { store, settings, bucketName }: PreflightPlace,
  question: CorsQuestion,
  resourceType: "BUCKET" | "OBJECT",
): Promise<S3Response> {
  const refuse = (message: string) =>
    new S3Error("AccessForbidden", {
      message: `CORSResponse: ${message}`,
      detail: { Method: question.method, ResourceType: resourceType },
    });
  const bucket = await store.findBucket(bucketName);
  if (bucket === undefined) throw refuse("Bucket not found");
  const rules = await settings.find(bucket, CORS_DOCUMENT);
  if (rules === undefined) throw refuse("CORS is not enabled for this bucket.");
  if (findCorsRule(rules, question) === undefined) {
    throw refuse(
      "This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
    );
  }
  return emptyResponse(200);
}
