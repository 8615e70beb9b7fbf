// The public access block: four switches that keep lists and policies from opening a bucket to everybody.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html

import { S3Error } from "../../core/s3-error.ts";
import type { DocumentKind } from "../bucket-settings.ts";
import { findElementText, parseXml, refuseOthers } from "../xml/parse.ts";
import type { XmlElements } from "../xml/render.ts";

/** Spelled and ordered as in AWS's documents. */
const SWITCHES = [
  "BlockPublicAcls",
  "IgnorePublicAcls",
  "BlockPublicPolicy",
  "RestrictPublicBuckets",
] as const;

export type PublicAccessBlock = Readonly<Record<(typeof SWITCHES)[number], boolean>>;

export const ALL_BLOCKED: PublicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

/** Stored as JSON of the four. */
export const PUBLIC_ACCESS_BLOCK: DocumentKind<PublicAccessBlock> = {
  name: "publicAccessBlock",
  parse(text) {
    const value: unknown = JSON.parse(text);
    const fields = new Map(Object.entries(value ?? {}));
    const isOn = (name: (typeof SWITCHES)[number]) => fields.get(name) === true;
    return {
      BlockPublicAcls: isOn("BlockPublicAcls"),
      IgnorePublicAcls: isOn("IgnorePublicAcls"),
      BlockPublicPolicy: isOn("BlockPublicPolicy"),
      RestrictPublicBuckets: isOn("RestrictPublicBuckets"),
    };
  },
};

export function writePublicAccessBlock(block: PublicAccessBlock): string {
  return JSON.stringify(block);
}

/** A switch that is not named is off. @throws S3Error MalformedXML */
export function parsePublicAccessBlock(xml: string): PublicAccessBlock {
  const root = parseXml(xml, "PublicAccessBlockConfiguration");
  refuseOthers(root, SWITCHES);
  const isOn = (name: (typeof SWITCHES)[number]) => {
    const text = findElementText(root, name)?.trim().toLowerCase() ?? "false";
    if (text !== "true" && text !== "false") throw new S3Error("MalformedXML");
    return text === "true";
  };
  return {
    BlockPublicAcls: isOn("BlockPublicAcls"),
    IgnorePublicAcls: isOn("IgnorePublicAcls"),
    BlockPublicPolicy: isOn("BlockPublicPolicy"),
    RestrictPublicBuckets: isOn("RestrictPublicBuckets"),
  };
}

export function renderPublicAccessBlock(block: PublicAccessBlock): XmlElements {
  return Object.fromEntries(SWITCHES.map((name) => [name, block[name]]));
}
