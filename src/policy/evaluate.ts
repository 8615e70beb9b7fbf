// What a policy says of one request. A denial that applies outweighs every permission; without either the policy is silent.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

import type { BucketPolicy } from "./bucket-policy.ts";
import { matchesPrincipal, type PolicyPrincipal } from "./principal.ts";
import type { ResourcePattern } from "./resource.ts";
import { matchesAction, type Statement } from "./statement.ts";
import type { ConditionLookup } from "./template.ts";

export type PolicyDecision = "allow" | "deny" | "none";

export interface PolicyRequest {
  readonly principal: PolicyPrincipal;
  /** As AWS spells it: `s3:GetObject`. */
  readonly action: string;
  /** `arn:aws:s3:::BUCKET` or `arn:aws:s3:::BUCKET/KEY`; the key decoded, exactly as it is stored. */
  readonly resource: string;
  /** What the request has for condition keys; asked only for keys that a statement which else applies reads. */
  readonly condition: ConditionLookup;
}

/** The statements that speak of one action. */
interface ActionRules {
  readonly denials: readonly Statement[];
  readonly permissions: readonly Statement[];
  readonly keys: ReadonlySet<string>;
}

/** By policy and action, made when first asked for. The actions are those of the operations: a closed list. */
const RULES = new WeakMap<BucketPolicy, Map<string, ActionRules>>();

export function evaluate(policy: BucketPolicy, request: PolicyRequest): PolicyDecision {
  const { denials, permissions } = rulesFor(policy, request.action);
  for (const statement of denials) if (applies(statement, request)) return "deny";
  for (const statement of permissions) if (applies(statement, request)) return "allow";
  return "none";
}

/** The condition keys, in lower case, that the decision about an action may ask for. */
export function keysAskedFor(policy: BucketPolicy, action: string): ReadonlySet<string> {
  return rulesFor(policy, action).keys;
}

/** Every request comes through here, so it makes no closures. */
function applies(
  { principals, resources, conditions }: Statement,
  request: PolicyRequest,
): boolean {
  if (matchesPrincipal(principals.items, request.principal) === principals.isInverted) return false;
  if (isNamed(resources.items, request) === resources.isInverted) return false;
  for (const condition of conditions) if (!condition.holds(request.condition)) return false;
  return true;
}

function isNamed(patterns: readonly ResourcePattern[], request: PolicyRequest): boolean {
  for (const pattern of patterns) {
    if (pattern.matches(request.resource, request.condition)) return true;
  }
  return false;
}

function rulesFor(policy: BucketPolicy, action: string): ActionRules {
  let byAction = RULES.get(policy);
  if (byAction === undefined) {
    byAction = new Map();
    RULES.set(policy, byAction);
  }
  let rules = byAction.get(action);
  if (rules === undefined) {
    rules = makeRules(policy, action);
    byAction.set(action, rules);
  }
  return rules;
}

function makeRules({ statements }: BucketPolicy, action: string): ActionRules {
  const speaking = statements.filter((statement) => matchesAction(statement, action.toLowerCase()));
  const keys = speaking.flatMap(({ conditions, resources }) => [
    ...conditions.flatMap((condition) => condition.keys),
    ...resources.items.flatMap(({ variables }) => variables),
  ]);
  return {
    denials: speaking.filter(({ effect }) => effect === "Deny"),
    permissions: speaking.filter(({ effect }) => effect === "Allow"),
    keys: new Set(keys),
  };
}
