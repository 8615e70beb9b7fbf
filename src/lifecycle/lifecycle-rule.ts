// The lifecycle of a bucket: its rules, as they are kept among the bucket's documents. What is due by them is in due.ts.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html

import type { Tag } from "../core/tags.ts";

export interface LifecycleConfiguration {
  readonly rules: readonly LifecycleRule[];
  /** `x-amz-transition-default-minimum-object-size`: kept and shown; nothing moves to another storage class yet. */
  readonly minimumSize: TransitionMinimumSize;
}

export const TRANSITION_MINIMUM_SIZES = [
  "all_storage_classes_128K",
  "varies_by_storage_class",
] as const;
export type TransitionMinimumSize = (typeof TRANSITION_MINIMUM_SIZES)[number];

export interface LifecycleRule {
  /** Unique in its bucket. */
  readonly id: string;
  readonly isEnabled: boolean;
  /** How the client spelled the filter, so that it reads back as it was: `prefix` is the old way, beside the actions. */
  readonly form: "and" | "filter" | "prefix";
  readonly filter: LifecycleFilter;
  readonly expiration?: Expiration | undefined;
  readonly noncurrentExpiration?: NoncurrentExpiration | undefined;
  /** Uploads in progress are aborted when they are so many days old. */
  readonly abortUploadDays?: number | undefined;
  readonly transitions: readonly Transition[];
  readonly noncurrentTransitions: readonly NoncurrentTransition[];
}

/** All that are given must hold. */
export interface LifecycleFilter {
  readonly prefix?: string | undefined;
  readonly tags: readonly Tag[];
  /** In bytes, exclusive. */
  readonly sizeGreaterThan?: number | undefined;
  readonly sizeLessThan?: number | undefined;
}

/** Of the latest version. */
export type Expiration =
  | { readonly kind: "date"; readonly date: number }
  | { readonly kind: "days"; readonly days: number }
  /** Delete markers that are all that is left of their key. */
  | { readonly kind: "marker"; readonly isWanted: boolean };

export interface NoncurrentExpiration {
  /** Since it was followed by another version. */
  readonly days: number;
  /** So many of the newest that are no longer the latest are kept. */
  readonly newerVersions?: number | undefined;
}

export interface Transition {
  readonly storageClass: string;
  /** Days or a date (milliseconds since 1970); neither: at once. */
  readonly days?: number | undefined;
  readonly date?: number | undefined;
}

export interface NoncurrentTransition {
  readonly storageClass: string;
  readonly days?: number | undefined;
  readonly newerVersions?: number | undefined;
}

/** Its name among the documents of a bucket. */
export const LIFECYCLE_DOCUMENT_NAME = "lifecycle";

export function renderLifecycleDocument(configuration: LifecycleConfiguration): string {
  return JSON.stringify(configuration);
}

/** What `renderLifecycleDocument` wrote: nobody else writes this document. */
export function parseLifecycleDocument(text: string): LifecycleConfiguration {
  return JSON.parse(text) as LifecycleConfiguration;
}
