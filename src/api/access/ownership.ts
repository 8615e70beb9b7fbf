// Object ownership: whose objects are that others write into a bucket, and whether access control lists are in force.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html

import { S3Error } from "../../core/s3-error.ts";
import type { BucketView } from "../../store/bucket-view.ts";
import type { BucketSettings, DocumentKind } from "../bucket-settings.ts";
import { invalidArgument } from "../params.ts";
import { getElementText, listElements, parseXml, refuseOthers } from "../xml/parse.ts";
import type { XmlElements } from "../xml/render.ts";

export type Ownership = "BucketOwnerEnforced" | "BucketOwnerPreferred" | "ObjectWriter";

const OWNERSHIPS: ReadonlySet<string> = new Set<Ownership>([
  "BucketOwnerEnforced",
  "BucketOwnerPreferred",
  "ObjectWriter",
]);

/** Stored as the one word. */
export const OWNERSHIP: DocumentKind<Ownership> = {
  name: "ownership",
  parse(text) {
    if (isOwnership(text)) return text;
    throw new Error("the stored ownership controls cannot be read");
  },
};

/** What holds; a bucket without controls is as all were before there were any. */
export async function ownershipOf(
  settings: BucketSettings,
  bucket: BucketView,
): Promise<Ownership> {
  return (await settings.find(bucket, OWNERSHIP)) ?? "ObjectWriter";
}

/** `x-amz-object-ownership` of a new bucket. @throws S3Error InvalidArgument */
export function readOwnershipHeader(headers: ReadonlyMap<string, string>): Ownership | undefined {
  const name = "x-amz-object-ownership";
  const text = headers.get(name);
  if (text === undefined || isOwnership(text)) return text;
  throw invalidArgument(name, text, "Invalid x-amz-object-ownership header");
}

/** @throws S3Error MalformedXML */
export function parseOwnershipControls(xml: string): Ownership {
  const root = parseXml(xml, "OwnershipControls");
  refuseOthers(root, ["Rule"]);
  const [rule, second] = listElements(root, "Rule");
  if (rule === undefined || second !== undefined) throw new S3Error("MalformedXML");
  refuseOthers(rule, ["ObjectOwnership"]);
  const text = getElementText(rule, "ObjectOwnership");
  if (!isOwnership(text)) throw new S3Error("MalformedXML");
  return text;
}

export function renderOwnershipControls(ownership: Ownership): XmlElements {
  return { Rule: { ObjectOwnership: ownership } };
}

function isOwnership(text: string): text is Ownership {
  return OWNERSHIPS.has(text);
}
