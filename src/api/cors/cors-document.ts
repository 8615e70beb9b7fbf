// The CORS rules of a bucket: read from what a client puts, kept as a document of the bucket, shown as XML again.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html

import { S3Error } from "../../core/s3-error.ts";
import type { DocumentKind } from "../bucket-settings.ts";
import {
  findElementText,
  listElements,
  parseXml,
  refuseOthers,
  type XmlElement,
} from "../xml/parse.ts";
import type { XmlElements } from "../xml/render.ts";

export interface CorsRule {
  readonly id: string | undefined;
  /** Header names, each with at most one `*`. */
  readonly allowedHeaders: readonly string[];
  readonly allowedMethods: readonly string[];
  /** Each with at most one `*`. */
  readonly allowedOrigins: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds: number | undefined;
}

export const CORS_DOCUMENT: DocumentKind<readonly CorsRule[]> = {
  name: "cors",
  // What renderCorsDocument wrote: nobody else writes this document.
  parse: (text) => JSON.parse(text) as readonly CorsRule[],
};

export function renderCorsDocument(rules: readonly CorsRule[]): string {
  return JSON.stringify(rules);
}

const BODY_BYTES_MAX = 64 * 1024;
const RULES_MAX = 100;
const ID_LENGTH_MAX = 255;
const METHODS: ReadonlySet<string> = new Set(["DELETE", "GET", "HEAD", "POST", "PUT"]);
const SECONDS = /^\d{1,10}$/;
const SECONDS_MAX = 2_147_483_647;

/** @throws S3Error MalformedXML, InvalidRequest, MaxMessageLengthExceeded */
export function parseCorsConfiguration(xml: string): readonly CorsRule[] {
  if (Buffer.byteLength(xml) > BODY_BYTES_MAX) throw new S3Error("MaxMessageLengthExceeded");
  const root = parseXml(xml, "CORSConfiguration");
  refuseOthers(root, ["CORSRule"]);
  const rules = listElements(root, "CORSRule");
  if (rules.length === 0) throw new S3Error("MalformedXML");
  if (rules.length > RULES_MAX) {
    throw invalid(
      `The number of CORS rules should not exceed allowed limit of ${RULES_MAX} rules.`,
    );
  }
  return rules.map(readRule);
}

/** The content of a `CORSConfiguration` answer. */
export function renderCorsConfiguration(rules: readonly CorsRule[]): XmlElements {
  return {
    CORSRule: rules.map((rule) => ({
      ID: rule.id,
      AllowedMethod: rule.allowedMethods,
      AllowedOrigin: rule.allowedOrigins,
      AllowedHeader: rule.allowedHeaders,
      MaxAgeSeconds: rule.maxAgeSeconds,
      ExposeHeader: rule.exposeHeaders,
    })),
  };
}

function readRule(element: XmlElement): CorsRule {
  refuseOthers(element, [
    "AllowedHeader",
    "AllowedMethod",
    "AllowedOrigin",
    "ExposeHeader",
    "ID",
    "MaxAgeSeconds",
  ]);
  const rule: CorsRule = {
    id: readId(element),
    allowedHeaders: readTexts(element, "AllowedHeader"),
    allowedMethods: readTexts(element, "AllowedMethod"),
    allowedOrigins: readTexts(element, "AllowedOrigin"),
    exposeHeaders: readTexts(element, "ExposeHeader"),
    maxAgeSeconds: readMaxAge(element),
  };
  checkRule(rule);
  return rule;
}

function checkRule(rule: CorsRule): void {
  const { allowedHeaders, allowedMethods, allowedOrigins, exposeHeaders } = rule;
  if (allowedMethods.length === 0 || allowedOrigins.length === 0) throw new S3Error("MalformedXML");
  const unknown = allowedMethods.find((method) => !METHODS.has(method));
  if (unknown !== undefined) {
    throw invalid(`Found unsupported HTTP method in CORS config. Unsupported method is ${unknown}`);
  }
  refuseManyWildcards("AllowedOrigin", allowedOrigins);
  refuseManyWildcards("AllowedHeader", allowedHeaders);
  const wild = exposeHeaders.find((header) => header.includes("*"));
  if (wild !== undefined) {
    throw invalid(
      `ExposeHeader "${wild}" contains wildcard. We currently do not support wildcard for ExposeHeader.`,
    );
  }
}

function refuseManyWildcards(name: string, patterns: readonly string[]): void {
  const bad = patterns.find((pattern) => pattern.indexOf("*") !== pattern.lastIndexOf("*"));
  if (bad !== undefined) throw invalid(`${name} "${bad}" can not have more than one wildcard.`);
}

function readTexts(rule: XmlElement, name: string): readonly string[] {
  return listElements(rule, name).map((element) => {
    refuseOthers({ ...element, text: "" }, []);
    const text = element.text.trim();
    if (text === "") throw new S3Error("MalformedXML");
    return text;
  });
}

function readId(rule: XmlElement): string | undefined {
  const id = findElementText(rule, "ID");
  if (id !== undefined && id.length > ID_LENGTH_MAX) {
    throw invalid(`The CORS rule ID should not be more than ${ID_LENGTH_MAX} characters.`);
  }
  return id;
}

function readMaxAge(rule: XmlElement): number | undefined {
  const text = findElementText(rule, "MaxAgeSeconds")?.trim();
  if (text === undefined) return undefined;
  if (!SECONDS.test(text) || Number(text) > SECONDS_MAX) throw new S3Error("MalformedXML");
  return Number(text);
}

function invalid(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}
