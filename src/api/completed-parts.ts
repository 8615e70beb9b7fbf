// The body of CompleteMultipartUpload: which parts, in which order, make the object.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompletedMultipartUpload.html

import { CHECKSUM_ALGORITHMS, checksumElement } from "../core/checksum.ts";
import { PART_NUMBER_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import type { CompletedPart } from "../store/object-store.ts";
import { parseEtag } from "./headers.ts";
import { invalidArgument } from "./params.ts";
import {
  findElementText,
  getElementText,
  listElements,
  parseXml,
  refuseOthers,
} from "./xml/parse.ts";
import type { XmlElement } from "./xml/parse.ts";

const PART_ELEMENTS = ["PartNumber", "ETag", ...CHECKSUM_ALGORITHMS.map(checksumElement)];

/** @throws S3Error MalformedXML, also for no part and for too many; InvalidArgument for an impossible number */
export function parseCompletedParts(xml: string): readonly CompletedPart[] {
  // No body at all names no part either, and S3 says the same of both.
  if (xml === "") throw new S3Error("MalformedXML");
  const root = parseXml(xml, "CompleteMultipartUpload");
  refuseOthers(root, ["Part"]);
  const parts = listElements(root, "Part");
  if (parts.length === 0 || parts.length > PART_NUMBER_MAX) throw new S3Error("MalformedXML");
  return parts.map(parsePart);
}

function parsePart(element: XmlElement): CompletedPart {
  refuseOthers(element, PART_ELEMENTS);
  return {
    number: parseNumber(getElementText(element, "PartNumber").trim()),
    etag: parseEtag(getElementText(element, "ETag")),
    checksum: findChecksum(element),
  };
}

function parseNumber(text: string): number {
  if (!/^[+-]?\d{1,9}$/.test(text)) throw new S3Error("MalformedXML");
  const number = Number(text);
  if (number >= 1 && number <= PART_NUMBER_MAX) return number;
  throw invalidArgument("partNumber", text, `PartNumber must be between 1 and ${PART_NUMBER_MAX}`);
}

/** An element without text says nothing: some SDKs send it for a checksum that they do not have. */
function findChecksum(element: XmlElement): CompletedPart["checksum"] {
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = findElementText(element, checksumElement(algorithm));
    if (value !== undefined && value !== "") return { algorithm, value };
  }
  return undefined;
}
