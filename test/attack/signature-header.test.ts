// S01-S15: signatures in the Authorization header that a correct client would not send.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AttackCase, attackSuite } from "./attack-case.ts";
import {
  type AttackLab,
  KEPT,
  OTHERS,
  type SendOptions,
  startAttackLab,
  VICTIM,
} from "./attack-lab.ts";
import { errorCode } from "../support/raw-http.ts";
import { sha256Hex, wireBytes } from "../support/signing.ts";

const put: SendOptions = { method: "PUT", path: `/${VICTIM}/${KEPT}`, body: "overwritten" };
const get: SendOptions = { method: "GET", path: `/${VICTIM}/${KEPT}` };
const DENIED = [403, "AccessDenied"] as const;
const MISMATCH = [403, "SignatureDoesNotMatch"] as const;
const MALFORMED = [400, "AuthorizationHeaderMalformed"] as const;
const INVALID = [400, "InvalidRequest"] as const;
const MINUTE_MS = 60_000;

/** Replaces part of the Authorization header after signing. */
const withAuthorization = (change: (value: string) => string): Pick<SendOptions, "tamper"> => ({
  tamper: (headers) => {
    headers["authorization"] = change(headers["authorization"] ?? "");
  },
});

const tampered = (
  row: string,
  name: string,
  answer: readonly [number, string],
  change: (value: string) => string,
): AttackCase => ({
  row,
  name,
  answers: [answer],
  send: (lab) => lab.send({ ...put, ...withAuthorization(change) }),
});

const option = (
  row: string,
  name: string,
  answer: readonly [number, string],
  options: Partial<SendOptions>,
): AttackCase => ({
  row,
  name,
  answers: [answer],
  send: (lab) => lab.send({ ...put, ...options }),
});

/** A request whose named header is sent twice. */
async function duplicated(lab: AttackLab, name: string) {
  const { headers } = lab.sign(put);
  const entries = Object.entries(headers);
  const twice = entries.filter(([header]) => header === name);
  return lab.sendBytes(wireBytes("PUT", put.path, [...entries, ...twice], put.body));
}

attackSuite("signatures in headers", [
  {
    row: "S01",
    name: "no credentials",
    answers: [DENIED],
    send: (lab) => lab.sendBytes(wireBytes("GET", get.path, { host: lab.host })),
  },
  {
    row: "S01",
    name: "no credentials on a write",
    answers: [DENIED],
    send: (lab) =>
      lab.sendBytes(wireBytes("PUT", put.path, { host: lab.host, "content-length": "3" }, "abc")),
  },
  option("S02", "an unknown access key", [403, "InvalidAccessKeyId"], {
    keys: { accessKey: "NOSUCHACCESSKEY00000", secretKey: "whatever" },
  }),
  {
    row: "S03",
    name: "a wrong secret",
    answers: [MISMATCH],
    send: (lab) => lab.send({ ...put, keys: { ...lab.keys, secretKey: "wrong" } }),
    check: (answer, lab) => {
      // The XML helps to find the difference and gives no secret away.
      expect(answer.body).toContain("<CanonicalRequest>");
      expect(answer.body).toContain("<StringToSign>");
      expect(answer.body).not.toContain(lab.keys.secretKey);
    },
  },
  tampered("S03", "one flipped hex digit", MISMATCH, (value) =>
    value.replace(/.$/, (digit) => (digit === "0" ? "1" : "0")),
  ),
  tampered("S03", "an upper-case signature", MISMATCH, (value) =>
    value.replace(/Signature=.*/, (text) => `Signature=${text.slice(10).toUpperCase()}A`),
  ),
  tampered("S03", "a short signature", MISMATCH, (value) => value.slice(0, -2)),
  {
    row: "S03",
    name: "an empty signature",
    answers: [MISMATCH, MALFORMED],
    send: (lab) =>
      lab.send({
        ...put,
        ...withAuthorization((value) => value.replace(/Signature=.*/, "Signature=")),
      }),
  },
  ...["Credential", "SignedHeaders", "Signature"].map((part) =>
    tampered("S04", `an Authorization without ${part}`, MALFORMED, (value) =>
      value.replace(new RegExp(`${part}=[^,]*(, )?`), ""),
    ),
  ),
  tampered("S04", "garbage after the algorithm", MALFORMED, () => "AWS4-HMAC-SHA256 garbage"),
  tampered("S04", "six thousand commas", MALFORMED, () => `AWS4-HMAC-SHA256 ${",".repeat(6_000)}`),
  {
    ...option("S05", "a wrong region", MALFORMED, { region: "mars-north-1" }),
    check: (answer) => expect(answer.body).toContain("<Region>us-east-1</Region>"),
  },
  option("S05", "a wrong service", MALFORMED, { service: "ec2" }),
  tampered("S05", "a wrong terminator", MALFORMED, (value) =>
    value.replace("/aws4_request", "/aws5_request"),
  ),
  tampered("S06", "another date in the credential", MALFORMED, (value) =>
    value.replace(/\/\d{8}\//, "/20200101/"),
  ),
  {
    row: "S06",
    name: "an unreadable x-amz-date",
    answers: [MALFORMED, DENIED],
    send: (lab) => lab.send({ ...put, tamper: (headers) => (headers["x-amz-date"] = "yesterday") }),
  },
  option("S07", "neither Date nor x-amz-date", DENIED, {
    tamper: (headers) => delete headers["x-amz-date"],
  }),
  ...[15 * MINUTE_MS + 2_000, -(15 * MINUTE_MS + 2_000)].map((skew) => ({
    row: "S08",
    name: `a clock ${skew > 0 ? "ahead" : "behind"} by more than 15 minutes`,
    answers: [[403, "RequestTimeTooSkewed"] as const],
    send: (lab: AttackLab) => lab.send({ ...put, date: new Date(Date.now() + skew) }),
  })),
  option("S09", "a host that is not signed", DENIED, {
    signedHeaders: ["x-amz-date", "x-amz-content-sha256", "content-length"],
  }),
  ...["x-amz-copy-source", "x-amz-tagging", "x-amz-acl", "x-amz-website-redirect-location"].map(
    (name) =>
      option("S10", `an unsigned ${name}`, DENIED, {
        tamper: (headers) =>
          (headers[name] = name === "x-amz-acl" ? "private" : `/${VICTIM}/${KEPT}`),
      }),
  ),
  ...["authorization", "x-amz-date", "x-amz-content-sha256", "host"].map((name) => ({
    row: "S11",
    name: `${name} twice`,
    answers: [INVALID, [400, "BadRequest"] as const],
    send: (lab: AttackLab) => duplicated(lab, name),
  })),
  {
    row: "S12",
    name: "signatures in the header and in the query",
    answers: [[400, "InvalidArgument"]],
    send: (lab) => {
      const query = lab.presign({ method: "PUT", path: put.path }).split("?")[1] ?? "";
      return lab.send({ ...put, query });
    },
  },
  tampered("S13", "an algorithm that is not supported", INVALID, (value) =>
    value.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
  ),
  {
    row: "S13",
    name: "the algorithm in lower case",
    answers: [INVALID, [400, "InvalidArgument"]],
    send: (lab) =>
      lab.send({
        ...put,
        ...withAuthorization((value) => value.replace("AWS4-HMAC-SHA256", "aws4-hmac-sha256")),
      }),
  },
  option("S14", "a body that is not the one signed", [400, "XAmzContentSHA256Mismatch"], {
    payload: sha256Hex("something else"),
  }),
  option("S15", "no x-amz-content-sha256", INVALID, {
    tamper: (headers) => delete headers["x-amz-content-sha256"],
    signedHeaders: ["host", "x-amz-date"],
  }),
  ...["foo", "0".repeat(63), ""].map((payload) => ({
    row: "S15",
    name: `x-amz-content-sha256 of '${payload.slice(0, 8)}' (${payload.length} characters)`,
    answers: [INVALID, [400, "InvalidArgument"] as const],
    send: (lab: AttackLab) => lab.send({ ...put, payload }),
  })),
]);

const flip = (digit: string) => (digit === "0" ? "1" : "0");
const without = (body: string) =>
  body.replace(/<(RequestId|HostId|SignatureProvided)>[^<]*<\/\1>/g, "");

describe("what a refusal tells", () => {
  let lab: AttackLab;
  beforeAll(async () => {
    lab = await startAttackLab();
  });
  afterAll(() => lab.stop());

  test("S93: a signature that is wrong at its first digit is refused as one wrong at its last", async () => {
    const date = new Date();
    const first = withAuthorization((value) =>
      value.replace(/Signature=(.)/, (_, digit: string) => `Signature=${flip(digit)}`),
    );
    const last = withAuthorization((value) => value.replace(/.$/, flip));
    const answers = [
      await lab.send({ ...get, date, ...first }),
      await lab.send({ ...get, date, ...last }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403]);
    expect(without(answers[0]?.body ?? "")).toBe(without(answers[1]?.body ?? "-"));
  });

  test("S93: a name that nobody has and one whose bucket is another's tell nothing of keys", async () => {
    const path = `/${OTHERS}/secret`;
    const [there, absent] = [
      await lab.send({ ...get, path }),
      await lab.send({ ...get, path: `${path}-absent` }),
    ];
    expect([there.status, absent.status]).toEqual([403, 403]);
    expect(errorCode(there)).toBe(errorCode(absent));
  });
});
