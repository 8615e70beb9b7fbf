// Patterns of ARNs: each of the six parts between colons is compared for itself, so that no wildcard reaches over a colon;
// only the last part, the resource, may hold more of them.

import { malformedPolicy } from "./malformed-policy.ts";
import { templateMatcher, type Template, type TemplatePart, type TextMatcher } from "./template.ts";

const PART_COUNT = 6;

/** @throws S3Error MalformedPolicy for what has not six parts, and is neither `*` nor a variable that brings them all. */
export function arnMatcher(pattern: Template): TextMatcher {
  const [only, ...others] = pattern;
  if (only?.kind === "many" && others.length === 0) return (text) => splitArn(text) !== undefined;
  if (only?.kind === "variable" && others.length === 0) return templateMatcher(pattern);
  const matchers = splitTemplate(pattern).map(templateMatcher);
  if (matchers.length !== PART_COUNT) throw malformedPolicy("Invalid ARN value in Conditions");
  return (text, lookup) => {
    const parts = splitArn(text);
    if (parts === undefined) return false;
    return matchers.every((matches, index) => matches(parts[index] ?? "", lookup));
  };
}

function splitArn(text: string): string[] | undefined {
  const parts = text.split(":");
  if (parts.length < PART_COUNT || parts[0] !== "arn") return undefined;
  return [...parts.slice(0, PART_COUNT - 1), parts.slice(PART_COUNT - 1).join(":")];
}

/** Only colons that the policy itself has part an ARN, not those within a variable or what it brings. */
function splitTemplate(template: Template): TemplatePart[][] {
  const groups: TemplatePart[][] = [[]];
  for (const part of template) {
    const pieces = part.kind === "text" ? splitText(part.text, PART_COUNT - groups.length) : [part];
    pieces.forEach((piece, index) => {
      if (index > 0) groups.push([]);
      if (typeof piece !== "string") groups.at(-1)?.push(piece);
      else if (piece !== "") groups.at(-1)?.push({ kind: "text", text: piece });
    });
  }
  return groups;
}

/** At no more colons than that. */
function splitText(text: string, colonsMax: number): string[] {
  const pieces = text.split(":");
  if (pieces.length <= colonsMax) return pieces;
  return [...pieces.slice(0, colonsMax), pieces.slice(colonsMax).join(":")];
}
