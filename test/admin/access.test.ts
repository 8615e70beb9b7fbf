// Who gets into the admin API: the root key, by a signature for this service, and nobody and nothing else. Every route is
// walked with everything that must not open it.

import { beforeAll, afterAll, describe, expect, test } from "vitest";
import { ADMIN_ROUTES } from "../../src/admin/admin-routes.ts";
import { presignV4, wireBytes } from "../support/signing.ts";
import { sendRaw } from "../support/raw-http.ts";
import {
  codeOfAnswer,
  startAdmin,
  type AdminLab,
  type AdminSend,
} from "../support/admin-server.ts";

let lab: AdminLab;
const endings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  lab = await startAdmin({}, (end) => endings.push(end));
});
afterAll(async () => {
  for (const end of endings) await end();
});

const MINUTE_MS = 60_000;
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * MINUTE_MS);
const WRONG = "AKIAIOSFODNN7EXAMPLE";

/** What must not open a door, and the code that says why. */
const REFUSED: readonly (readonly [string, string, () => Partial<AdminSend>])[] = [
  ["no signature", "AccessDenied", () => ({ tamper: drop("authorization") })],
  ["an empty one", "AccessDenied", () => ({ tamper: set("authorization", "") })],
  ["a wrong secret", "SignatureDoesNotMatch", () => ({ keys: { ...lab.keys, secretKey: "x" } })],
  ["an unknown key", "InvalidAccessKeyId", () => ({ keys: { ...lab.keys, accessKey: WRONG } })],
  ["another account's key", "InvalidAccessKeyId", () => ({ keys: lab.otherKeys })],
  ["a signature for S3", "AuthorizationHeaderMalformed", () => ({ service: "s3" })],
  ["one of an hour ago", "RequestTimeTooSkewed", () => ({ date: minutesAgo(60) })],
  ["one of tomorrow", "RequestTimeTooSkewed", () => ({ date: minutesAgo(-24 * 60) })],
  ["an unsigned body", "AccessDenied", () => ({ payload: "UNSIGNED-PAYLOAD" })],
  ["a chunked body", "AccessDenied", () => ({ payload: "STREAMING-UNSIGNED-PAYLOAD-TRAILER" })],
  ["a token that is none", "InvalidToken", () => ({ headers: { "x-amz-security-token": "t" } })],
  [
    "a bare bearer",
    "AuthorizationHeaderMalformed",
    () => ({ tamper: set("authorization", "Bearer") }),
  ],
  [
    "Basic",
    "AuthorizationHeaderMalformed",
    () => ({ tamper: set("authorization", "Basic cm9vdDpyb290") }),
  ],
  [
    "Signature V2",
    "InvalidRequest",
    () => ({ tamper: set("authorization", `AWS ${lab.keys.accessKey}:c2ln`) }),
  ],
  ["a header that was added", "AccessDenied", () => ({ tamper: set("x-amz-more", "1") })],
  ["a date that was changed", "SignatureDoesNotMatch", () => ({ tamper: laterDate })],
];

function drop(name: string) {
  return (headers: Record<string, string>) => {
    delete headers[name];
  };
}

function set(name: string, value: string) {
  return (headers: Record<string, string>) => {
    headers[name] = value;
  };
}

function laterDate(headers: Record<string, string>): void {
  const date = headers["x-amz-date"] ?? "";
  const digit = date.at(-2) === "9" ? "8" : "9";
  headers["x-amz-date"] = `${date.slice(0, -2)}${digit}Z`;
}

/** Those of browsers have tests of their own (sessions.test.ts): of failures to sign in only a few are answered so. */
const SIGNED_ROUTES = ADMIN_ROUTES.filter(
  ({ access, isSignIn }) => (access === "root" || access === "metrics") && isSignIn !== true,
);

test("every route is behind the root key, but for the document and what a browser's session may", () => {
  const others = ADMIN_ROUTES.filter((route) => !SIGNED_ROUTES.includes(route));
  expect(others.map(({ method, path, access }) => `${method} ${path} ${access}`)).toEqual([
    "POST /v1/session root",
    "DELETE /v1/session session",
    "GET /v1/openapi.json public",
  ]);
});

describe.each(SIGNED_ROUTES)("S55: $method $path", ({ method, path }) => {
  test.each(REFUSED)("is not opened by %s", async (_what, code, change) => {
    const answer = await lab.send({ method, path, ...change() });
    expect([answer.status, codeOfAnswer(answer)]).toEqual([403, code]);
    expect(answer.headers.get("content-type")).toBe("application/json");
  });

  test("is not opened by a presigned URL", async () => {
    const { host } = new URL(lab.endpoint);
    const query = presignV4(lab.keys, { method, path, host });
    const answer = await sendRaw(lab.port, wireBytes(method, `${path}?${query}`, { host }));
    expect(answer.status).toBe(403);
  });

  test("answers other methods with 405", async () => {
    const taken = ADMIN_ROUTES.filter((route) => route.path === path).map((route) => route.method);
    const methods = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"] as const;
    for (const other of methods.filter((each) => taken.every((own) => own !== each))) {
      const raw = { isHead: other === "HEAD" };
      expect((await lab.send({ method: other, path, raw })).status).toBe(405);
    }
  });
});

test("the root key opens every route that answers at once, in any region", async () => {
  for (const region of ["us-east-1", "eu-central-1"]) {
    for (const path of ["/v1/status", "/metrics"]) {
      expect((await lab.send({ path, region })).status).toBe(200);
    }
  }
});

test.each([
  "/index.html",
  "/console/",
  "/console/../console/main.js",
  "/console/%6dain.js",
  "/v1",
  "/v1/",
  "/v1/status/",
  "//v1/status",
  "/v1/../v1/status",
  "/V1/STATUS",
  "/v1/%73tatus",
  "/v2/status",
  "/metrics/x",
  "/_kintsugi/ready",
  "/__proto__",
])("%s is not there, and says so in JSON", async (path) => {
  const answer = await lab.send({ path });
  expect([answer.status, codeOfAnswer(answer)]).toEqual([404, "NotFound"]);
});

test("a request that starts something is obeyed once, and the same asked anew is another", async () => {
  const request = { method: "POST", path: "/v1/sweep", body: '{"dryRun":true}' };
  const headers = { "x-amz-client-nonce": "a" };
  const bytes = lab.render({ ...request, headers });
  const first = await sendRaw(lab.port, bytes);
  expect(first.status).toBe(200);
  const again = await sendRaw(lab.port, bytes);
  expect([again.status, codeOfAnswer(again)]).toEqual([403, "RequestReplayed"]);
  const anew = await lab.send({ ...request, headers: { "x-amz-client-nonce": "b" } });
  expect(anew.status).toBe(200);
});

test("a body that is not the signed one is refused, and nothing of it is done", async () => {
  const body = '{"dryRun":true}';
  const bytes = lab.render({ method: "POST", path: "/v1/sweep", body });
  const changed = Buffer.from(bytes.toString("latin1").replace("true", '"no"'), "latin1");
  const answer = await sendRaw(lab.port, changed);
  expect([answer.status, codeOfAnswer(answer)]).toEqual([400, "XAmzContentSHA256Mismatch"]);
});

test("nothing of the S3 port leads here, and the other way about", async () => {
  const port = Number(new URL(lab.server.endpoint).port);
  const onS3 = await sendRaw(port, lab.render({ path: "/v1/status" }));
  expect(onS3.status).toBe(400);
  const s3Signed = await lab.send({ path: "/bucket", service: "s3" });
  expect(s3Signed.status).toBe(404);
});
