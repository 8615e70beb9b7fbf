// A bucket's policy: who may, or may not, do what with the bucket and its objects.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html

import { POLICY_BYTES_MAX } from "../core/limits.ts";
import { malformedPolicy } from "./malformed-policy.ts";
import { parseStatement, type Statement } from "./statement.ts";
import { parseStrictJson, type JsonObject, type JsonValue } from "./strict-json.ts";

export interface BucketPolicy {
  readonly statements: readonly Statement[];
}

const FIELDS = new Set(["Id", "Statement", "Version"]);
/** The first is what a policy without a version speaks; the second has variables. */
const VERSION_DEFAULT = "2008-10-17";
const VERSIONS: ReadonlySet<unknown> = new Set([VERSION_DEFAULT, "2012-10-17"]);

/** @throws S3Error MalformedPolicy, with the words of AWS. */
export function parsePolicy(
  text: string,
  { bucketName }: { readonly bucketName: string },
): BucketPolicy {
  if (Buffer.byteLength(text, "utf8") > POLICY_BYTES_MAX) {
    throw malformedPolicy("Policy exceeds the maximum allowed document size.");
  }
  const document = parseDocument(text);
  const unknown = [...document.keys()].find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw malformedPolicy(`Unknown field ${unknown}`);
  const version = document.has("Version") ? document.get("Version") : VERSION_DEFAULT;
  if (!VERSIONS.has(version)) {
    throw malformedPolicy("The policy must contain a valid version string");
  }
  if (document.has("Id") && typeof document.get("Id") !== "string") {
    throw malformedPolicy("Policy has an invalid Id");
  }
  const syntax = { bucketName, hasVariables: version === "2012-10-17" };
  const statements = statementsOf(document).map((value) => parseStatement(value, syntax));
  checkSids(statements);
  return { statements };
}

function parseDocument(text: string): JsonObject {
  if (!text.startsWith("{")) {
    throw malformedPolicy("Policies must be valid JSON and the first byte must be '{'");
  }
  try {
    return parseStrictJson(text) as JsonObject;
  } catch {
    throw malformedPolicy("This policy contains invalid Json");
  }
}

/** One statement needs no list. */
function statementsOf(document: JsonObject): readonly JsonValue[] {
  const given = document.get("Statement");
  if (given === undefined) throw malformedPolicy("Missing required field Statement");
  const statements: readonly JsonValue[] = Array.isArray(given) ? given : [given];
  if (statements.length === 0) {
    throw malformedPolicy("Could not parse the policy: Statement is empty!");
  }
  return statements;
}

function checkSids(statements: readonly Statement[]): void {
  const sids = statements.flatMap(({ sid }) => (sid === undefined || sid === "" ? [] : [sid]));
  if (new Set(sids).size < sids.length) {
    throw malformedPolicy("Statement IDs (SID) in a single policy must be unique.");
  }
}
