// Credentials that are missing, broken, old or somebody else's, row by row of the project's list of hostile input.

import { createHash, createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { authenticate, type AuthSettings } from "../../../src/auth/authenticate.ts";
import { createCredentialSource } from "../../../src/auth/credentials.ts";
import { MovableClock } from "../../../src/util/clock.ts";
import {
  account,
  EXAMPLE_KEY,
  EXAMPLE_SECRET,
  givenRequest,
  givenSettings,
  type HeaderList,
  refusalOf,
} from "./given-request.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");
const DATE = "20260501T120000Z";
const DAY = "20260501";
const EMPTY = createHash("sha256").digest("hex");

interface Signing {
  readonly date?: string;
  readonly region?: string;
  readonly service?: string;
  readonly secret?: string;
  readonly signed?: readonly string[];
}

const hmac = (key: Buffer | string, text: string) =>
  createHmac("sha256", key).update(text).digest();

/** A second V4 signer, written apart from the one under test; `canonical` ends in the payload's hash. */
function signatureOf(
  canonical: string,
  { date = DATE, region = "us-east-1", ...more }: Signing,
): string {
  const { service = "s3", secret = EXAMPLE_SECRET } = more;
  const day = date.slice(0, 8);
  const hash = createHash("sha256").update(canonical).digest("hex");
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${day}/${region}/${service}/aws4_request\n${hash}`;
  const key = [region, service, "aws4_request"].reduce(hmac, hmac(`AWS4${secret}`, day));
  return hmac(key, toSign).toString("hex");
}

interface SignedHeaders extends Readonly<Record<string, string>> {
  readonly authorization: string;
}

function signedHeaders(
  signing: Signing = {},
  extra: Readonly<Record<string, string>> = {},
): SignedHeaders {
  const { date = DATE, region = "us-east-1", service = "s3" } = signing;
  const headers: Record<string, string> = {
    host: "s3.example",
    "x-amz-content-sha256": EMPTY,
    "x-amz-date": date,
    ...extra,
  };
  const names = signing.signed ?? Object.keys(headers).toSorted();
  const lines = names.map((name) => `${name}:${headers[name] ?? ""}\n`).join("");
  const hash = headers["x-amz-content-sha256"] ?? "";
  const signature = signatureOf(`GET\n/b/k\n\n${lines}\n${names.join(";")}\n${hash}`, signing);
  const scope = `${EXAMPLE_KEY}/${date.slice(0, 8)}/${region}/${service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return { ...headers, authorization };
}

function refusal(
  headers: HeaderList | Readonly<Record<string, string>>,
  more: Partial<AuthSettings> = {},
) {
  const settings = givenSettings({ nowMs: NOW, ...more });
  return refusalOf(() => authenticate(givenRequest("GET", "/b/k", headers), settings, undefined));
}

const good = signedHeaders();
const withAuthorization = (change: (value: string) => string) => ({
  ...good,
  authorization: change(good.authorization),
});

test("the signer of these tests is right", () => {
  const request = givenRequest("GET", "/b/k", good);
  const result = authenticate(request, givenSettings({ nowMs: NOW }), undefined);
  expect(result).toMatchObject({ accessKey: EXAMPLE_KEY, account });
});

test.each([
  ["S01", "no credentials", { host: "s3.example" }, "AccessDenied"],
  ["S01", "an empty Authorization", withAuthorization(() => ""), "AccessDenied"],
  [
    "S02",
    "an unknown access key",
    withAuthorization((value) => value.replace(EXAMPLE_KEY, "AKIANOBODY")),
    "InvalidAccessKeyId",
  ],
  ["S03", "a wrong secret", signedHeaders({ secret: "wrong" }), "SignatureDoesNotMatch"],
  [
    "S03",
    "a flipped digit",
    withAuthorization((value) => `${value.slice(0, -1)}${value.endsWith("0") ? "1" : "0"}`),
    "SignatureDoesNotMatch",
  ],
  [
    "S03",
    "an upper-case signature",
    withAuthorization((value) => value.replace(/[0-9a-f]{64}$/, (hex) => hex.toUpperCase())),
    "SignatureDoesNotMatch",
  ],
  [
    "S03",
    "a short signature",
    withAuthorization((value) => value.slice(0, -2)),
    "SignatureDoesNotMatch",
  ],
  ["S03", "a long signature", withAuthorization((value) => `${value}00`), "SignatureDoesNotMatch"],
  [
    "S03",
    "an empty signature",
    withAuthorization((value) => value.replace(/[0-9a-f]{64}$/, "")),
    "SignatureDoesNotMatch",
  ],
  [
    "S04",
    "no Credential",
    withAuthorization((value) => value.replace(/Credential=[^,]*,/, "")),
    "AuthorizationHeaderMalformed",
  ],
  [
    "S04",
    "no SignedHeaders",
    withAuthorization((value) => value.replace(/SignedHeaders=[^,]*,/, "")),
    "AuthorizationHeaderMalformed",
  ],
  [
    "S04",
    "no Signature",
    withAuthorization((value) => value.replace(/, Signature=.*/, "")),
    "AuthorizationHeaderMalformed",
  ],
  [
    "S04",
    "a field twice",
    withAuthorization((value) => `${value}, Signature=0`),
    "AuthorizationHeaderMalformed",
  ],
  ["S04", "garbage", withAuthorization(() => "\u00ff garbage"), "AuthorizationHeaderMalformed"],
  [
    "S04",
    "the algorithm alone",
    withAuthorization(() => "AWS4-HMAC-SHA256"),
    "AuthorizationHeaderMalformed",
  ],
  [
    "S04",
    "ten thousand commas",
    withAuthorization(() => `AWS4-HMAC-SHA256 ${",".repeat(10_000)}`),
    "AuthorizationHeaderMalformed",
  ],
  ["S05", "a wrong region", signedHeaders({ region: "eu-west-1" }), "AuthorizationHeaderMalformed"],
  ["S05", "a wrong service", signedHeaders({ service: "sts" }), "AuthorizationHeaderMalformed"],
  [
    "S05",
    "a wrong terminator",
    withAuthorization((value) => value.replace("aws4_request", "aws5")),
    "AuthorizationHeaderMalformed",
  ],
  [
    "S06",
    "another day in the scope",
    withAuthorization((value) => value.replace(DAY, "20260430")),
    "AuthorizationHeaderMalformed",
  ],
  [
    "S06",
    "a day that is none",
    withAuthorization((value) => value.replace(DAY, "2026-5-1")),
    "AuthorizationHeaderMalformed",
  ],
  [
    "S06",
    "a date that is none",
    { ...good, "x-amz-date": "20260231T120000Z" },
    "AuthorizationHeaderMalformed",
  ],
  [
    "S06",
    "a date in words",
    { ...good, "x-amz-date": "yesterday" },
    "AuthorizationHeaderMalformed",
  ],
  ["S08", "a date too old", signedHeaders({ date: "20260501T114459Z" }), "RequestTimeTooSkewed"],
  ["S08", "a date too new", signedHeaders({ date: "20260501T121501Z" }), "RequestTimeTooSkewed"],
  [
    "S09",
    "an unsigned host",
    signedHeaders({ signed: ["x-amz-content-sha256", "x-amz-date"] }),
    "AccessDenied",
  ],
  ["S10", "an unsigned tagging", { ...good, "x-amz-tagging": "a=b" }, "AccessDenied"],
  ["S12", "two mechanisms", good, "InvalidArgument"],
  [
    "S13",
    "another algorithm",
    withAuthorization((value) => value.replace("HMAC", "ECDSA-P256")),
    "InvalidRequest",
  ],
  [
    "S13",
    "a lower-case algorithm",
    withAuthorization((value) => value.replace("AWS4-HMAC-SHA256", "aws4-hmac-sha256")),
    "InvalidRequest",
  ],
  [
    "S15",
    "a hash that is none",
    signedHeaders({}, { "x-amz-content-sha256": "foo" }),
    "InvalidRequest",
  ],
  [
    "S15",
    "a hash of 63 digits",
    signedHeaders({}, { "x-amz-content-sha256": EMPTY.slice(1) }),
    "InvalidRequest",
  ],
  [
    "S33",
    "a session token",
    signedHeaders({}, { "x-amz-security-token": "token" }),
    "InvalidToken",
  ],
] as const)("%s: %s", (row, _, headers, code) => {
  const target = row === "S12" ? "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256" : "/b/k";
  const request = givenRequest("GET", target, headers);
  const settings = givenSettings({ nowMs: NOW });
  expect(refusalOf(() => authenticate(request, settings, undefined)).code).toBe(code);
});

test("S07, S15: without a date, without a hash of the payload", () => {
  const { "x-amz-date": date, ...undated } = good;
  expect(date).toBe(DATE);
  expect(refusal(undated).code).toBe("AccessDenied");
  const { "x-amz-content-sha256": hash, ...unhashed } = good;
  expect(hash).toBe(EMPTY);
  expect(refusal(unhashed).code).toBe("InvalidRequest");
});

test("a Date in place of x-amz-date is accepted", () => {
  const signing = { signed: ["host", "x-amz-content-sha256"] };
  const { "x-amz-date": _, ...headers } = signedHeaders(signing);
  const request = givenRequest("GET", "/b/k", {
    ...headers,
    date: "Fri, 01 May 2026 12:00:00 GMT",
  });
  const settings = givenSettings({ nowMs: NOW });
  expect(authenticate(request, settings, undefined).method).toBe("header");
});

test.each(["Authorization", "X-Amz-Date", "X-Amz-Content-SHA256", "Host"])(
  "S11: %s twice",
  (name) => {
    const value = Object.entries(good).find(([key]) => key === name.toLowerCase())?.[1] ?? "";
    expect(refusal([...Object.entries(good), [name, value]]).code).toBe("InvalidRequest");
  },
);

test("refusals say what is needed to find the fault, and no secret", () => {
  expect(refusal(signedHeaders({ region: "eu-west-1" })).detail).toEqual({ Region: "us-east-1" });
  expect(refusal(signedHeaders({ date: "20260501T110000Z" })).detail).toEqual({
    RequestTime: "20260501T110000Z",
    ServerTime: "2026-05-01T12:00:00Z",
    MaxAllowedSkewMilliseconds: "900000",
  });
  expect(refusal({ ...good, "x-amz-acl": "private" })).toMatchObject({
    message: "There were headers present in the request which were not signed",
    detail: { HeadersNotSigned: "x-amz-acl" },
  });
  const { detail } = refusal(signedHeaders({ secret: "wrong" }));
  expect(detail).toMatchObject({
    AWSAccessKeyId: EXAMPLE_KEY,
    SignatureProvided: expect.stringMatching(/^[0-9a-f]{64}$/),
    StringToSign: expect.stringMatching(/^AWS4-HMAC-SHA256\n20260501T120000Z\n/),
    StringToSignBytes: expect.stringMatching(/^41 57 53 34( [0-9a-f]{2})+$/),
    CanonicalRequest: expect.stringMatching(/^GET\n\/b\/k\n\nhost:s3.example\n/),
    CanonicalRequestBytes: expect.stringMatching(/^47 45 54 0a( [0-9a-f]{2})+$/),
  });
  const right = /Signature=(.*)/.exec(good.authorization)?.[1] ?? "";
  expect(JSON.stringify(detail)).not.toMatch(new RegExp(`${EXAMPLE_SECRET}|${right}`));
});

test("header values of Latin-1 are accepted as bytes and as botocore signs them", () => {
  const asBytes = signedHeaders({}, { "x-amz-meta-name": "caf\u00e9" });
  const settings = givenSettings({ nowMs: NOW });
  const request = givenRequest("GET", "/b/k", asBytes);
  // createHash took the text as UTF-8, which is what botocore signs and not what it sends.
  expect(authenticate(request, settings, undefined).method).toBe("header");
  const utf8OnTheWire = { ...asBytes, "x-amz-meta-name": Buffer.from("café").toString("latin1") };
  const sameBytes = givenRequest("GET", "/b/k", utf8OnTheWire);
  expect(authenticate(sameBytes, settings, undefined).method).toBe("header");
});

const PRESIGN = { algorithm: "AWS4-HMAC-SHA256", date: DATE, expires: "900" };

function presignedTarget(change: Partial<typeof PRESIGN> & { extra?: string } = {}): string {
  const { algorithm, date, expires } = { ...PRESIGN, ...change };
  const scope = encodeURIComponent(`${EXAMPLE_KEY}/${date.slice(0, 8)}/us-east-1/s3/aws4_request`);
  const query = `X-Amz-Algorithm=${algorithm}&X-Amz-Credential=${scope}&X-Amz-Date=${date}&X-Amz-Expires=${encodeURIComponent(expires)}&X-Amz-SignedHeaders=host${change.extra ?? ""}`;
  const canonical = `GET\n/b/k\n${query}\nhost:s3.example\n\nhost\nUNSIGNED-PAYLOAD`;
  return `/b/k?${query}&X-Amz-Signature=${signatureOf(canonical, { date })}`;
}

function presignedRefusal(target: string, headers: Readonly<Record<string, string>> = {}) {
  const request = givenRequest("GET", target, { host: "s3.example", ...headers });
  return refusalOf(() => authenticate(request, givenSettings({ nowMs: NOW }), undefined));
}

const QUERY_ERROR = "AuthorizationQueryParametersError";

test.each([
  ["S26", "expired by a second", { date: "20260501T114459Z" }, "AccessDenied"],
  ["S26", "expired before it began", { expires: "-1000" }, "AccessDenied"],
  ["S27", "-1 seconds", { expires: "-1" }, QUERY_ERROR],
  ["S27", "more than a week", { expires: "604801" }, QUERY_ERROR],
  ["S27", "1e3 seconds", { expires: "1e3" }, QUERY_ERROR],
  ["S27", "no seconds", { expires: "" }, QUERY_ERROR],
  ["S28", "a date to come", { date: "20260501T121501Z" }, "AccessDenied"],
  ["S28", "a date that is none", { date: "20260501" }, QUERY_ERROR],
  ["S13", "another algorithm", { algorithm: "AWS4-ECDSA-P256-SHA256" }, QUERY_ERROR],
  ["S29", "a parameter twice", { extra: "&X-Amz-Date=20260501T120000Z" }, QUERY_ERROR],
  ["S29", "a parameter in another case", { extra: "&x-amz-expires=900" }, QUERY_ERROR],
  ["S33", "a session token", { extra: "&X-Amz-Security-Token=t" }, "InvalidToken"],
] as const)("presigned, %s: %s", (...example) => {
  const [, , change, code] = example;
  expect(presignedRefusal(presignedTarget(change)).code).toBe(code);
});

test.each(["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"])(
  "S29: a URL without X-Amz-%s, or with it in lower case",
  (name) => {
    const target = presignedTarget();
    const without = target.replace(new RegExp(`[&?]X-Amz-${name}=[^&]*`), "").replace(/k&/, "k?");
    expect(presignedRefusal(without).code).toBe(QUERY_ERROR);
    const lower = target.replace(`X-Amz-${name}=`, `x-amz-${name.toLowerCase()}=`);
    expect(presignedRefusal(lower).code).toBe(QUERY_ERROR);
  },
);

test("a URL lives until its last second", () => {
  const request = givenRequest("GET", presignedTarget(), { host: "s3.example" });
  expect(authenticate(request, givenSettings({ nowMs: NOW + 900_000 }), undefined).method).toBe(
    "presigned",
  );
  const late = refusalOf(() =>
    authenticate(request, givenSettings({ nowMs: NOW + 901_000 }), undefined),
  );
  expect(late).toMatchObject({
    message: "Request has expired",
    detail: { Expires: "2026-05-01T12:15:00Z", ServerTime: "2026-05-01T12:15:01Z" },
  });
});

const dateOf = (ms: number) =>
  `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;

test("a URL signed before the clock was moved has aged; a request signed after is fresh", () => {
  const clock = new MovableClock();
  const settings = { ...givenSettings(), clock };
  const earlier = dateOf(Date.now() - 2_000);
  const request = givenRequest("GET", presignedTarget({ date: earlier }), { host: "s3.example" });
  expect(authenticate(request, settings, undefined).method).toBe("presigned");
  clock.advance({ hours: 1 });
  expect(refusalOf(() => authenticate(request, settings, undefined)).code).toBe("AccessDenied");
  // SDKs correct their clocks by a header of whole seconds, so that their dates may be behind the move.
  for (const lagMs of [0, 1_000]) {
    const headers = signedHeaders({ date: dateOf(Date.now() - lagMs) });
    const fresh = givenRequest("GET", "/b/k", headers);
    expect(authenticate(fresh, settings, undefined).method).toBe("header");
  }
  const stale = givenRequest("GET", "/b/k", signedHeaders({ date: dateOf(Date.now() - 5_000) }));
  expect(refusalOf(() => authenticate(stale, settings, undefined)).code).toBe(
    "RequestTimeTooSkewed",
  );
});

test("S12, S17, S32: two mechanisms, a streamed payload with a wrong signature, overrides without a signature", () => {
  const authorization = good.authorization;
  expect(presignedRefusal(presignedTarget(), { authorization }).code).toBe("InvalidArgument");
  const target = presignedTarget();
  const wrong = `${target.slice(0, -1)}${target.endsWith("0") ? "1" : "0"}`;
  const streamed = { "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER" };
  expect(presignedRefusal(wrong, streamed).code).toBe("SignatureDoesNotMatch");
  const signedStream = { "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" };
  expect(presignedRefusal(target, signedStream).code).toBe("InvalidRequest");
  expect(presignedRefusal("/b/k?response-content-type=text/html").code).toBe("InvalidRequest");
});

test("a header signed twice is refused, so that a canonical request is never longer than the request", () => {
  const twice = signedHeaders({ signed: ["host", "host", "x-amz-content-sha256", "x-amz-date"] });
  expect(refusal(twice).code).toBe("AuthorizationHeaderMalformed");
  const target = presignedTarget().replace("SignedHeaders=host", "SignedHeaders=host;host");
  expect(presignedRefusal(target).code).toBe(QUERY_ERROR);
});

test("two users cannot share an access key", () => {
  const credential = { accessKey: "k", secretKey: "s", account };
  expect(() => createCredentialSource([credential, credential])).toThrow(/share/);
});
