// CORS as browsers meet it: the rules of a bucket by the SDK, preflights and requests with an Origin by hand. Headers
// stand on answers of every kind, and a preflight needs no signature.

import {
  DeleteBucketCorsCommand,
  GetBucketCorsCommand,
  PutBucketCorsCommand,
  type CORSRule,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { errorCode } from "../support/raw-http.ts";
import { refusal, type S3Lab, startS3 } from "../support/s3-server.ts";

const ORIGIN = "https://app.example";
const VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

const put = ({ client, bucket }: S3Lab, ...CORSRules: CORSRule[]) =>
  client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules } }));

const FULL: CORSRule = {
  ID: "full",
  AllowedOrigins: [ORIGIN, "https://*.example"],
  AllowedMethods: ["GET", "PUT"],
  AllowedHeaders: ["x-amz-*"],
  ExposeHeaders: ["ETag", "x-amz-meta-a"],
  MaxAgeSeconds: 3_000,
};
const OPEN: CORSRule = { AllowedOrigins: ["*"], AllowedMethods: ["HEAD"] };

async function preflight(
  { endpoint, bucket }: S3Lab,
  path: string,
  headers: Readonly<Record<string, string>>,
) {
  const answer = await fetch(`${endpoint}/${bucket}${path}`, { method: "OPTIONS", headers });
  const body = await answer.text();
  return { status: answer.status, headers: answer.headers, body, code: errorCode({ body }) };
}

test("rules are there, then others, then gone", async () => {
  const lab = await startS3();
  const { client, bucket: Bucket } = lab;
  const get = () => client.send(new GetBucketCorsCommand({ Bucket }));

  await put(lab, FULL, OPEN);
  expect((await get()).CORSRules).toEqual([FULL, OPEN]);
  await put(lab, OPEN);
  expect((await get()).CORSRules).toEqual([OPEN]);
  await client.send(new DeleteBucketCorsCommand({ Bucket }));
  expect(await refusal(get())).toEqual({ code: "NoSuchCORSConfiguration", status: 404 });
  await client.send(new DeleteBucketCorsCommand({ Bucket }));
});

test("rules that S3 would not take are refused, and the old ones stay", async () => {
  const lab = await startS3();
  await put(lab, FULL);
  const bad: CORSRule[] = [
    { ...FULL, AllowedOrigins: ["*.*"] },
    { ...FULL, AllowedMethods: ["PATCH"] },
    { ...FULL, ExposeHeaders: ["x-*"] },
  ];
  for (const rule of bad) {
    expect(await refusal(put(lab, rule))).toEqual({ code: "InvalidRequest", status: 400 });
  }
  const undigested = await lab.send({
    method: "PUT",
    path: "?cors=",
    body: "<CORSConfiguration/>",
  });
  expect([undigested.status, errorCode(undigested)]).toEqual([400, "InvalidRequest"]);
  const { CORSRules } = await lab.client.send(new GetBucketCorsCommand({ Bucket: lab.bucket }));
  expect(CORSRules).toEqual([FULL]);
});

test("a preflight of what is allowed", async () => {
  const lab = await startS3();
  await put(lab, FULL, OPEN);
  const { status, headers, body } = await preflight(
    lab,
    "/no/such/key?uploads=&X-Amz-Signature=x",
    {
      origin: ORIGIN,
      "access-control-request-method": "PUT",
      "access-control-request-headers": "X-Amz-Date, x-amz-acl",
    },
  );
  expect([status, body]).toEqual([200, ""]);
  expect(Object.fromEntries(headers)).toMatchObject({
    "access-control-allow-origin": ORIGIN,
    "access-control-allow-methods": "GET, PUT",
    "access-control-allow-headers": "x-amz-date, x-amz-acl",
    "access-control-expose-headers": "ETag, x-amz-meta-a",
    "access-control-max-age": "3000",
    "access-control-allow-credentials": "true",
    vary: VARY,
  });
  const open = await preflight(lab, "", {
    origin: "null",
    "access-control-request-method": "HEAD",
  });
  expect(open.headers.get("access-control-allow-origin")).toBe("*");
  expect(open.headers.get("access-control-allow-credentials")).toBeNull();
});

test("a preflight of what is not", async () => {
  const lab = await startS3();
  const asked = { origin: ORIGIN, "access-control-request-method": "PUT" };
  const forbidden = { status: 403, code: "AccessForbidden" };
  const none = await preflight(lab, "/key", asked);
  expect(none).toMatchObject(forbidden);
  expect(none.body).toContain("CORSResponse: CORS is not enabled for this bucket.");
  expect(none.body).toContain("<Method>PUT</Method><ResourceType>OBJECT</ResourceType>");

  await put(lab, FULL);
  const wrong = await preflight(lab, "", { ...asked, "access-control-request-method": "DELETE" });
  expect(wrong).toMatchObject(forbidden);
  expect(wrong.body).toContain("CORSResponse: This CORS request is not allowed.");
  expect(wrong.body).toContain("<ResourceType>BUCKET</ResourceType>");
  expect(wrong.headers.get("access-control-allow-origin")).toBeNull();
  const badHeader = { ...asked, "access-control-request-headers": "authorization" };
  expect(await preflight(lab, "", badHeader)).toMatchObject(forbidden);
  expect(await preflight(lab, "", { ...asked, origin: "http://x" })).toMatchObject(forbidden);

  const incomplete = { status: 400, code: "BadRequest" };
  expect(await preflight(lab, "", {})).toMatchObject(incomplete);
  expect(await preflight(lab, "", { origin: ORIGIN })).toMatchObject(incomplete);
  const odd = { ...asked, "access-control-request-method": "FOO" };
  expect(await preflight(lab, "", odd)).toMatchObject(incomplete);
  const elsewhere = { ...lab, bucket: "no-such-bucket-here" };
  expect(await preflight(elsewhere, "", asked)).toMatchObject(forbidden);
});

test("answers carry the headers, refusals too, and only those to an origin that is allowed", async () => {
  const lab = await startS3();
  await lab.givenObject("key", "body");
  await put(lab, FULL);
  const answerTo = async (method: string, path: string, origin?: string) => {
    const headers: Record<string, string> = origin === undefined ? {} : { origin };
    return (await lab.send({ method, path, headers })).headers;
  };
  const allowed = {
    "access-control-allow-origin": ORIGIN,
    "access-control-allow-methods": "GET, PUT",
    "access-control-expose-headers": "ETag, x-amz-meta-a",
    vary: VARY,
  };
  for (const path of ["key", "missing", "?uploads=", "?policy="]) {
    const headers = await answerTo("GET", path, ORIGIN);
    expect(Object.fromEntries(headers), path).toMatchObject(allowed);
  }
  const unsigned = await fetch(`${lab.endpoint}/${lab.bucket}/key`, {
    headers: { origin: ORIGIN },
  });
  expect(unsigned.status).toBe(403);
  expect(unsigned.headers.get("access-control-allow-origin")).toBe(ORIGIN);

  const stranger = await answerTo("GET", "key", "https://elsewhere");
  expect([stranger.get("access-control-allow-origin"), stranger.get("vary")]).toEqual([
    undefined,
    VARY,
  ]);
  expect((await answerTo("DELETE", "missing", ORIGIN)).has("access-control-allow-origin")).toBe(
    false,
  );
  expect((await answerTo("GET", "key")).has("vary")).toBe(false);
  await lab.client.send(new DeleteBucketCorsCommand({ Bucket: lab.bucket }));
  expect((await answerTo("GET", "key", ORIGIN)).has("access-control-allow-origin")).toBe(false);
});
