// One statement of a policy: checked as AWS checks it at PUT, and made ready to be compared with requests.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html

import { actionsWithKey } from "./condition-keys.ts";
import { parseConditions, type Condition } from "./condition.ts";
import { malformedPolicy } from "./malformed-policy.ts";
import { parsePrincipals, type PrincipalSet } from "./principal.ts";
import { parseResource, type ResourcePattern } from "./resource.ts";
import { S3_ACTIONS, isS3Action, type S3Action } from "./s3-actions.ts";
import type { JsonObject, JsonValue } from "./strict-json.ts";
import { compileWildcard, wildcardParts } from "./wildcard.ts";

/** What an element lists, or what it lists the exceptions of: NotPrincipal, NotAction, NotResource. */
export interface Selection<T> {
  readonly items: T;
  readonly isInverted: boolean;
}

export interface Statement {
  readonly sid: string | undefined;
  readonly effect: "Allow" | "Deny";
  readonly principals: Selection<PrincipalSet>;
  /** Each tells whether an action, in lower case, is of it. */
  readonly actions: Selection<readonly ActionMatcher[]>;
  readonly resources: Selection<readonly ResourcePattern[]>;
  readonly conditions: readonly Condition[];
}

export type ActionMatcher = (action: string) => boolean;

export interface StatementSyntax {
  readonly bucketName: string;
  /** Whether `${...}` is a variable. */
  readonly hasVariables: boolean;
}

const FIELDS = new Set([
  "Action",
  "Condition",
  "Effect",
  "NotAction",
  "NotPrincipal",
  "NotResource",
  "Principal",
  "Resource",
  "Sid",
]);
const ALL_ACTIONS = Object.keys(S3_ACTIONS)
  .filter(isS3Action)
  .map((name) => ({ name, lowerName: name.toLowerCase() }));

/** @throws S3Error MalformedPolicy */
export function parseStatement(value: JsonValue, syntax: StatementSyntax): Statement {
  const object = objectOf(value);
  const unknown = [...object.keys()].find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw malformedPolicy(`Unknown field ${unknown}`);
  const effect = parseEffect(object);
  const principals = parsePrincipalElement(object, effect);
  const actions = selectionOf(object, "Action", (given) =>
    textsOf(given, "Policy has invalid action").map(parseAction),
  );
  const resources = selectionOf(object, "Resource", (given) =>
    textsOf(given, "Policy has invalid resource").map((text) => parseResource(text, syntax)),
  );
  const block = object.get("Condition");
  const conditions = block === undefined ? [] : parseConditions(block, syntax.hasVariables);
  const statement = { sid: parseSid(object), effect, principals, actions, resources, conditions };
  checkThatPartsFit(statement);
  return statement;
}

/** Whether the statement speaks of the action, given in lower case. */
export function matchesAction({ actions }: Statement, action: string): boolean {
  return actions.items.some((matches) => matches(action)) !== actions.isInverted;
}

function parseEffect(object: JsonObject): "Allow" | "Deny" {
  const effect = object.get("Effect");
  if (effect === undefined) throw malformedPolicy("Missing required field Effect");
  if (effect === "Allow" || effect === "Deny") return effect;
  throw malformedPolicy(`Invalid effect: ${typeof effect === "string" ? effect : ""}`);
}

function parseSid(object: JsonObject): string | undefined {
  const sid = object.get("Sid");
  if (sid === undefined || typeof sid === "string") return sid;
  throw malformedPolicy("Policy has an invalid Sid");
}

function parsePrincipalElement(object: JsonObject, effect: string): Selection<PrincipalSet> {
  const principals = selectionOf(object, "Principal", parsePrincipals);
  // It would open the bucket to everybody but a few, and those could come without a signature.
  if (principals.isInverted && effect === "Allow") {
    throw malformedPolicy("Allow with NotPrincipal is not allowed.");
  }
  return principals;
}

function selectionOf<T>(
  object: JsonObject,
  name: "Action" | "Principal" | "Resource",
  parse: (value: JsonValue) => T,
): Selection<T> {
  const given = object.get(name);
  const exceptions = object.get(`Not${name}`);
  if (given !== undefined && exceptions !== undefined) {
    throw malformedPolicy(`A statement has ${name} or Not${name}, not both`);
  }
  if (given !== undefined) return { items: parse(given), isInverted: false };
  if (exceptions !== undefined) return { items: parse(exceptions), isInverted: true };
  throw malformedPolicy(`Missing required field ${name}`);
}

/** Actions are the same in any case. @throws S3Error MalformedPolicy for what names no action of S3. */
function parseAction(text: string): ActionMatcher {
  const matches = compileWildcard(wildcardParts(text.toLowerCase()));
  if (!ALL_ACTIONS.some(({ lowerName }) => matches(lowerName))) {
    throw malformedPolicy("Policy has invalid action", text);
  }
  return matches;
}

/**
 * Each action that is listed must find a resource that it acts on, and with it a meaning for each condition's key; of a
 * pattern of actions, one must. @throws S3Error MalformedPolicy
 */
function checkThatPartsFit({ actions, resources, conditions }: Statement): void {
  const groups = actions.isInverted
    ? [namesOf((action) => !actions.items.some((matches) => matches(action)))]
    : actions.items.map(namesOf);
  // AWS complains of the conditions first, where neither they nor the resources go with the actions.
  for (const group of groups) checkKeys(group, conditions);
  for (const group of groups) {
    const acting = group.filter((name) => actsOn(name, resources));
    if (acting.length === 0) {
      throw malformedPolicy("Action does not apply to any resource(s) in statement");
    }
    checkKeys(acting, conditions);
  }
}

function namesOf(matches: ActionMatcher): S3Action[] {
  return ALL_ACTIONS.filter(({ lowerName }) => matches(lowerName)).map(({ name }) => name);
}

function actsOn(action: S3Action, resources: Selection<readonly ResourcePattern[]>): boolean {
  const target = S3_ACTIONS[action];
  if (target === "other") return false;
  return resources.isInverted || resources.items.some(({ targets }) => targets.has(target));
}

function checkKeys(actions: readonly S3Action[], conditions: readonly Condition[]): void {
  for (const { key } of conditions) {
    const having = actionsWithKey(key);
    if (having === "every" || actions.some((action) => having?.includes(action) === true)) continue;
    throw malformedPolicy(
      "Conditions do not apply to combination of actions and resources in statement",
    );
  }
}

function objectOf(value: JsonValue): JsonObject {
  if (value instanceof Map) return value as JsonObject;
  throw malformedPolicy("Could not parse the policy: Statement is not an object");
}

function textsOf(value: JsonValue, complaint: string): string[] {
  const items: readonly JsonValue[] = Array.isArray(value) ? value : [value];
  if (items.length === 0) throw malformedPolicy(complaint);
  return items.map((item) => {
    if (typeof item !== "string") throw malformedPolicy(complaint);
    return item;
  });
}
