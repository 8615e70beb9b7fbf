// One line of a statement's Condition: an operator, a key and the values to compare with. All lines of a statement must
// hold. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html

import { actionsWithKey } from "./condition-keys.ts";
import { findOperator, type Operand, type Operator } from "./condition-operators.ts";
import { malformedPolicy } from "./malformed-policy.ts";
import type { JsonValue } from "./strict-json.ts";
import type { ConditionLookup } from "./template.ts";

/** How an operator takes the values of a request: each on its own, all of them, or any. */
export type Qualifier = "all" | "any" | "none";

export interface Condition {
  /** In lower case. */
  readonly key: string;
  /** In lower case, without qualifier, "not" and "IfExists"; `null` for Null. */
  readonly operator: string;
  readonly qualifier: Qualifier;
  readonly isNegated: boolean;
  readonly isIfExists: boolean;
  /** The values as the policy has them. */
  readonly values: readonly string[];
  /** The keys, in lower case, that it reads: its own and those of variables. */
  readonly keys: readonly string[];
  readonly holds: (lookup: ConditionLookup) => boolean;
}

interface OperatorUse {
  readonly operator: Operator | undefined;
  readonly qualifier: Qualifier;
  readonly isIfExists: boolean;
}

const QUALIFIERS: readonly (readonly [string, Qualifier])[] = [
  ["forallvalues:", "all"],
  ["foranyvalue:", "any"],
];
const IF_EXISTS = "ifexists";

/** @throws S3Error MalformedPolicy */
export function parseConditions(block: JsonValue, hasVariables: boolean): Condition[] {
  const conditions: Condition[] = [];
  if (block instanceof Map && block.size === 0) return conditions;
  for (const [name, lines] of objectOf(block)) {
    const use = parseOperator(name);
    for (const [givenKey, given] of objectOf(lines)) {
      const key = givenKey.toLowerCase();
      if (actionsWithKey(key) === undefined) {
        throw malformedPolicy("Policy has an invalid condition key", givenKey);
      }
      const values = textsOf(given);
      conditions.push(
        use.operator === undefined
          ? nullCondition(key, values)
          : comparison(key, values, { ...use, operator: use.operator, hasVariables }),
      );
    }
  }
  return conditions;
}

/** `operator` is undefined for Null, which takes neither a qualifier nor IfExists. */
function parseOperator(name: string): OperatorUse {
  const lower = name.toLowerCase();
  if (lower === "null") return { operator: undefined, qualifier: "none", isIfExists: false };
  const [prefix, qualifier] = QUALIFIERS.find(([start]) => lower.startsWith(start)) ?? ["", "none"];
  const isIfExists = lower.endsWith(IF_EXISTS);
  const operator = findOperator(
    lower.slice(prefix.length, isIfExists ? -IF_EXISTS.length : undefined),
  );
  if (operator === undefined) throw malformedPolicy(`Invalid Condition type : ${name}`);
  return { operator, qualifier, isIfExists };
}

function nullCondition(key: string, values: readonly string[]): Condition {
  const wanted = values.map((value) => value.toLowerCase());
  if (wanted.some((value) => value !== "true" && value !== "false")) {
    throw malformedPolicy("Invalid boolean value in Conditions");
  }
  const holds = (lookup: ConditionLookup) =>
    wanted.includes(String((lookup(key) ?? []).length === 0));
  const kind = {
    operator: "null",
    qualifier: "none",
    isNegated: false,
    isIfExists: false,
  } as const;
  return { ...kind, key, values, keys: [key], holds };
}

function comparison(
  key: string,
  values: readonly string[],
  use: OperatorUse & { readonly operator: Operator; readonly hasVariables: boolean },
): Condition {
  const { operator, qualifier, isIfExists } = use;
  const { name, isNegated } = operator;
  const operands = values.map((value) => operator.compile(value, use.hasVariables));
  const whenAbsent = isIfExists || (qualifier === "none" ? isNegated : qualifier === "all");
  const isMet = compareWith(qualifier, operands, isNegated);
  return {
    key,
    operator: name,
    qualifier,
    isNegated,
    isIfExists,
    values,
    keys: [key, ...operands.flatMap(({ variables }) => variables)],
    holds: (lookup) => {
      const given = lookup(key);
      if (given === undefined || given.length === 0) return whenAbsent;
      return isMet(given, lookup);
    },
  };
}

/** Whether a line holds for the values that a request has. */
type Compare = (given: readonly string[], lookup: ConditionLookup) => boolean;

/** Without a qualifier a request with several values meets a negated operator only with all of them. */
function compareWith(
  qualifier: Qualifier,
  operands: readonly Operand[],
  isNegated: boolean,
): Compare {
  const isMet: Compare = (given, lookup) => {
    const isAll = qualifier === "all" || (qualifier === "none" && isNegated);
    for (const value of given) {
      if ((matchesAny(value, operands, lookup) !== isNegated) !== isAll) return !isAll;
    }
    return isAll;
  };
  if (qualifier !== "all") return isMet;
  // AWS: also true where the key resolves to a null data set, such as an empty string.
  return (given, lookup) => isMet(given, lookup) || (given.length === 1 && given[0] === "");
}

function matchesAny(value: string, operands: readonly Operand[], lookup: ConditionLookup): boolean {
  for (const operand of operands) if (operand.matches(value, lookup)) return true;
  return false;
}

function objectOf(value: JsonValue): ReadonlyMap<string, JsonValue> {
  if (value instanceof Map && value.size > 0) return value;
  throw malformedPolicy("Policy has an invalid condition");
}

function textsOf(value: JsonValue): string[] {
  const values = Array.isArray(value) ? value : [value];
  if (values.length === 0) throw malformedPolicy("Policy has an invalid condition value");
  return values.map((item: JsonValue) => {
    if (typeof item === "string") return item;
    if (typeof item === "boolean") return String(item);
    if (typeof item === "object" && item !== null && "digits" in item) return item.digits;
    throw malformedPolicy("Policy has an invalid condition value");
  });
}
