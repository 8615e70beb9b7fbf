// Tags of objects and buckets: the rules that they keep, and their two spellings, XML and the `x-amz-tagging` header.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html

import {
  BUCKET_TAGS_MAX,
  OBJECT_TAGS_MAX,
  TAG_KEY_LENGTH_MAX,
  TAG_VALUE_LENGTH_MAX,
} from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import type { Tag } from "../core/tags.ts";
import { invalidArgument } from "./params.ts";
import {
  findElement,
  getElement,
  getElementText,
  listElements,
  parseXml,
  refuseOthers,
} from "./xml/parse.ts";
import type { XmlElement } from "./xml/parse.ts";
import type { XmlElements } from "./xml/render.ts";

export type TagOwner = "bucket" | "object";

const COUNT_MAX: Readonly<Record<TagOwner, number>> = {
  bucket: BUCKET_TAGS_MAX,
  object: OBJECT_TAGS_MAX,
};
// The letters, spaces and digits of any script, and the marks that AWS lists.
const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** @throws S3Error MalformedXML, InvalidTag */
export function parseTagging(xml: string, owner: TagOwner): readonly Tag[] {
  const root = parseXml(xml, "Tagging");
  refuseOthers(root, ["TagSet"]);
  return checkTags(readTags(getElement(root, "TagSet")), owner);
}

/**
 * The tags of a new bucket, in the element of that name; undefined without one.
 * @throws S3Error MalformedXML, InvalidTag
 */
export function readTagSet(parent: XmlElement, name: string): readonly Tag[] | undefined {
  const set = findElement(parent, name);
  return set === undefined ? undefined : checkTags(readTags(set), "bucket");
}

function readTags(set: XmlElement): readonly Tag[] {
  refuseOthers(set, ["Tag"]);
  return listElements(set, "Tag").map((tag) => {
    refuseOthers(tag, ["Key", "Value"]);
    return { key: getElementText(tag, "Key"), value: getElementText(tag, "Value") };
  });
}

/** The content of a `Tagging` answer. */
export function renderTagging(tags: readonly Tag[]): XmlElements {
  return { TagSet: { Tag: tags.map(({ key, value }) => ({ Key: key, Value: value })) } };
}

/** The tags of an `x-amz-tagging` header; none without one. @throws S3Error InvalidArgument, InvalidTag */
export function readTaggingHeader(headers: ReadonlyMap<string, string>): readonly Tag[] {
  const text = headers.get("x-amz-tagging");
  if (text === undefined || text === "") return [];
  const tags = text.split("&").map((pair) => {
    const [key = "", ...rest] = pair.split("=");
    return { key: decodeTag(key, text), value: decodeTag(rest.join("="), text) };
  });
  return checkTags(tags, "object");
}

/** @throws S3Error InvalidTag for too many tags, a key twice, and keys and values that break the rules. */
export function checkTags(tags: readonly Tag[], owner: TagOwner): readonly Tag[] {
  if (tags.length > COUNT_MAX[owner]) {
    const what = owner === "object" ? "Object" : "Bucket";
    throw invalidTag(`${what} tags cannot be greater than ${COUNT_MAX[owner]}`);
  }
  const seen = new Set<string>();
  for (const { key, value } of tags) {
    if (seen.has(key)) {
      throw new S3Error("InvalidTag", {
        message: "Cannot provide multiple Tags with the same key",
        detail: { TagKey: key },
      });
    }
    seen.add(key);
    checkTag(key, value);
  }
  return tags;
}

function checkTag(key: string, value: string): void {
  if (key === "" || key.length > TAG_KEY_LENGTH_MAX || !TAG_TEXT.test(key)) {
    throw invalidTag("The TagKey you have provided is invalid", { TagKey: key });
  }
  if (key.toLowerCase().startsWith("aws:")) {
    throw invalidTag("System tags cannot be added/updated by requester", { TagKey: key });
  }
  if (value.length > TAG_VALUE_LENGTH_MAX || !TAG_TEXT.test(value)) {
    throw invalidTag("The TagValue you have provided is invalid", { TagValue: value });
  }
}

function invalidTag(message: string, detail: Readonly<Record<string, string>> = {}): S3Error {
  return new S3Error("InvalidTag", { message, detail });
}

function decodeTag(text: string, header: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw invalidArgument(
      "x-amz-tagging",
      header,
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    );
  }
}
