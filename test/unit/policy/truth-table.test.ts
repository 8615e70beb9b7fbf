// Random policies and requests, each decided by the real evaluation and by the documentation's text put into code. A seed
// repeats a run: POLICY_SEED.

import { describe, expect, test } from "vitest";
import { parsePolicy } from "../../../src/policy/bucket-policy.ts";
import { evaluate } from "../../../src/policy/evaluate.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import {
  decideAsDocumented,
  type PrincipalElement,
  type RawPolicy,
  type RawRequest,
  type RawStatement,
} from "./documented-evaluation.ts";

const POLICIES = 1_500;
const REQUESTS_PER_POLICY = 6;
const seed = Number(process.env["POLICY_SEED"] ?? Date.now() % 1_000_000_000);
const random = seededRandom(seed);

const pick = <T>(items: readonly T[]): T => {
  const item = items[random.below(items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
};
const chance = (percent: number) => random.below(100) < percent;
const some = <T>(items: readonly T[], countMax: number): T[] =>
  Array.from({ length: 1 + random.below(countMax) }, () => pick(items));
const oneOrMany = <T>(items: T[]): T | T[] =>
  items.length === 1 && items[0] !== undefined ? items[0] : items;

const ALICE = {
  accountId: "111111111111",
  arn: "arn:aws:iam::111111111111:user/alice",
  canonicalId: "a".repeat(64),
};
const BOB = { ...ALICE, arn: "arn:aws:iam::111111111111:user/bob", canonicalId: "b".repeat(64) };
const CAROL = {
  accountId: "222222222222",
  arn: "arn:aws:iam::222222222222:root",
  canonicalId: "c".repeat(64),
};
const CALLERS: readonly RawRequest["principal"][] = ["anonymous", ALICE, BOB, CAROL];
const AWS_NAMES = [
  "*",
  "111111111111",
  "222222222222",
  ALICE.arn,
  BOB.arn,
  CAROL.arn,
  "arn:aws:iam::111111111111:root",
  "arn:aws:iam::333333333333:user/path/dave",
] as const;

const ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"] as const;
const ACTION_PATTERNS = [
  "s3:GetObject",
  "S3:getobject",
  "s3:Get*",
  "s3:?etObject",
  "s3:*",
  "*",
  "s3:*Object",
  "s3:PutObject",
  "s3:ListBucket",
  "s3:List*",
  "s3:Delete*",
  "s3:*t",
  "s3:PutObject*",
];

const KEYS = ["alice/x", "bob/x", "a*e/x", "shared/a/b", "x", "Alice/x", "äöü/😀"] as const;
const RESOURCES = [
  "",
  "/*",
  "/*",
  "*",
  "/alice/*",
  "/?*/x",
  "/*/x",
  "/a*",
  "/x",
  "/*/?/b",
  "/??????",
  "/${aws:username}/*",
  "/${aws:PrincipalTag/team, 'shared'}/*",
  "/a${*}e/?",
  "/äöü/?",
].map((suffix) => `arn:aws:s3:::bucket${suffix}`);

interface Kind {
  readonly operators: readonly string[];
  readonly keys: readonly string[];
  readonly operands: readonly string[];
  readonly values: readonly string[];
}

const comparisons = (prefix: string): string[] => [
  `${prefix}Equals`,
  ...["NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"].map(
    (relation) => prefix + relation,
  ),
];

const KINDS: readonly Kind[] = [
  {
    operators: [
      "StringEquals",
      "StringNotEquals",
      "StringLike",
      "StringNotLike",
      "StringEqualsIgnoreCase",
      "StringNotEqualsIgnoreCase",
    ],
    keys: ["aws:username", "aws:TagKeys", "aws:UserAgent", "aws:PrincipalTag/team"],
    operands: [
      "alice",
      "ALICE",
      "a*",
      "?lice",
      "*",
      "",
      "bob",
      "a*e",
      "a${*}e",
      "${aws:username}",
      "x${aws:PrincipalTag/team, 'alice'}",
      "${aws:TagKeys}",
      "*i*e",
    ],
    values: ["alice", "Alice", "bob", "a*e", "", "xalice", "${aws:username}", "carol"],
  },
  {
    operators: comparisons("Numeric"),
    keys: ["s3:signatureAge", "aws:MultiFactorAuthAge"],
    operands: ["0", "10", "10.0", "-1", "10.5", "3600"],
    values: ["0", "10", "10.5", "-2", "3600.0", "many", ""],
  },
  {
    operators: comparisons("Date"),
    keys: ["aws:CurrentTime", "aws:TokenIssueTime"],
    operands: [
      "2026-11-21T12:00:00Z",
      "2026-11-21",
      "2026",
      "1795262400",
      "2026-11-21T14:00:00+02:00",
    ],
    values: ["2026-11-21T12:00:00Z", "2026-11-21T11:59:59.500Z", "1795219200", "2025-01", "never"],
  },
  {
    operators: ["Bool"],
    keys: ["aws:SecureTransport", "aws:MultiFactorAuthPresent"],
    operands: ["true", "false", "True"],
    values: ["true", "false", "TRUE", ""],
  },
  {
    operators: ["BinaryEquals"],
    keys: ["aws:PrincipalTag/blob"],
    operands: ["aGVsbG8=", "AAAA", "QmluYXJ5"],
    values: ["aGVsbG8=", "AAAA", "aGVsbG8h"],
  },
  {
    operators: ["IpAddress", "NotIpAddress"],
    keys: ["aws:SourceIp", "aws:VpcSourceIp"],
    operands: ["10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "192.168.7.0/25", "2001:db8::/33", "::/0"],
    values: [
      "10.1.2.3",
      "11.0.0.1",
      "192.168.7.128",
      "192.168.7.127",
      "2001:db8::1",
      "2001:db8:8000::",
    ],
  },
  {
    operators: ["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"],
    keys: ["aws:PrincipalArn", "aws:SourceArn"],
    operands: [
      "arn:aws:iam::111111111111:user/*",
      "arn:aws:*:::*",
      "arn:aws:s3:::*",
      "arn:aws:iam::*:user/${aws:username}",
      "arn:*:sns:?:1:a:b*",
      ALICE.arn,
      "*",
    ],
    values: [ALICE.arn, BOB.arn, "arn:aws:s3:::a:b", "arn:aws:sns:x:1:a:b:c", "none", "arn:aws:s3"],
  },
];

function randomCondition(): NonNullable<RawStatement["Condition"]> {
  const condition: NonNullable<RawStatement["Condition"]> = {};
  for (let line = random.below(3); line > 0; line -= 1) {
    const kind = pick(KINDS);
    const key = chance(20)
      ? pick(kind.keys).toUpperCase().replace("AWS:", "aws:")
      : pick(kind.keys);
    const qualifier = pick(["", "", "", "ForAllValues:", "ForAnyValue:"]);
    const operator = qualifier + pick(kind.operators) + (chance(25) ? "IfExists" : "");
    if (chance(10)) (condition["Null"] ??= {})[key] = oneOrMany(some(["true", "false"], 2));
    else (condition[operator] ??= {})[key] = oneOrMany(some(kind.operands, 3));
  }
  return condition;
}

function randomPrincipals(): PrincipalElement {
  if (chance(25)) return "*";
  const names = some(AWS_NAMES, 3);
  const element: PrincipalElement = { AWS: oneOrMany(names) };
  if (chance(20))
    element["CanonicalUser"] = oneOrMany(some([BOB.canonicalId, CAROL.canonicalId], 2));
  if (chance(10)) element["Service"] = "logging.s3.amazonaws.com";
  return element;
}

/** A statement that AWS would refuse, as no resource in it goes with an action, is drawn again. */
function fittingStatement(): RawStatement {
  const statement = randomStatement();
  try {
    parse({ Version: "2012-10-17", Statement: [statement] });
    return statement;
  } catch (error) {
    if (!String(error).includes("Action does not apply to any resource(s)")) throw error;
    return fittingStatement();
  }
}

function randomStatement(): RawStatement {
  const effect = chance(60) ? "Allow" : "Deny";
  const statement: RawStatement = { Effect: effect, Condition: randomCondition() };
  if (effect === "Deny" && chance(30)) statement.NotPrincipal = randomPrincipals();
  else statement.Principal = randomPrincipals();
  statement[chance(80) ? "Action" : "NotAction"] = oneOrMany(some(ACTION_PATTERNS, 3));
  statement[chance(80) ? "Resource" : "NotResource"] = oneOrMany(some(RESOURCES, 3));
  return statement;
}

function randomRequest(): RawRequest {
  const context = new Map<string, string[]>();
  for (const { keys, values } of KINDS) {
    for (const key of keys) {
      if (chance(75))
        context.set(key.toLowerCase(), chance(5) ? [] : some(values, chance(70) ? 1 : 3));
    }
  }
  const action = pick(ACTIONS);
  const resource = `arn:aws:s3:::bucket${action === "s3:ListBucket" ? "" : `/${pick(KEYS)}`}`;
  return { principal: pick(CALLERS), action, resource, context };
}

function randomPolicy(): RawPolicy {
  return {
    Version: chance(85) ? "2012-10-17" : "2008-10-17",
    Statement: Array.from({ length: 1 + random.below(4) }, fittingStatement),
  };
}

const parse = (raw: RawPolicy) => parsePolicy(JSON.stringify(raw), { bucketName: "bucket" });

describe(`random policies (seed ${seed})`, () => {
  test("are decided as the documentation says", () => {
    const decided = new Map(["allow", "deny", "none"].map((name) => [name, 0]));
    for (let count = 0; count < POLICIES; count += 1) {
      const raw = randomPolicy();
      const parsed = parse(raw);
      for (let index = 0; index < REQUESTS_PER_POLICY; index += 1) {
        const request = randomRequest();
        const { context, ...rest } = request;
        const decision = evaluate(parsed, { ...rest, condition: (key) => context.get(key) });
        const wanted = decideAsDocumented(raw, request);
        decided.set(wanted, (decided.get(wanted) ?? 0) + 1);
        if (decision === wanted) continue;
        const story = JSON.stringify({ raw, ...rest, context: [...context] }, undefined, 1);
        throw new Error(`seed ${seed}: ${decision} instead of ${wanted} for ${story}`);
      }
    }
    // A table that had hardly any permissions in it would prove little.
    for (const count of decided.values()) expect(count).toBeGreaterThan(500);
  });
});
