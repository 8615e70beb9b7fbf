// PostObject as browsers meet it: forms over HTTP against a real server, what is stored read back with the SDK. Answers,
// names of files, sizes, checksums, who may, and that a form which fails leaves nothing.

import { createHash } from "node:crypto";
import {
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketCorsCommand,
  PutBucketPolicyCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import {
  formOf,
  type FormPart,
  type PolicyInput,
  signFormV2,
  signFormV4,
} from "../support/post-form.ts";
import { errorCode, exchange, sendRaw } from "../support/raw-http.ts";
import { MIB, patterned, refusal, startS3, type S3Lab } from "../support/s3-server.ts";
import { wireBytes } from "../support/signing.ts";

interface PostOptions extends Partial<PolicyInput> {
  /** Before the file. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
  readonly file?: Buffer | string;
  readonly fileName?: string;
  /** After the file. */
  readonly after?: readonly FormPart[];
  readonly signer?: S3Client;
  readonly sign?: typeof signFormV4;
}

/** Every field gets the condition that it has just this value, beside those that are given. */
async function post(lab: S3Lab, options: PostOptions): Promise<Response> {
  const { fields = [], file = "bytes", fileName = "name.txt", after = [] } = options;
  const { signer = lab.client, sign = signFormV4 } = options;
  const { accessKeyId, secretAccessKey } = await signer.config.credentials();
  const keys = { accessKey: accessKeyId, secretKey: secretAccessKey };
  const conditions = options.conditions ?? fields.map(([name, value]) => ({ [name]: value }));
  const signed = sign(keys, { bucket: lab.bucket, ...options, conditions });
  const { contentType, body } = formOf([
    ...fields,
    ...signed,
    { name: "file", fileName, body: file },
    ...after,
  ]);
  return fetch(`${lab.endpoint}/${lab.bucket}`, {
    method: "POST",
    headers: { "content-type": contentType },
    body,
    redirect: "manual",
  });
}

const get = async ({ client, bucket }: S3Lab, Key: string) => {
  const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
  return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
};

test.each([
  ["V4", signFormV4],
  ["V2", signFormV2],
])("a form signed with %s is an object with all that its fields say", async (_version, sign) => {
  const lab = await startS3();
  const tagging =
    "<Tagging><TagSet><Tag><Key>a b</Key><Value>&amp;=</Value></Tag></TagSet></Tagging>";
  const answer = await post(lab, {
    sign,
    fields: [
      ["Key", "ключ/🏺"],
      ["Content-Type", "text/plain; charset=utf-8"],
      ["Cache-Control", "no-store"],
      ["x-amz-meta-Owner", "Ünal"],
      ["X-Amz-Storage-Class", "STANDARD_IA"],
      ["acl", "bucket-owner-full-control"],
      ["tagging", tagging.replace("&amp;=", "x")],
    ],
    file: "the file",
  });

  expect([answer.status, await answer.text()]).toEqual([204, ""]);
  expect(answer.headers.get("etag")).toBe(
    `"${createHash("md5").update("the file").digest("hex")}"`,
  );
  expect(await get(lab, "ключ/🏺")).toEqual(Buffer.from("the file"));
  const name = { Bucket: lab.bucket, Key: "ключ/🏺" };
  expect(await lab.client.send(new HeadObjectCommand(name))).toMatchObject({
    ContentType: "text/plain; charset=utf-8",
    CacheControl: "no-store",
    StorageClass: "STANDARD_IA",
    Metadata: { owner: "=?UTF-8?Q?=C3=9Cnal?=" },
  });
  const { TagSet } = await lab.client.send(new GetObjectTaggingCommand(name));
  expect(TagSet).toEqual([{ Key: "a b", Value: "x" }]);
});

test("a form chooses its answer", async () => {
  const lab = await startS3();
  const answerTo = (name: string, value: string) =>
    post(lab, {
      fields: [
        ["key", "a b/c"],
        [name, value],
      ],
    });
  const etag = createHash("md5").update("bytes").digest("hex");
  const url = `${lab.endpoint}/${lab.bucket}/a%20b/c`;

  const created = await answerTo("success_action_status", "201");
  expect([created.status, created.headers.get("location")]).toEqual([201, url]);
  expect(await created.text()).toContain(
    `<PostResponse><Location>${url}</Location><Bucket>${lab.bucket}</Bucket><Key>a b/c</Key><ETag>&quot;${etag}&quot;</ETag></PostResponse>`,
  );
  const ok = await answerTo("success_action_status", "200");
  expect([ok.status, await ok.text()]).toEqual([200, ""]);
  expect((await answerTo("success_action_status", "404")).status).toBe(204);

  const told = `bucket=${lab.bucket}&key=a%20b%2Fc&etag=%22${etag}%22`;
  const redirected = await answerTo("success_action_redirect", "https://a.example/done?x=1#top");
  expect([redirected.status, redirected.headers.get("location")]).toEqual([
    303,
    `https://a.example/done?x=1&${told}#top`,
  ]);
  const old = await answerTo("redirect", "http://a.example/");
  expect(old.headers.get("location")).toBe(`http://a.example/?${told}`);
  for (const nowhere of ["javascript:alert(1)", "not a url"]) {
    expect((await answerTo("success_action_redirect", nowhere)).status).toBe(204);
  }
});

test.each([
  ["photo.jpg", "up/photo.jpg"],
  ["C:\\Users\\me\\photo.jpg", "up/photo.jpg"],
  ["../../etc/passwd", "up/passwd"],
  ["", "up/"],
])("the file name %j becomes part of the key", async (fileName, key) => {
  const lab = await startS3();
  const answer = await post(lab, {
    fields: [["key", "up/${filename}"]],
    conditions: [["starts-with", "$key", "up/"]],
    fileName,
  });
  expect(answer.status).toBe(204);
  expect(await get(lab, key)).toEqual(Buffer.from("bytes"));
});

test("a large file streams through, and what comes after it counts for nothing", async () => {
  const lab = await startS3();
  const file = Buffer.from(patterned(6 * MIB));
  const answer = await post(lab, {
    fields: [["key", "large"]],
    file,
    after: [
      ["key", "other"],
      ["acl", "public-read"],
    ],
  });
  expect(answer.status).toBe(204);
  expect((await get(lab, "large")).equals(file)).toBe(true);
  expect(await refusal(get(lab, "other"))).toMatchObject({ code: "NoSuchKey" });
});

test.each([
  ["one byte too many", 11, "EntityTooLarge"],
  ["far too many", 3 * MIB, "EntityTooLarge"],
  ["one too few", 4, "EntityTooSmall"],
  ["none at all", 0, "EntityTooSmall"],
])("%s: refused, and what was there stays", async (_what, sizeBytes, code) => {
  const lab = await startS3();
  await lab.givenObject("key", "before");
  const range = ["content-length-range", 5, 10];
  const answer = await post(lab, {
    fields: [["key", "key"]],
    conditions: [{ key: "key" }, range],
    file: Buffer.alloc(sizeBytes, 120),
  });
  expect([answer.status, errorCode({ body: await answer.text() })]).toEqual([400, code]);
  expect(await get(lab, "key")).toEqual(Buffer.from("before"));
});

test("the ends of the range are within it", async () => {
  const lab = await startS3();
  for (const sizeBytes of [5, 10]) {
    const conditions = [{ key: "key" }, ["content-length-range", 5, 10]];
    const file = Buffer.alloc(sizeBytes, 120);
    const answer = await post(lab, { fields: [["key", "key"]], conditions, file });
    expect(answer.status).toBe(204);
    expect(await get(lab, "key")).toEqual(file);
  }
});

test("checksums of the file are verified, without a condition that names them", async () => {
  const lab = await startS3();
  const sha256 = createHash("sha256").update("bytes").digest("base64");
  const withField = (name: string, value: string) =>
    post(lab, {
      fields: [
        ["key", "key"],
        [name, value],
      ],
      conditions: [{ key: "key" }, ["starts-with", "$content-md5", ""]].slice(
        0,
        name === "Content-MD5" ? 2 : 1,
      ),
    });
  const good = await withField("x-amz-checksum-sha256", sha256);
  expect([good.status, good.headers.get("x-amz-checksum-sha256")]).toEqual([204, sha256]);
  const md5 = createHash("md5").update("other").digest("base64");
  const other = createHash("sha256").update("other").digest("base64");
  for (const [name, value] of [
    ["x-amz-checksum-sha256", other],
    ["x-amz-checksum-sha256", "sailor"],
    ["Content-MD5", md5],
  ] as const) {
    const bad = await withField(name, value);
    expect([bad.status, errorCode({ body: await bad.text() })]).toEqual([400, "BadDigest"]);
  }
});

test("a form of another account, and one of nobody, get nothing in", async () => {
  const lab = await startS3();
  const others = await post(lab, { fields: [["key", "key"]], signer: lab.stranger });
  expect([others.status, errorCode({ body: await others.text() })]).toEqual([403, "AccessDenied"]);
  const anonymous = await post(lab, { fields: [["key", "key"]], sign: () => [] });
  expect([anonymous.status, errorCode({ body: await anonymous.text() })]).toEqual([
    403,
    "AccessDenied",
  ]);
  expect(await refusal(get(lab, "key"))).toMatchObject({ code: "NoSuchKey" });
});

test("nobody's form, where the bucket takes what everybody sends", async () => {
  const lab = await startS3();
  const { client, bucket: Bucket } = lab;
  const off = { BlockPublicPolicy: false, RestrictPublicBuckets: false };
  await client.send(
    new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: off }),
  );
  const allow = {
    Effect: "Allow",
    Principal: "*",
    Action: "s3:PutObject",
    Resource: `arn:aws:s3:::${Bucket}/drop/*`,
  };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [allow] });
  await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));

  const open = await post(lab, { fields: [["key", "drop/a"]], sign: () => [] });
  expect(open.status).toBe(204);
  expect(await get(lab, "drop/a")).toEqual(Buffer.from("bytes"));
  const elsewhere = await post(lab, { fields: [["key", "a"]], sign: () => [] });
  expect(elsewhere.status).toBe(403);
});

test("a form to the host name of a bucket, from a page of another origin", async () => {
  const lab = await startS3();
  const { bucket } = lab;
  const CORSRules = [{ AllowedOrigins: ["https://page.example"], AllowedMethods: ["POST"] }];
  await lab.client.send(
    new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules } }),
  );
  const { accessKeyId, secretAccessKey } = await lab.client.config.credentials();
  const keys = { accessKey: accessKeyId, secretKey: secretAccessKey };
  const conditions = [{ key: "a/b" }];
  const send = (key: string) => {
    const signed = signFormV4(keys, { bucket, conditions });
    const { contentType, body } = formOf([["key", key], ...signed, { name: "file", body: "x" }]);
    const { port } = new URL(lab.endpoint);
    const headers = {
      host: `${bucket}.localhost:${port}`,
      origin: "https://page.example",
      "content-type": contentType,
      "content-length": String(body.length),
    };
    return sendRaw(Number(port), wireBytes("POST", "/", headers, body));
  };
  const stored = await send("a/b");
  const refused = await send("b");
  expect([stored.status, refused.status, errorCode(refused)]).toEqual([204, 403, "AccessDenied"]);
  expect(stored.headers.get("location")).toMatch(/^http:\/\/[^/]+\.localhost:\d+\/a\/b$/);
  for (const { headers } of [stored, refused]) {
    expect(headers.get("access-control-allow-origin")).toBe("https://page.example");
  }
  expect(await get(lab, "a/b")).toEqual(Buffer.from("x"));
});

test("a bucket that is not there", async () => {
  const lab = await startS3();
  const form = formOf([["key", "a"], { name: "file", body: "x" }]);
  const answer = await fetch(`${lab.endpoint}/no-such-bucket-here`, {
    method: "POST",
    headers: { "content-type": form.contentType },
    body: form.body,
  });
  expect([answer.status, errorCode({ body: await answer.text() })]).toEqual([404, "NoSuchBucket"]);
});

test("a client that goes away in the middle of the file leaves what was there", async () => {
  const lab = await startS3();
  await lab.givenObject("key", "before");
  const { accessKeyId, secretAccessKey } = await lab.client.config.credentials();
  const keys = { accessKey: accessKeyId, secretKey: secretAccessKey };
  const signed = signFormV4(keys, { bucket: lab.bucket, conditions: [{ key: "key" }] });
  const parts: readonly FormPart[] = [["key", "key"], ...signed];
  const { contentType, body } = formOf([...parts, { name: "file", body: Buffer.alloc(MIB) }]);
  const { port, host } = new URL(lab.endpoint);
  const headers = { host, "content-type": contentType, "content-length": String(body.length) };
  const half = body.subarray(0, body.length / 2);

  const talk = exchange(Number(port), (socket) => {
    socket.end(wireBytes("POST", `/${lab.bucket}`, headers, half));
  });
  await expect(talk.then(({ status }) => status)).resolves.toBe(400);
  expect(await get(lab, "key")).toEqual(Buffer.from("before"));
});
