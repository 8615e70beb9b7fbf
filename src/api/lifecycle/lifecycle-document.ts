// The lifecycle rules of a bucket as other files of the S3 face find them, and as XML. Reading XML is in parse-lifecycle.ts.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html

import type { Tag } from "../../core/tags.ts";
import {
  LIFECYCLE_DOCUMENT_NAME,
  parseLifecycleDocument,
  type Expiration,
  type LifecycleConfiguration,
  type LifecycleFilter,
  type LifecycleRule,
} from "../../lifecycle/lifecycle-rule.ts";
import type { DocumentKind } from "../bucket-settings.ts";
import { xmlDate, type XmlElements } from "../xml/render.ts";

export const LIFECYCLE_DOCUMENT: DocumentKind<LifecycleConfiguration> = {
  name: LIFECYCLE_DOCUMENT_NAME,
  parse: parseLifecycleDocument,
};

export const MINIMUM_SIZE_HEADER = "x-amz-transition-default-minimum-object-size";

/** The content of a `LifecycleConfiguration` answer. */
export function renderLifecycleConfiguration(rules: readonly LifecycleRule[]): XmlElements {
  return { Rule: rules.map(ruleElements) };
}

function ruleElements(rule: LifecycleRule): XmlElements {
  const { expiration, noncurrentExpiration: noncurrent, abortUploadDays } = rule;
  return {
    ID: rule.id,
    ...(rule.form === "prefix"
      ? { Prefix: rule.filter.prefix ?? "" }
      : { Filter: filterElements(rule.form, rule.filter) }),
    Status: rule.isEnabled ? "Enabled" : "Disabled",
    Transition: rule.transitions.map(({ days, date, storageClass }) => ({
      Days: days,
      Date: date === undefined ? undefined : xmlDate(date),
      StorageClass: storageClass,
    })),
    Expiration: expiration && expirationElements(expiration),
    NoncurrentVersionTransition: rule.noncurrentTransitions.map((transition) => ({
      NoncurrentDays: transition.days,
      StorageClass: transition.storageClass,
      NewerNoncurrentVersions: transition.newerVersions,
    })),
    NoncurrentVersionExpiration: noncurrent && {
      NoncurrentDays: noncurrent.days,
      NewerNoncurrentVersions: noncurrent.newerVersions,
    },
    AbortIncompleteMultipartUpload:
      abortUploadDays === undefined ? undefined : { DaysAfterInitiation: abortUploadDays },
  };
}

function filterElements(form: "and" | "filter", filter: LifecycleFilter): XmlElements {
  const elements = {
    Prefix: filter.prefix,
    Tag: filter.tags.map(tagElements),
    ObjectSizeGreaterThan: filter.sizeGreaterThan,
    ObjectSizeLessThan: filter.sizeLessThan,
  };
  return form === "and" ? { And: elements } : elements;
}

function tagElements({ key, value }: Tag): XmlElements {
  return { Key: key, Value: value };
}

function expirationElements(expiration: Expiration): XmlElements {
  if (expiration.kind === "days") return { Days: expiration.days };
  if (expiration.kind === "date") return { Date: xmlDate(expiration.date) };
  return { ExpiredObjectDeleteMarker: expiration.isWanted };
}
