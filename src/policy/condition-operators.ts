// The operators of conditions: what each makes of one value that a policy gives, ready to be compared with one value of a
// request. How several values, missing keys and qualifiers combine is condition.ts's.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html

import { arnMatcher } from "./arn-matcher.ts";
import { isInRange, parseIpAddress, parseIpRange } from "./ip-range.ts";
import { malformedPolicy } from "./malformed-policy.ts";
import { parsePolicyDate } from "./policy-date.ts";
import { rememberLatest } from "./remember-latest.ts";
import {
  parseTemplate,
  resolveTemplate,
  templateMatcher,
  variablesOf,
  type TextMatcher,
} from "./template.ts";

export interface Operand {
  readonly matches: TextMatcher;
  /** The keys, in lower case, that its variables read. */
  readonly variables: readonly string[];
}

export interface Operator {
  /** In lower case, without "not": what the operator is when it is not negated. */
  readonly name: string;
  readonly isNegated: boolean;
  /** @throws S3Error MalformedPolicy for a value that the operator cannot compare with. */
  readonly compile: (text: string, hasVariables: boolean) => Operand;
}

type Compile = Operator["compile"];
type Comparison = (given: number, wanted: number) => boolean;

const COMPARISONS: readonly (readonly [string, Comparison])[] = [
  ["equals", (given, wanted) => given === wanted],
  ["lessthan", (given, wanted) => given < wanted],
  ["lessthanequals", (given, wanted) => given <= wanted],
  ["greaterthan", (given, wanted) => given > wanted],
  ["greaterthanequals", (given, wanted) => given >= wanted],
];

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

type Entry = readonly [string, Operator];

const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ...bothWays("stringequals", "stringnotequals", compileText(false)),
  ...bothWays("stringlike", "stringnotlike", compileText(true)),
  ...bothWays("stringequalsignorecase", "stringnotequalsignorecase", compileFolded),
  // AWS: ArnEquals and ArnLike behave identically.
  ...bothWays("arnequals", "arnnotequals", compileArn),
  ...bothWays("arnlike", "arnnotlike", compileArn),
  ...bothWays("ipaddress", "notipaddress", compileIpRange),
  ...comparisons("numeric", "numericnotequals", parseNumber),
  ...comparisons("date", "datenotequals", parsePolicyDate),
  plain("bool", compileBoolean),
  plain("binaryequals", compileBinary),
]);

/** By its name in any case; undefined for what is no operator. `Null` is none: it compares nothing. */
export function findOperator(name: string): Operator | undefined {
  return OPERATORS.get(name.toLowerCase());
}

function plain(name: string, compile: Compile): Entry {
  return [name, { name, isNegated: false, compile }];
}

function bothWays(name: string, negatedName: string, compile: Compile): Entry[] {
  return [plain(name, compile), [negatedName, { name, isNegated: true, compile }]];
}

function comparisons(
  prefix: "date" | "numeric",
  negatedName: string,
  parse: (text: string) => number | undefined,
): Entry[] {
  const parseGiven = rememberLatest(parse);
  const compileWith =
    (compare: Comparison): Compile =>
    (text) => {
      const wanted = parse(text);
      if (wanted === undefined)
        throw malformedPolicy(`Invalid ${prefix} value in Conditions`, text);
      return constant((value) => {
        const given = parseGiven(value);
        return given !== undefined && compare(given, wanted);
      });
    };
  return COMPARISONS.flatMap(([suffix, compare]) =>
    suffix === "equals"
      ? bothWays(`${prefix}equals`, negatedName, compileWith(compare))
      : [plain(`${prefix}${suffix}`, compileWith(compare))],
  );
}

function constant(matches: (text: string) => boolean): Operand {
  return { matches, variables: [] };
}

function compileText(hasWildcards: boolean): Compile {
  return (text, hasVariables) => {
    const template = parseTemplate(text, { hasVariables, hasWildcards });
    return { matches: templateMatcher(template), variables: variablesOf(template) };
  };
}

function compileArn(text: string, hasVariables: boolean): Operand {
  const template = parseTemplate(text, { hasVariables, hasWildcards: true });
  return { matches: arnMatcher(template), variables: variablesOf(template) };
}

function compileFolded(text: string, hasVariables: boolean): Operand {
  const template = parseTemplate(text, { hasVariables, hasWildcards: false });
  const matches: TextMatcher = (value, lookup) => {
    const parts = resolveTemplate(template, lookup);
    const wanted = parts?.map((part) => (part.kind === "text" ? part.text : "")).join("");
    return wanted?.toLowerCase() === value.toLowerCase();
  };
  return { matches, variables: variablesOf(template) };
}

const parseGivenAddress = rememberLatest(parseIpAddress);

function compileIpRange(text: string): Operand {
  const range = parseIpRange(text);
  if (range === undefined) throw malformedPolicy("Invalid IP address in Conditions", text);
  return constant((value) => {
    const address = parseGivenAddress(value);
    return address !== undefined && isInRange(address, range);
  });
}

function compileBoolean(text: string): Operand {
  const wanted = text.toLowerCase();
  if (wanted !== "true" && wanted !== "false") {
    throw malformedPolicy("Invalid boolean value in Conditions", text);
  }
  return constant((value) => value.toLowerCase() === wanted);
}

function compileBinary(text: string): Operand {
  if (!BASE64.test(text)) throw malformedPolicy("Invalid binary value in Conditions", text);
  const wanted = Buffer.from(text, "base64");
  return constant((value) => BASE64.test(value) && wanted.equals(Buffer.from(value, "base64")));
}

function parseNumber(text: string): number | undefined {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}
