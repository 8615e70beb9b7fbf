// Policies decided a second time, straight from the text of AWS's documentation and with no thought of speed: the raw JSON,
// a RegExp for each pattern, BigInt for addresses. What the real evaluation is compared with.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html

import { isIPv4 } from "node:net";

export type OneOrMany<T> = T | T[];
export type PrincipalElement = "*" | Record<string, OneOrMany<string>>;

export interface RawStatement {
  Sid?: string;
  Effect: "Allow" | "Deny";
  Principal?: PrincipalElement;
  NotPrincipal?: PrincipalElement;
  Action?: OneOrMany<string>;
  NotAction?: OneOrMany<string>;
  Resource?: OneOrMany<string>;
  NotResource?: OneOrMany<string>;
  Condition?: Record<string, Record<string, OneOrMany<string>>>;
}

export interface RawPolicy {
  Version: "2008-10-17" | "2012-10-17";
  Statement: RawStatement[];
}

export interface RawRequest {
  principal: { accountId: string; arn: string; canonicalId: string } | "anonymous";
  action: string;
  resource: string;
  /** By key in lower case. */
  context: Map<string, string[]>;
}

/** "By default, all requests are implicitly denied; an explicit allow overrides; an explicit deny overrides any allows." */
export function decideAsDocumented(policy: RawPolicy, request: RawRequest) {
  const applying = policy.Statement.filter((statement) =>
    statementApplies(statement, request, policy.Version === "2012-10-17"),
  );
  if (applying.some((statement) => statement.Effect === "Deny")) return "deny";
  return applying.length > 0 ? "allow" : "none";
}

function statementApplies(statement: RawStatement, request: RawRequest, variables: boolean) {
  const principal =
    statement.Principal === undefined
      ? !principalNamed(statement.NotPrincipal ?? "*", request)
      : principalNamed(statement.Principal, request);
  const actionNamed = (list: OneOrMany<string>) =>
    many(list).some((item) =>
      pattern(item.toLowerCase(), request, { variables: false }).test(request.action.toLowerCase()),
    );
  const action =
    statement.Action === undefined
      ? !actionNamed(statement.NotAction ?? [])
      : actionNamed(statement.Action);
  const resourceNamed = (list: OneOrMany<string>) =>
    many(list).some((item) => pattern(item, request, { variables }).test(request.resource));
  const resource =
    statement.Resource === undefined
      ? !resourceNamed(statement.NotResource ?? [])
      : resourceNamed(statement.Resource);
  const conditions = Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) =>
      conditionMet({ operator, key, values: many(values) }, request, variables),
    ),
  );
  return principal && action && resource && conditions;
}

function principalNamed(element: PrincipalElement, { principal }: RawRequest): boolean {
  if (element === "*") return true;
  const aws = many(element["AWS"] ?? []);
  if (aws.includes("*")) return true;
  if (principal === "anonymous") return false;
  return (
    aws.includes(principal.accountId) ||
    aws.includes(`arn:aws:iam::${principal.accountId}:root`) ||
    aws.includes(principal.arn) ||
    many(element["CanonicalUser"] ?? []).includes(principal.canonicalId)
  );
}

interface Line {
  operator: string;
  key: string;
  values: string[];
}

function conditionMet({ operator, key, values }: Line, request: RawRequest, variables: boolean) {
  const given = request.context.get(key.toLowerCase());
  const isAbsent = given === undefined || given.length === 0;
  if (operator === "Null") return values.some((value) => (value === "true") === isAbsent);
  const [, qualifier = "", rest = ""] = /^(ForAllValues:|ForAnyValue:)?(.*)$/.exec(operator) ?? [];
  const name = rest.replace(/IfExists$/, "");
  const positive = name.replace(/^Not/, "").replace("Not", "");
  const isNegated = positive !== name;
  const one = (value: string) => {
    const isEqual = values.some((item) => compare(positive, value, item, { request, variables }));
    return isNegated ? !isEqual : isEqual;
  };
  // "If the key is not present, evaluate the condition element as true."
  if (isAbsent && rest.endsWith("IfExists")) return true;
  if (qualifier === "ForAllValues:") {
    // "Also returns true if there are no keys in the request, or if the key values resolve to a null data set, such as
    // an empty string."
    return isAbsent || (given.length === 1 && given[0] === "") || given.every(one);
  }
  // "If there are no keys in the request that match, the condition returns false."
  if (qualifier === "ForAnyValue:") return !isAbsent && given.some(one);
  // "If the key is absent, the values do not match; for negated operators that makes the condition true."
  if (isAbsent) return isNegated;
  return isNegated ? given.every(one) : given.some(one);
}

interface Setting {
  request: RawRequest;
  variables: boolean;
}

function compare(operator: string, given: string, item: string, setting: Setting): boolean {
  const { request, variables } = setting;
  switch (operator) {
    case "StringEquals":
      return pattern(item, request, { variables, plain: true }).test(given);
    case "StringEqualsIgnoreCase":
      return pattern(item, request, { variables, plain: true, flags: "i" }).test(given);
    case "StringLike":
      return pattern(item, request, { variables }).test(given);
    case "ArnEquals":
    case "ArnLike":
      return arnLike(given, item, setting);
    case "Bool":
      return given.toLowerCase() === item.toLowerCase();
    case "BinaryEquals":
      return atob(given) === atob(item);
    case "IpAddress":
      return addressIn(given, item);
    default:
      return ordered(operator, given, item);
  }
}

function ordered(operator: string, given: string, item: string): boolean {
  const isDate = operator.startsWith("Date");
  const read = (text: string) => {
    if (!isDate) return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    return /^\d{5,}$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  };
  const [left, right] = [read(given), read(item)];
  const relation = operator.replace(/^(Date|Numeric)/, "");
  if (relation === "Equals") return left === right;
  if (relation === "LessThan") return left < right;
  if (relation === "LessThanEquals") return left <= right;
  if (relation === "GreaterThan") return left > right;
  if (relation === "GreaterThanEquals") return left >= right;
  throw new Error(`The documentation knows no ${operator}.`);
}

/** "Each of the six colon-delimited components of the ARN is checked separately." */
function arnLike(given: string, item: string, { request, variables }: Setting): boolean {
  // A variable has a colon of its own, which parts nothing.
  const [left, right] = [components(given), components(item.replaceAll("${aws:", "${aws\0"))];
  if (!given.startsWith("arn:") || given.split(":").length < 6) return false;
  if (item === "*") return true;
  return right.every((part, index) =>
    pattern(part.replaceAll("\0", ":"), request, { variables }).test(left[index] ?? ""),
  );
}

function components(arn: string): string[] {
  const parts = arn.split(":");
  return [...parts.slice(0, 5), parts.slice(5).join(":")];
}

function addressIn(given: string, item: string): boolean {
  const [base = "", bits] = item.split("/");
  if (isIPv4(given) !== isIPv4(base)) return false;
  const width = isIPv4(base) ? 32 : 128;
  const shift = BigInt(width - Number(bits ?? width));
  return toInteger(given) >> shift === toInteger(base) >> shift;
}

function toInteger(address: string): bigint {
  if (isIPv4(address)) {
    return address.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  }
  const [head = "", tail = ""] = address.split("::");
  const zeros = Array<string>(8 - groups(head).length - groups(tail).length).fill("0");
  return [...groups(head), ...zeros, ...groups(tail)].reduce(
    (sum, group) => sum * 65_536n + BigInt(`0x${group}`),
    0n,
  );
}

function groups(text: string): string[] {
  return text === "" ? [] : text.split(":");
}

/** A pattern that nothing matches. */
const NOTHING = /(?!)/;

function pattern(
  text: string,
  request: RawRequest,
  { variables, plain = false, flags = "" }: { variables: boolean; plain?: boolean; flags?: string },
): RegExp {
  const pieces = text.split(variables ? /(\$\{[^}]*\}|[*?])/ : /([*?])/);
  let source = "";
  for (const piece of pieces) {
    if (variables && piece.startsWith("${")) {
      const value = variableValue(piece.slice(2, -1), request);
      // "There is no equal or like value" for a variable that has none.
      if (value === undefined) return NOTHING;
      source += escape(value);
    } else if (!plain && piece === "*") source += ".*";
    else if (!plain && piece === "?") source += ".";
    else source += escape(piece);
  }
  return new RegExp(`^${source}$`, `su${flags}`);
}

function variableValue(inner: string, { context }: RawRequest): string | undefined {
  if (["*", "?", "$"].includes(inner)) return inner;
  const [name = "", fallback] = inner.split(/, ?'/);
  const values = context.get(name.toLowerCase());
  return values?.length === 1 ? values[0] : fallback?.slice(0, -1);
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

function many<T>(value: OneOrMany<T>): T[] {
  return Array.isArray(value) ? value : [value];
}
