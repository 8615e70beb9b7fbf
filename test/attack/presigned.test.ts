// S26-S32: presigned URLs that have expired, were changed, or carry what was not signed.

import { expect } from "vitest";
import { type AttackCase, attackSuite } from "./attack-case.ts";
import { type AttackLab, KEPT, OTHERS, type PresignOptions, VICTIM } from "./attack-lab.ts";
import { wireBytes } from "../support/signing.ts";

const PATH = `/${VICTIM}/${KEPT}`;
const DENIED = [403, "AccessDenied"] as const;
const MISMATCH = [403, "SignatureDoesNotMatch"] as const;
const QUERY_ERROR = [400, "AuthorizationQueryParametersError"] as const;
const INVALID_ARGUMENT = [400, "InvalidArgument"] as const;

const get: PresignOptions = { method: "GET", path: PATH };
const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000);

type Change = (target: string) => string;

/** Presigns, changes the target, sends. */
const url = (
  row: string,
  name: string,
  answers: AttackCase["answers"],
  {
    change = (target) => target,
    ...options
  }: Partial<PresignOptions> & { readonly change?: Change },
): AttackCase => ({
  row,
  name,
  answers,
  send: (lab) => sendUrl(lab, options.method ?? "GET", change(lab.presign({ ...get, ...options }))),
});

function sendUrl(
  lab: AttackLab,
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
) {
  const length = method === "PUT" ? { "content-length": "3" } : {};
  const head = { host: lab.host, ...length, ...headers };
  return lab.sendBytes(wireBytes(method, target, head, method === "PUT" ? "abc" : ""));
}

const without = (name: string) => (target: string) =>
  target.replace(new RegExp(`${name}=[^&]*&?`), "").replace(/&$/, "");

attackSuite("presigned URLs", [
  url("S26", "expired by a second or two", [DENIED], { expires: "10", date: ago(12) }),
  url("S26", "a PUT that has expired", [DENIED], { method: "PUT", expires: "1", date: ago(60) }),
  ...["-1", "604801", "1e3", ""].map((expires) =>
    url("S27", `X-Amz-Expires=${expires}`, [QUERY_ERROR], { expires }),
  ),
  url("S28", "signed in the future", [DENIED], { date: ago(-3_600) }),
  ...["Algorithm", "Credential", "Date", "Expires", "SignedHeaders"].map((name) =>
    url("S29", `without X-Amz-${name}`, [QUERY_ERROR], { change: without(`X-Amz-${name}`) }),
  ),
  url("S29", "without a signature", [QUERY_ERROR, DENIED], { change: without("X-Amz-Signature") }),
  url("S29", "X-Amz-Date twice", [QUERY_ERROR], {
    change: (target) => `${target}&X-Amz-Date=20200101T000000Z`,
  }),
  url("S29", "x-amz-signature in lower case", [QUERY_ERROR, DENIED], {
    change: (target) => target.replace("X-Amz-Signature", "x-amz-signature"),
  }),
  {
    row: "S30",
    name: "another method",
    answers: [MISMATCH],
    send: (lab) => sendUrl(lab, "PUT", lab.presign(get)),
  },
  url("S30", "another key", [MISMATCH], { change: (target) => target.replace(KEPT, "else") }),
  url("S30", "a version that was not signed", [MISMATCH], {
    change: (target) => `${target}&versionId=null`,
  }),
  url("S30", "a part that was not signed", [MISMATCH], {
    change: (target) => `${target}&partNumber=1`,
  }),
  url("S30", "another host", [MISMATCH], { host: "elsewhere.example:9000" }),
  {
    row: "S31",
    name: "a PUT with a copy source that was not signed",
    answers: [DENIED],
    send: (lab) =>
      sendUrl(lab, "PUT", lab.presign({ method: "PUT", path: PATH }), {
        "x-amz-copy-source": `/${OTHERS}/secret`,
      }),
    check: (answer) => expect(answer.body).not.toContain("not yours"),
  },
  {
    row: "S32",
    name: "response headers overridden without a signature",
    answers: [[400, "InvalidRequest"], DENIED],
    send: (lab) => sendUrl(lab, "GET", `${PATH}?response-content-type=text/html`),
  },
  url("S32", "CR and LF in a response header", [INVALID_ARGUMENT], {
    query: { "response-content-type": "text%2Fplain%0D%0Aset-cookie%3A%20a%3Db" },
  }),
]);
