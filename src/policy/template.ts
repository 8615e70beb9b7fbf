// The texts of a policy: characters, wildcards, and variables that each request fills in. What a variable brings is taken
// as it is: a `*` in a user's name is no wildcard.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html

import { actionsWithKey } from "./condition-keys.ts";
import { malformedPolicy } from "./malformed-policy.ts";
import { compileWildcard, wildcardParts, type PatternPart } from "./wildcard.ts";

/** The values that a request has for a condition key (in lower case); undefined without the key. */
export type ConditionLookup = (key: string) => readonly string[] | undefined;

/** Whether a text of the request is what the policy says, for this request. */
export type TextMatcher = (text: string, lookup: ConditionLookup) => boolean;

export interface Variable {
  readonly kind: "variable";
  /** In lower case. */
  readonly key: string;
  readonly fallback: string | undefined;
}

export type TemplatePart = PatternPart | Variable;
export type Template = readonly TemplatePart[];

export interface TemplateSyntax {
  /** False in the language of 2008, where `${` is nothing special. */
  readonly hasVariables: boolean;
  readonly hasWildcards: boolean;
}

/** Characters that a policy writes as variables, as it has no other way to mean them literally. */
const ESCAPES = new Set(["*", "?", "$"]);
/** No key and no ARN is as long; what is matched in time that grows with it must not be. */
const PATTERN_LENGTH_MAX = 2_048;

/** @throws S3Error MalformedPolicy */
export function parseTemplate(text: string, syntax: TemplateSyntax): Template {
  const parts: TemplatePart[] = [];
  let at = 0;
  while (syntax.hasVariables) {
    const start = text.indexOf("${", at);
    if (start === -1) break;
    const end = text.indexOf("}", start);
    if (end === -1) throw malformedPolicy("Policy has an invalid variable", text);
    parts.push(
      ...plainParts(text.slice(at, start), syntax),
      parseVariable(text.slice(start + 2, end)),
    );
    at = end + 1;
  }
  parts.push(...plainParts(text.slice(at), syntax));
  if (text.length > PATTERN_LENGTH_MAX && parts.some(({ kind }) => kind !== "text")) {
    throw malformedPolicy("Policy has a pattern that is too long");
  }
  return parts;
}

/** The keys of its variables. */
export function variablesOf(template: Template): string[] {
  return template.flatMap((part) => (part.kind === "variable" ? [part.key] : []));
}

/** What the template is for one request; undefined where a variable has no value, as nothing equals such a text. */
export function resolveTemplate(
  template: Template,
  lookup: ConditionLookup,
): PatternPart[] | undefined {
  const parts: PatternPart[] = [];
  for (const part of template) {
    const text = part.kind === "variable" ? valueOf(part, lookup) : undefined;
    if (part.kind !== "variable") parts.push(part);
    else if (text === undefined) return undefined;
    else parts.push({ kind: "text", text });
  }
  return parts;
}

export function templateMatcher(template: Template): TextMatcher {
  const parts = template.filter((part) => part.kind !== "variable");
  if (parts.length === template.length) return compileWildcard(parts);
  const [first] = template;
  // Most texts differ from the pattern before its first variable, which then need not be looked up.
  const start = first?.kind === "text" ? first.text : "";
  return (text, lookup) => {
    const resolved = text.startsWith(start) ? resolveTemplate(template, lookup) : undefined;
    return resolved !== undefined && compileWildcard(resolved)(text);
  };
}

/** A key with several values has none that could stand in a text. */
function valueOf(variable: Variable, lookup: ConditionLookup): string | undefined {
  const values = lookup(variable.key);
  return values?.length === 1 ? values[0] : variable.fallback;
}

function plainParts(text: string, syntax: TemplateSyntax): PatternPart[] {
  if (syntax.hasWildcards) return wildcardParts(text);
  return text === "" ? [] : [{ kind: "text", text }];
}

/**
 * `*`, `aws:username`, or `aws:username, 'nobody'`. A key that nobody knows never has a value: a denial that waits for one
 * would never come.
 */
function parseVariable(inner: string): TemplatePart {
  if (ESCAPES.has(inner)) return { kind: "text", text: inner };
  const comma = inner.indexOf(",");
  const key = (comma === -1 ? inner : inner.slice(0, comma)).trim().toLowerCase();
  const quoted = comma === -1 ? undefined : inner.slice(comma + 1).trim();
  const isQuoted = quoted === undefined || /^'[^']*'$/.test(quoted);
  if (actionsWithKey(key) === undefined || !isQuoted) {
    throw malformedPolicy("Policy has an invalid variable", inner);
  }
  return { kind: "variable", key, fallback: quoted?.slice(1, -1) };
}
