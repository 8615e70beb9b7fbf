// What a statement acts on: the bucket, or objects by patterns of their keys. `*` also stands for slashes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html

import { malformedPolicy } from "./malformed-policy.ts";
import { parseTemplate, templateMatcher, variablesOf, type TextMatcher } from "./template.ts";
import { compileWildcard, wildcardParts } from "./wildcard.ts";

export interface ResourcePattern {
  readonly matches: TextMatcher;
  /** The keys, in lower case, that its variables read. */
  readonly variables: readonly string[];
  readonly targets: ReadonlySet<"bucket" | "object">;
}

const PREFIX = "arn:aws:s3:::";

/** @throws S3Error MalformedPolicy for what is not of the bucket. */
export function parseResource(
  text: string,
  syntax: { readonly bucketName: string; readonly hasVariables: boolean },
): ResourcePattern {
  const slash = text.indexOf("/");
  const bucketPart = text.slice(PREFIX.length, slash === -1 ? undefined : slash);
  const isOfBucket = compileWildcard(wildcardParts(bucketPart))(syntax.bucketName);
  if (!text.startsWith(PREFIX) || !isOfBucket) {
    throw malformedPolicy("Policy has invalid resource", text);
  }
  const template = parseTemplate(text, {
    hasVariables: syntax.hasVariables,
    hasWildcards: true,
  });
  const targets = new Set<"bucket" | "object">();
  if (slash === -1) targets.add("bucket");
  if (slash !== -1 || bucketPart.includes("*")) targets.add("object");
  return { matches: templateMatcher(template), variables: variablesOf(template), targets };
}
