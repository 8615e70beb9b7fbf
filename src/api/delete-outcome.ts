// What DeleteObject and DeleteObjects share: the conditions of a deletion, and what its outcome says.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html

import { S3Error } from "../core/s3-error.ts";
import type { DeleteCondition, DeleteOutcome } from "../store/records.ts";
import { parseEtag, parseHttpDate } from "./headers.ts";
import { parseIsoTime } from "./object-lock.ts";

/** The conditions as they were sent, header or element. */
export interface SentCondition {
  readonly etag: string | undefined;
  readonly modifiedAt: string | undefined;
  readonly size: string | undefined;
}

/** Undefined without any. `refuse` makes the error for a value that cannot be read. */
export function parseDeleteCondition(
  { etag, modifiedAt, size }: SentCondition,
  refuse: (value: string) => S3Error,
): DeleteCondition | undefined {
  if (etag === undefined && modifiedAt === undefined && size === undefined) return undefined;
  return {
    ifMatch: etag === undefined ? undefined : parseEtag(etag),
    ifModifiedAt: modifiedAt === undefined ? undefined : parseTime(modifiedAt, refuse),
    ifSizeBytes: size === undefined ? undefined : parseSize(size, refuse),
  };
}

function parseTime(text: string, refuse: (value: string) => S3Error): number {
  const timeMs = parseHttpDate(text.trim()) ?? parseIsoTime(text.trim());
  if (timeMs === undefined) throw refuse(text);
  return timeMs;
}

function parseSize(text: string, refuse: (value: string) => S3Error): number {
  if (!/^\d{1,15}$/.test(text.trim())) throw refuse(text);
  return Number(text.trim());
}

/** Whether the condition tells the requester something of the object, so that it must be one who may read it. */
export function asksForEtag(condition: DeleteCondition | undefined): boolean {
  return condition?.ifMatch !== undefined && condition.ifMatch !== "*";
}

/** Why something stays; undefined when it has gone. */
export function refusalOfOutcome(outcome: DeleteOutcome): S3Error | undefined {
  if (outcome.kind === "deleted") return undefined;
  if (outcome.kind === "changed") return new S3Error("OperationAborted");
  const { code, message, detail } = outcome.refusal;
  return new S3Error(code, { message, detail });
}
