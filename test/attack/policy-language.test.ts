// S45, S46 (semantics), S59, S60 (bombs) of the attacks on authorisation: policies that would be read wider than they are
// meant, or that cost more to read and to decide by than they may. Who is let in over HTTP is tested with the routes.

import { describe, expect, test } from "vitest";
import { S3Error } from "../../src/core/s3-error.ts";
import { parsePolicy } from "../../src/policy/bucket-policy.ts";
import { evaluate } from "../../src/policy/evaluate.ts";
import { compileWildcard, wildcardParts } from "../../src/policy/wildcard.ts";

const ALICE = {
  accountId: "111111111111",
  arn: "arn:aws:iam::111111111111:user/alice",
  canonicalId: "a".repeat(64),
};
const BOB = { ...ALICE, accountId: "222222222222", arn: "arn:aws:iam::222222222222:user/bob" };
const BASE = { Effect: "Allow", Principal: "*", Action: "s3:*", Resource: "arn:aws:s3:::bucket/*" };

const parse = (...statements: object[]) =>
  parsePolicy(JSON.stringify({ Version: "2012-10-17", Statement: statements }), {
    bucketName: "bucket",
  });
const decide = (
  statements: object[],
  {
    principal = ALICE,
    action = "s3:GetObject",
    key = "k",
    context = {} as Record<string, string[]>,
  },
) =>
  evaluate(parse(...statements), {
    principal,
    action,
    resource: `arn:aws:s3:::bucket/${key}`,
    condition: (name) => (Object.hasOwn(context, name) ? context[name] : undefined),
  });
const codeOf = (text: string): string => {
  try {
    parsePolicy(text, { bucketName: "bucket" });
  } catch (error) {
    return error instanceof S3Error ? `${error.status} ${error.code}` : String(error);
  }
  return "accepted";
};
const except = (name: string, changes: object) => ({
  ...Object.fromEntries(Object.entries(BASE).filter(([field]) => field !== name)),
  ...changes,
});

describe("S45: elements that name exceptions", () => {
  test("Allow with NotAction allows what is not named, and nothing that is", () => {
    const statements = [except("Action", { NotAction: ["s3:Put*", "s3:DeleteObject"] })];
    expect(decide(statements, { action: "s3:GetObject" })).toBe("allow");
    expect(decide(statements, { action: "s3:PutObjectAcl" })).toBe("none");
    expect(decide(statements, { action: "s3:DeleteObject" })).toBe("none");
  });

  test("Deny with NotResource denies everything but what is named", () => {
    const open = { ...BASE, Resource: "arn:aws:s3:::bucket/*" };
    const closed = except("Resource", {
      Effect: "Deny",
      NotResource: "arn:aws:s3:::bucket/public/*",
    });
    expect(decide([open, closed], { key: "public/a" })).toBe("allow");
    expect(decide([open, closed], { key: "private/a" })).toBe("deny");
    expect(decide([open, closed], { key: "Public/a" })).toBe("deny");
  });

  test("Deny with NotPrincipal denies everybody else, and whoever has no name", () => {
    const closed = except("Principal", { Effect: "Deny", NotPrincipal: { AWS: ALICE.arn } });
    expect(decide([BASE, closed], { principal: ALICE })).toBe("allow");
    expect(decide([BASE, closed], { principal: BOB })).toBe("deny");
    const request = { action: "s3:GetObject", resource: "arn:aws:s3:::bucket/k" };
    const anonymous = { ...request, principal: "anonymous" as const, condition: () => undefined };
    expect(evaluate(parse(BASE, closed), anonymous)).toBe("deny");
  });

  test.each([
    ["Allow with NotPrincipal", except("Principal", { NotPrincipal: { AWS: "111111111111" } })],
    ["an unknown element", { ...BASE, NotCondition: {} }],
    ["an unknown operator", { ...BASE, Condition: { StringIs: { "aws:username": "x" } } }],
    ["an unknown key", { ...BASE, Condition: { StringEquals: { "jwt:userid": "x" } } }],
    [
      "an operator with a typing error",
      { ...BASE, Condition: { StringEqualsIfExist: { "aws:username": "x" } } },
    ],
  ])("%s is refused, not passed over", (_, statement) => {
    expect(codeOf(JSON.stringify({ Statement: statement }))).toBe("400 MalformedPolicy");
  });

  test("an action that no table knows is still denied to everybody", () => {
    expect(decide([{ ...BASE, Effect: "Deny" }], { action: "s3:BrandNewAction" })).toBe("deny");
  });
});

describe("S46: qualified operators, negated, on keys that are missing or match in part", () => {
  const cases: [string, string[] | undefined, boolean][] = [
    ["ForAllValues:StringEquals", undefined, true],
    ["ForAllValues:StringEquals", ["a"], true],
    ["ForAllValues:StringEquals", ["a", "x"], false],
    ["ForAllValues:StringNotEquals", undefined, true],
    ["ForAllValues:StringNotEquals", ["x", "y"], true],
    ["ForAllValues:StringNotEquals", ["a", "x"], false],
    ["ForAnyValue:StringEquals", undefined, false],
    ["ForAnyValue:StringEquals", ["a", "x"], true],
    ["ForAnyValue:StringEquals", ["x"], false],
    ["ForAnyValue:StringNotEquals", undefined, false],
    ["ForAnyValue:StringNotEquals", ["a", "x"], true],
    ["ForAnyValue:StringNotEquals", ["a", "b"], false],
    ["StringNotEquals", undefined, true],
    ["StringNotEquals", ["a"], false],
  ];
  test.each(cases)("%s on %j: %s", (operator, given, wanted) => {
    const condition = { [operator]: { "aws:TagKeys": ["a", "b"] } };
    const context: Record<string, string[]> = given === undefined ? {} : { "aws:tagkeys": given };
    const denial = { ...BASE, Effect: "Deny", Condition: condition };
    expect(decide([{ ...BASE, Condition: condition }], { context })).toBe(
      wanted ? "allow" : "none",
    );
    expect(decide([BASE, denial], { context })).toBe(wanted ? "deny" : "allow");
  });
});

describe("S59: wildcard bombs", () => {
  // Tried place by place, any of these would outlast the test by years, or by minutes for the last.
  test.each([
    ["many stars", `${"*a".repeat(300)}*b`, "a".repeat(1_024)],
    ["stars and question marks", `${"*?a".repeat(300)}*b`, "a".repeat(1_024)],
    ["nothing but stars", "*".repeat(2_000), "a".repeat(1_024)],
    ["a long piece with a gap", `*${"a".repeat(500)}?${"a".repeat(500)}b*`, "a".repeat(8_192)],
    ["question marks", `*${"?".repeat(1_000)}b*`, "a".repeat(8_192)],
  ])("%s end at once", (_, pattern, text) => {
    const matches = compileWildcard(wildcardParts(pattern));
    for (let count = 0; count < 20; count += 1) expect(matches(text)).toBe(!pattern.includes("b"));
  });

  test("a whole policy of them ends", () => {
    const patterns = Array.from(
      { length: 9 },
      (_, index) => `arn:aws:s3:::bucket/${"*?a".repeat(660)}${index}`,
    );
    expect(decide([{ ...BASE, Resource: patterns }], { key: "a".repeat(1_000) })).toBe("none");
  });

  test("a pattern longer than any name is refused", () => {
    const statement = { ...BASE, Resource: `arn:aws:s3:::bucket/${"*a".repeat(1_100)}` };
    expect(codeOf(JSON.stringify({ Statement: statement }))).toBe("400 MalformedPolicy");
  });
});

describe("S60: documents that are no policies", () => {
  const good = JSON.stringify(BASE);
  test.each([
    ["over 20 KiB", `{"Statement":${good.padEnd(20_470)}}`],
    ["20 KiB in characters, more in bytes", `{"Id":"${"ä".repeat(10_200)}","Statement":${good}}`],
    ["Effect twice", `{"Statement":{"Effect":"Deny",${good.slice(1)}}`],
    ["Effect twice, once escaped", `{"Statement":{"\\u0045ffect":"Deny",${good.slice(1)}}`],
    ["Condition twice", `{"Statement":{"Condition":{},"Condition":{},${good.slice(1)}}`],
    [
      "a key twice in a condition",
      `{"Statement":{"Condition":{"Bool":{"aws:SecureTransport":"true","aws:SecureTransport":"false"}},${good.slice(1)}}`,
    ],
    ["__proto__ as a field", `{"Statement":{"__proto__":{"Effect":"Allow"},${good.slice(1)}}`],
    [
      "__proto__ as an operator",
      `{"Statement":{"Condition":{"__proto__":{"aws:username":"x"}},${good.slice(1)}}`,
    ],
    [
      "constructor as a key",
      `{"Statement":{"Condition":{"Null":{"constructor":"true"}},${good.slice(1)}}`,
    ],
    ["10,000 levels", `{"Statement":${"[".repeat(10_000)}${"]".repeat(10_000)}}`],
    ["a number without end", `{"Version":1e99999,"Statement":${good}}`],
  ])("%s", (_, text) => {
    expect(codeOf(text)).toBe("400 MalformedPolicy");
  });
});
