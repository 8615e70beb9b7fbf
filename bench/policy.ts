// How long one decision about a bucket policy takes. `npx tsx bench/policy.ts [STATEMENTS]`: policies of so many statements
// (20), of several shapes, asked about requests that they allow, deny and say nothing of. Prints medians of many rounds.

import { availableParallelism, cpus } from "node:os";
import { parsePolicy, type BucketPolicy } from "../src/policy/bucket-policy.ts";
import { evaluate, type PolicyRequest } from "../src/policy/evaluate.ts";

const ROUNDS = 4_000;
/** Few, so that most rounds end before the machine turns to something else. */
const DECISIONS_PER_ROUND = 50;
const BUCKET = "arn:aws:s3:::bench";

const count = Number(process.argv[2] ?? 20);
const alice = {
  accountId: "111111111111",
  arn: "arn:aws:iam::111111111111:user/alice",
  canonicalId: "a".repeat(64),
};
const context = new Map([
  ["aws:sourceip", ["192.0.2.77"]],
  ["aws:securetransport", ["true"]],
  ["aws:username", ["alice"]],
  ["aws:currenttime", ["2026-11-21T12:00:00Z"]],
  ["aws:useragent", ["aws-sdk-js/3.900.0 os/linux lang/js md/nodejs#20.20.2 api/s3#3.900.0"]],
]);

type StatementOf = (index: number) => object;

/** Every statement speaks of the action, so that none is passed over; the last of the permissions is the one that holds. */
const SHAPES: Readonly<Record<string, StatementOf>> = {
  prefixes: (index) => ({
    Effect: "Allow",
    Principal: { AWS: alice.arn },
    Action: "s3:*",
    Resource: [BUCKET, `${BUCKET}/team-${index}/*`],
  }),
  wildcards: (index) => ({
    Effect: "Allow",
    Principal: "*",
    Action: ["s3:GetObject", "s3:Put*"],
    Resource: `${BUCKET}/*/logs-?/${index}-*/*.gz`,
  }),
  conditions: (index) => ({
    Effect: index === count - 1 ? "Allow" : "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: `${BUCKET}/*`,
    Condition:
      index === count - 1
        ? { IpAddress: { "aws:SourceIp": "192.0.2.0/24" } }
        : {
            NotIpAddress: { "aws:SourceIp": ["192.0.2.0/24", `10.${index}.0.0/16`] },
            StringNotLike: { "aws:UserAgent": [`*tool-${index}*`] },
            Bool: { "aws:SecureTransport": false },
          },
  }),
  lines: (index) => ({
    Effect: "Allow",
    Principal: "*",
    Action: "s3:*",
    Resource: `${BUCKET}/*`,
    Condition: {
      IpAddress: { "aws:SourceIp": "192.0.2.0/24" },
      DateGreaterThan: { "aws:CurrentTime": "2026-01-01T00:00:00Z" },
      StringEquals: { "aws:username": index === count - 1 ? "alice" : `user-${index}` },
    },
  }),
  variables: (index) => ({
    Effect: "Allow",
    Principal: { AWS: "111111111111" },
    Action: "s3:*",
    Resource: `${BUCKET}/home-${index}/\${aws:username}/*`,
    Condition: { DateGreaterThan: { "aws:CurrentTime": "2026-01-01T00:00:00Z" } },
  }),
};

const REQUESTS: readonly (readonly [string, string])[] = [
  ["s3:GetObject", `${BUCKET}/team-${count - 1}/a/b/c.txt`],
  ["s3:GetObject", `${BUCKET}/x/y/logs-7/${count - 1}-2026/part-0001.gz`],
  ["s3:PutObject", `${BUCKET}/home-${count - 1}/alice/report.pdf`],
  ["s3:GetObject", `${BUCKET}/nobody/has/this.txt`],
];

function policyOf(statementOf: StatementOf): BucketPolicy {
  const statements = Array.from({ length: count }, (_, index) => statementOf(index));
  const text = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  return parsePolicy(text, { bucketName: "bench" });
}

/** Microseconds a decision: the median of the rounds. */
function measure(policy: BucketPolicy, request: PolicyRequest): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = process.hrtime.bigint();
    for (let index = 0; index < DECISIONS_PER_ROUND; index += 1) evaluate(policy, request);
    return Number(process.hrtime.bigint() - start) / 1_000 / DECISIONS_PER_ROUND;
  });
  return medianOf(rounds);
}

const medianOf = (values: readonly number[]) =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;

const medians: number[] = [];
console.log(`${cpus()[0]?.model ?? "unknown CPU"}, ${availableParallelism()} threads`);
console.log(`Node ${process.version}, ${new Date().toISOString()}`);
console.log(`${count} statements, median of ${ROUNDS} rounds of ${DECISIONS_PER_ROUND} decisions`);
for (const [name, statementOf] of Object.entries(SHAPES)) {
  const policy = policyOf(statementOf);
  for (const [action, resource] of REQUESTS) {
    const condition = (key: string) => context.get(key);
    const request = { principal: alice, action, resource, condition };
    const decision = evaluate(policy, request);
    const median = measure(policy, request);
    medians.push(median);
    const microseconds = median.toFixed(2);
    console.log(
      `${name.padEnd(12)} ${decision.padEnd(6)} ${microseconds.padStart(7)} us  ${resource}`,
    );
  }
}
console.log(`all of them: median ${medianOf(medians).toFixed(2)} us a decision`);
