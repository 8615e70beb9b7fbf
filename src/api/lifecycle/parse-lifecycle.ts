// A lifecycle configuration from XML: the form of it. Whether the rules go together is tried in check-lifecycle.ts.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html

import { randomUUID } from "node:crypto";
import { S3Error } from "../../core/s3-error.ts";
import { TRANSITION_CLASSES } from "../../core/storage-class.ts";
import type { Tag } from "../../core/tags.ts";
import type {
  Expiration,
  LifecycleFilter,
  LifecycleRule,
  NoncurrentExpiration,
  NoncurrentTransition,
  Transition,
} from "../../lifecycle/lifecycle-rule.ts";
import {
  findElement,
  findElementText,
  getElementText,
  listElements,
  parseXml,
  refuseOthers,
  type XmlElement,
} from "../xml/parse.ts";
import { checkLifecycleRules } from "./check-lifecycle.ts";

const RULE_ELEMENTS = [
  "AbortIncompleteMultipartUpload",
  "Expiration",
  "Filter",
  "ID",
  "NoncurrentVersionExpiration",
  "NoncurrentVersionTransition",
  "Prefix",
  "Status",
  "Transition",
];
const FILTER_ELEMENTS = ["ObjectSizeGreaterThan", "ObjectSizeLessThan", "Prefix", "Tag"];
const INTEGER = /^-?\d{1,10}$/;
const SIZE = /^\d{1,15}$/;
/** What XML Schema takes for a time, or a day alone. */
const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?)?$/;

/** @throws S3Error MalformedXML, InvalidArgument, InvalidRequest */
export function parseLifecycleConfiguration(xml: string): readonly LifecycleRule[] {
  const root = parseXml(xml, "LifecycleConfiguration");
  refuseOthers(root, ["Rule"]);
  const elements = listElements(root, "Rule");
  if (elements.length === 0) throw malformed();
  const rules = elements.map(readRule);
  checkLifecycleRules(rules);
  return rules;
}

function readRule(element: XmlElement): LifecycleRule {
  refuseOthers(element, RULE_ELEMENTS);
  const abort = findElement(element, "AbortIncompleteMultipartUpload");
  return {
    id: findElementText(element, "ID") || randomUUID(),
    isEnabled: readStatus(element),
    ...readFilter(element),
    expiration: readExpiration(findElement(element, "Expiration")),
    noncurrentExpiration: readNoncurrent(findElement(element, "NoncurrentVersionExpiration")),
    abortUploadDays: abort && getInteger(onlyWith(abort, "DaysAfterInitiation")),
    transitions: listElements(element, "Transition").map(readTransition),
    noncurrentTransitions: listElements(element, "NoncurrentVersionTransition").map(
      readNoncurrentTransition,
    ),
  };
}

function readStatus(rule: XmlElement): boolean {
  const status = getElementText(rule, "Status");
  if (status !== "Enabled" && status !== "Disabled") throw malformed();
  return status === "Enabled";
}

/** The old way is a prefix beside the actions; the new one a filter, with at most one test, or with several in `And`. */
function readFilter(rule: XmlElement): Pick<LifecycleRule, "filter" | "form"> {
  const prefix = findElementText(rule, "Prefix");
  const filter = findElement(rule, "Filter");
  if ((prefix === undefined) === (filter === undefined)) throw malformed();
  if (filter === undefined) return { form: "prefix", filter: { prefix, tags: [] } };
  refuseOthers(filter, ["And", ...FILTER_ELEMENTS]);
  const and = findElement(filter, "And");
  if (filter.children.length > 1) throw malformed();
  if (and === undefined) return { form: "filter", filter: readTests(filter) };
  if (and.children.length === 0) throw malformed();
  return { form: "and", filter: readTests(and) };
}

function readTests(element: XmlElement): LifecycleFilter {
  refuseOthers(element, FILTER_ELEMENTS);
  return {
    prefix: findElementText(element, "Prefix"),
    tags: listElements(element, "Tag").map(readTag),
    sizeGreaterThan: findSize(element, "ObjectSizeGreaterThan"),
    sizeLessThan: findSize(element, "ObjectSizeLessThan"),
  };
}

function readTag(element: XmlElement): Tag {
  refuseOthers(element, ["Key", "Value"]);
  return { key: getElementText(element, "Key"), value: getElementText(element, "Value") };
}

function findSize(parent: XmlElement, name: string): number | undefined {
  const text = findElementText(parent, name)?.trim();
  if (text === undefined) return undefined;
  if (!SIZE.test(text)) throw malformed();
  return Number(text);
}

function readExpiration(element: XmlElement | undefined): Expiration | undefined {
  if (element === undefined) return undefined;
  refuseOthers(element, ["Date", "Days", "ExpiredObjectDeleteMarker"]);
  if (element.children.length !== 1) throw malformed();
  const days = findInteger(element, "Days");
  if (days !== undefined) return { kind: "days", days };
  const date = findDate(element);
  if (date !== undefined) return { kind: "date", date };
  const marker = getElementText(element, "ExpiredObjectDeleteMarker").trim();
  if (marker !== "true" && marker !== "false") throw malformed();
  return { kind: "marker", isWanted: marker === "true" };
}

function readNoncurrent(element: XmlElement | undefined): NoncurrentExpiration | undefined {
  if (element === undefined) return undefined;
  refuseOthers(element, ["NewerNoncurrentVersions", "NoncurrentDays"]);
  const days = findInteger(element, "NoncurrentDays");
  if (days === undefined) throw malformed();
  return { days, newerVersions: findInteger(element, "NewerNoncurrentVersions") };
}

function readTransition(element: XmlElement): Transition {
  refuseOthers(element, ["Date", "Days", "StorageClass"]);
  const [days, date] = [findInteger(element, "Days"), findDate(element)];
  if (days !== undefined && date !== undefined) throw malformed();
  return { days, date, storageClass: readStorageClass(element) };
}

function readNoncurrentTransition(element: XmlElement): NoncurrentTransition {
  refuseOthers(element, ["NewerNoncurrentVersions", "NoncurrentDays", "StorageClass"]);
  return {
    days: findInteger(element, "NoncurrentDays"),
    newerVersions: findInteger(element, "NewerNoncurrentVersions"),
    storageClass: readStorageClass(element),
  };
}

function readStorageClass(element: XmlElement): string {
  const name = getElementText(element, "StorageClass");
  if (!TRANSITION_CLASSES.has(name)) throw malformed();
  return name;
}

function findDate(parent: XmlElement): number | undefined {
  const text = findElementText(parent, "Date")?.trim();
  if (text === undefined) return undefined;
  // Without a zone it is meant as UTC.
  const isZoned = !text.includes("T") || /(Z|[+-]\d\d:\d\d)$/.test(text);
  const time = DATE.test(text) ? Date.parse(isZoned ? text : `${text}Z`) : Number.NaN;
  if (Number.isNaN(time)) throw malformed();
  return time;
}

function onlyWith(parent: XmlElement, name: string): XmlElement {
  refuseOthers(parent, [name]);
  const child = findElement(parent, name);
  if (child === undefined) throw malformed();
  return child;
}

function findInteger(parent: XmlElement, name: string): number | undefined {
  const child = findElement(parent, name);
  return child && getInteger(child);
}

function getInteger(element: XmlElement): number {
  refuseOthers({ ...element, text: "" }, []);
  const text = element.text.trim();
  if (!INTEGER.test(text) || Number(text) > INTEGER_MAX) throw malformed();
  return Number(text);
}

const INTEGER_MAX = 2_147_483_647;

function malformed(): S3Error {
  return new S3Error("MalformedXML");
}
