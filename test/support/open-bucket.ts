// Buckets as S3 made them before April 2023, for tests of what is closed in new ones: access control lists in force, and
// nothing blocked. And requests of nobody in particular.

import {
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  ListBucketsCommand,
  PutBucketPolicyCommand,
} from "@aws-sdk/client-s3";
import type { ObjectOwnership, S3Client } from "@aws-sdk/client-s3";
import { expect } from "vitest";

let made = 0;

/** A new bucket of the client's account without a public access block. */
export async function givenOpenBucket(
  client: S3Client,
  ownership: ObjectOwnership = "ObjectWriter",
): Promise<string> {
  made += 1;
  const slug = (expect.getState().currentTestName ?? "test").toLowerCase();
  const name = `open-${made}-${slug.replaceAll(/[^a-z0-9]+/g, "-")}`;
  const Bucket = name.slice(0, 48).replace(/-+$/, "");
  await client.send(new CreateBucketCommand({ Bucket, ObjectOwnership: ownership }));
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }));
  return Bucket;
}

/** One statement of a policy; by default it allows everybody. */
export interface GivenStatement {
  readonly Effect?: "Allow" | "Deny";
  readonly Principal?: unknown;
  readonly Action: readonly string[] | string;
  /** What follows the bucket in the resource: "" for itself, "/*" for its objects. */
  readonly on: readonly string[];
  readonly Condition?: unknown;
}

export function policyText(bucket: string, statements: readonly GivenStatement[]): string {
  const Statement = statements.map(({ Effect = "Allow", Principal = "*", on, ...rest }) => ({
    Effect,
    Principal,
    ...rest,
    Resource: on.map((place) => `arn:aws:s3:::${bucket}${place}`),
  }));
  return JSON.stringify({ Version: "2012-10-17", Statement });
}

export async function putPolicy(
  client: S3Client,
  Bucket: string,
  ...statements: readonly GivenStatement[]
): Promise<void> {
  const Policy = policyText(Bucket, statements);
  await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
}

/** The canonical id of the client's account. */
export async function ownerIdOf(client: S3Client): Promise<string> {
  return (await client.send(new ListBucketsCommand({}))).Owner?.ID ?? "";
}

export interface AnonymousAnswer {
  readonly status: number;
  readonly code: string;
  readonly text: string;
}

/** A request without any signature. `path` begins with the bucket. */
export async function anonymously(
  endpoint: string,
  path: string,
  init: RequestInit = {},
): Promise<AnonymousAnswer> {
  const answer = await fetch(`${endpoint}/${path}`, init);
  const text = await answer.text();
  return { status: answer.status, code: /<Code>([^<]*)/.exec(text)?.[1] ?? "", text };
}
