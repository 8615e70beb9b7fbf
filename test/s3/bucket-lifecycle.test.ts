// Lifecycle rules of buckets as documents: what is put reads back, and what S3 refuses is refused in its words.

import {
  DeleteBucketLifecycleCommand,
  GetBucketLifecycleConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
} from "@aws-sdk/client-s3";
import type { LifecycleRule, TransitionDefaultMinimumObjectSize } from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { refusal, startS3, type S3Lab } from "../support/s3-server.ts";

const RULE: LifecycleRule = { ID: "a", Status: "Enabled", Filter: {}, Expiration: { Days: 1 } };

function put(
  { client, bucket: Bucket }: S3Lab,
  Rules: LifecycleRule[],
  TransitionDefaultMinimumObjectSize?: TransitionDefaultMinimumObjectSize,
) {
  return client.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket,
      LifecycleConfiguration: { Rules },
      TransitionDefaultMinimumObjectSize,
    }),
  );
}

async function get({ client, bucket: Bucket }: S3Lab) {
  const { $metadata: _, ...answer } = await client.send(
    new GetBucketLifecycleConfigurationCommand({ Bucket }),
  );
  return answer;
}

test("what is put reads back equal, whichever way its filter is spelled", async () => {
  const lab = await startS3();
  const tag = { Key: "k", Value: "v & <w>" };
  const Status = "Enabled";
  const rules: LifecycleRule[] = [
    { ...RULE, ID: "all" },
    { ...RULE, ID: "prefix", Filter: { Prefix: "logs/" } },
    { ...RULE, ID: "empty prefix", Filter: { Prefix: "" }, Status: "Disabled" },
    { ...RULE, ID: "tag", Filter: { Tag: tag } },
    { ...RULE, ID: "greater", Filter: { ObjectSizeGreaterThan: 0 } },
    { ...RULE, ID: "less", Filter: { ObjectSizeLessThan: 10 } },
    {
      ...RULE,
      ID: "and",
      Filter: {
        And: {
          Prefix: "x",
          Tags: [tag, { Key: "l", Value: "" }],
          ObjectSizeGreaterThan: 5,
          ObjectSizeLessThan: 1_000_000_000_000,
        },
      },
    },
    {
      ID: "actions",
      Status,
      Filter: { Prefix: "a" },
      Expiration: { Days: 400 },
      Transitions: [
        { Days: 0, StorageClass: "GLACIER_IR" },
        { Days: 30, StorageClass: "STANDARD_IA" },
      ],
      NoncurrentVersionTransitions: [
        { NoncurrentDays: 30, NewerNoncurrentVersions: 2, StorageClass: "ONEZONE_IA" },
      ],
      NoncurrentVersionExpiration: { NoncurrentDays: 31, NewerNoncurrentVersions: 100 },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
    },
    { ...RULE, ID: "date", Expiration: { Date: new Date("2030-01-01T00:00:00Z") } },
    { ...RULE, ID: "marker", Expiration: { ExpiredObjectDeleteMarker: true } },
  ];
  await put(lab, rules);
  expect(await get(lab)).toEqual({
    Rules: rules,
    TransitionDefaultMinimumObjectSize: "all_storage_classes_128K",
  });
});

test("rules of the old form read back in it", async () => {
  const lab = await startS3();
  const rules: LifecycleRule[] = [
    { ID: "one", Status: "Enabled", Prefix: "logs/", Expiration: { Days: 3 } },
    { ID: "two", Status: "Disabled", Prefix: "", Expiration: { Days: 4 } },
  ];
  await put(lab, rules, "varies_by_storage_class");
  expect(await get(lab)).toEqual({
    Rules: rules,
    TransitionDefaultMinimumObjectSize: "varies_by_storage_class",
  });
});

test("rules without an id are given one each", async () => {
  const lab = await startS3();
  const { ID: _, ...rule } = RULE;
  await put(lab, [rule, { ...rule, Filter: { Prefix: "x" } }]);
  const { Rules = [] } = await get(lab);
  const ids = Rules.map(({ ID = "" }) => ID);
  expect(new Set(ids).size).toBe(2);
  expect(ids.every((id) => id.length > 0)).toBe(true);
});

test("a configuration is gone when it is deleted, and deleting it again is no error", async () => {
  const lab = await startS3();
  const { client, bucket: Bucket } = lab;
  const missing = { code: "NoSuchLifecycleConfiguration", status: 404 };
  expect(await refusal(get(lab))).toEqual(missing);
  await put(lab, [RULE]);
  for (let round = 0; round < 2; round += 1) {
    const answer = await client.send(new DeleteBucketLifecycleCommand({ Bucket }));
    expect(answer.$metadata.httpStatusCode).toBe(204);
    expect(await refusal(get(lab))).toEqual(missing);
  }
});

test("a thousand rules are taken, one more is not", async () => {
  const lab = await startS3();
  const rules = Array.from({ length: 1_001 }, (_, i) => ({ ...RULE, ID: String(i) }));
  expect((await refusal(put(lab, rules))).code).toBe("InvalidRequest");
  await put(lab, rules.slice(1));
  expect((await get(lab)).Rules).toHaveLength(1_000);
});

const tag = { Key: "k", Value: "v" };
const wrong = "wrong" as "Enabled";

test.each<[string, string, LifecycleRule[]]>([
  ["no rule", "MalformedXML", []],
  ["an unknown status", "MalformedXML", [{ ...RULE, Status: wrong }]],
  ["no filter and no prefix", "MalformedXML", [{ ...RULE, Filter: undefined }]],
  ["a filter and a prefix", "MalformedXML", [{ ...RULE, Prefix: "a" }]],
  ["two tests without And", "MalformedXML", [{ ...RULE, Filter: { Prefix: "a", Tag: tag } }]],
  ["both spellings", "InvalidRequest", [RULE, { ...RULE, ID: "b", Prefix: "", Filter: undefined }]],
  ["an id twice", "InvalidArgument", [RULE, RULE]],
  ["a long id", "InvalidArgument", [{ ...RULE, ID: "x".repeat(256) }]],
  ["no action", "InvalidRequest", [{ ...RULE, Expiration: undefined }]],
  ["no days", "InvalidArgument", [{ ...RULE, Expiration: { Days: 0 } }]],
  ["days below none", "InvalidArgument", [{ ...RULE, Expiration: { Days: -1 } }]],
  ["an expiration of nothing", "MalformedXML", [{ ...RULE, Expiration: {} }]],
  [
    "days and markers",
    "MalformedXML",
    [{ ...RULE, Expiration: { Days: 1, ExpiredObjectDeleteMarker: true } }],
  ],
  [
    "another hour than midnight",
    "InvalidArgument",
    [{ ...RULE, Expiration: { Date: new Date("2030-01-01T01:00:00Z") } }],
  ],
  [
    "markers by tags",
    "InvalidRequest",
    [{ ...RULE, Filter: { Tag: tag }, Expiration: { ExpiredObjectDeleteMarker: true } }],
  ],
  [
    "uploads by size",
    "InvalidRequest",
    [
      {
        ...RULE,
        Filter: { ObjectSizeGreaterThan: 1 },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
      },
    ],
  ],
  [
    "uploads of no age",
    "InvalidArgument",
    [{ ...RULE, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 0 } }],
  ],
  [
    "a key of tags twice",
    "InvalidRequest",
    [{ ...RULE, Filter: { And: { Tags: [tag, { Key: "k", Value: "w" }] } } }],
  ],
  [
    "sizes the wrong way round",
    "InvalidRequest",
    [{ ...RULE, Filter: { And: { ObjectSizeGreaterThan: 9, ObjectSizeLessThan: 9 } } }],
  ],
  [
    "noncurrent versions of no age",
    "InvalidArgument",
    [{ ...RULE, NoncurrentVersionExpiration: { NoncurrentDays: 0 } }],
  ],
  [
    "too many versions to keep",
    "InvalidArgument",
    [{ ...RULE, NoncurrentVersionExpiration: { NoncurrentDays: 1, NewerNoncurrentVersions: 101 } }],
  ],
  [
    "an unknown storage class",
    "MalformedXML",
    [{ ...RULE, Transitions: [{ Days: 1, StorageClass: "STANDARD" as "GLACIER" }] }],
  ],
  [
    "a transition that is too early",
    "InvalidArgument",
    [
      {
        ...RULE,
        Expiration: { Days: 90 },
        Transitions: [{ Days: 29, StorageClass: "STANDARD_IA" }],
      },
    ],
  ],
  [
    "a transition after the end",
    "InvalidArgument",
    [{ ...RULE, Expiration: { Days: 5 }, Transitions: [{ Days: 5, StorageClass: "GLACIER" }] }],
  ],
  [
    "days and a date",
    "InvalidRequest",
    [
      {
        ...RULE,
        Expiration: { Date: new Date("2030-01-01T00:00:00Z") },
        Transitions: [{ Days: 5, StorageClass: "GLACIER" }],
      },
    ],
  ],
  [
    "a class twice",
    "InvalidRequest",
    [
      {
        ...RULE,
        Expiration: { Days: 50 },
        Transitions: [
          { Days: 5, StorageClass: "GLACIER" },
          { Days: 6, StorageClass: "GLACIER" },
        ],
      },
    ],
  ],
])("refused: %s", async (_what, code, rules) => {
  const lab = await startS3();
  expect(await refusal(put(lab, rules))).toEqual({ code, status: 400 });
  expect((await refusal(get(lab))).code).toBe("NoSuchLifecycleConfiguration");
});

function xmlRule(inside: string): string {
  return `<LifecycleConfiguration><Rule><Status>Enabled</Status>${inside}</Rule></LifecycleConfiguration>`;
}

test("XML that is not of the schema, and a body without a digest, are refused", async () => {
  const lab = await startS3();
  const send = (body: string, headers?: Record<string, string>) => {
    const md5 = createHash("md5").update(body).digest("base64");
    const sent = headers ?? { "content-md5": md5 };
    return lab.send({ method: "PUT", path: "?lifecycle", body, headers: sent });
  };
  const good = "<Prefix/><Expiration><Days>1</Days></Expiration>";
  for (const inside of [
    `${good}<Surprise/>`,
    "<Prefix/><Expiration><Days>one</Days></Expiration>",
    "<Prefix/><Expiration><Days>1</Days><Days>2</Days></Expiration>",
    "<Prefix/><Expiration><Days>99999999999</Days></Expiration>",
    "<Prefix/><Expiration><Date>20200101</Date></Expiration>",
    "<Filter><And/></Filter><Expiration><Days>1</Days></Expiration>",
    "<Filter><ObjectSizeLessThan>-1</ObjectSizeLessThan></Filter><Expiration><Days>1</Days></Expiration>",
  ]) {
    const { status, body } = await send(xmlRule(inside));
    expect([inside, status, body]).toEqual([
      inside,
      400,
      expect.stringContaining("<Code>MalformedXML</Code>"),
    ]);
  }
  const bare = await send(xmlRule(good), {});
  expect([bare.status, bare.body]).toEqual([
    400,
    expect.stringContaining("<Code>InvalidRequest</Code>"),
  ]);
  expect((await send(xmlRule(good))).status).toBe(200);
});
