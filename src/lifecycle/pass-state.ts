// How far the lifecycle of a bucket has come, as the text that is saved of it: a pass that a crash cuts off goes on where it
// was, and what a pass has looked at need not be looked at by the next one.

import { createHash } from "node:crypto";
import type { BucketRecord } from "../metadata/records.ts";

/** Behind the entry that has these, the last one of a page. */
export interface Cursor {
  readonly at: number;
  readonly sequence: number;
}

/** A pass under way. */
export interface PassRun {
  /** What it goes by, in milliseconds since 1970. */
  readonly at: number;
  /** Whether it looks at everything that is old enough. */
  readonly isFull: boolean;
  /** Which of KINDS it has come to, from 0 on; as many as there are: all of it is done. */
  readonly kindIndex: number;
  readonly cursor?: Cursor | undefined;
}

export interface PassState {
  /** Of the rules that all of this is about. */
  readonly signature: string;
  /** What the last whole pass went by; and the last one that looked at everything. */
  readonly doneAt?: number | undefined;
  readonly fullAt?: number | undefined;
  readonly run?: PassRun | undefined;
}

/** The name under which the state of a bucket is kept. */
export function jobOf({ id }: Pick<BucketRecord, "id">): string {
  return `lifecycle-${id}`;
}

/** Differs when what is to be done differs, whatever else of the bucket has changed. */
export function signatureOf(bucket: Pick<BucketRecord, "versioning">, document: string): string {
  const digest = createHash("sha256").update(document, "utf8").digest("base64url");
  return `${bucket.versioning} ${digest}`;
}

export function renderPassState(state: PassState): string {
  return JSON.stringify(state);
}

/** What was saved for the same rules; anything else begins anew. */
export function parsePassState(text: string | undefined, signature: string): PassState {
  const state = text === undefined ? undefined : (JSON.parse(text) as PassState);
  return state?.signature === signature ? state : { signature };
}
