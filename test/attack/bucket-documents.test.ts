// What rows say of every document of a bucket: S18 (streamed payloads), S66-S68 (XML that is hostile, huge or broken), tried
// on CORS rules, who pays, acceleration, logs, notifications and lifecycle rules. After each the bucket has what it had.

import { createHash } from "node:crypto";
import { type AttackCase, attackSuite } from "./attack-case.ts";
import { type AttackLab, VICTIM } from "./attack-lab.ts";

const MALFORMED = [400, "MalformedXML"] as const;

const DOCUMENTS = [
  [
    "cors",
    "CORSConfiguration",
    "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>",
  ],
  ["requestPayment", "RequestPaymentConfiguration", "<Payer>Requester</Payer>"],
  ["accelerate", "AccelerateConfiguration", "<Status>Enabled</Status>"],
  ["logging", "BucketLoggingStatus", ""],
  ["notification", "NotificationConfiguration", ""],
  [
    "lifecycle",
    "LifecycleConfiguration",
    "<Rule><Status>Enabled</Status><Prefix>none/</Prefix><Expiration><Days>1</Days></Expiration></Rule>",
  ],
] as const;

const put = (lab: AttackLab, query: string, body: Buffer | string) =>
  lab.send({
    method: "PUT",
    path: `/${VICTIM}`,
    query: `${query}=`,
    body,
    headers: { "content-md5": createHash("md5").update(body).digest("base64") },
  });

const bad = (
  row: string,
  name: string,
  answers: AttackCase["answers"],
  change: (root: string, inner: string) => Buffer | string,
): AttackCase[] =>
  DOCUMENTS.map(([query, root, inner]) => ({
    row,
    name: `${query}: ${name}`,
    answers,
    send: (lab) => put(lab, query, change(root, inner)),
  }));

const doctype = "<!DOCTYPE x [<!ENTITY a 'aaaa'>]>";

attackSuite("documents of buckets", [
  ...DOCUMENTS.map(([query]): AttackCase => ({
    row: "S18",
    name: `${query}: a streamed payload`,
    answers: [[400, "InvalidRequest"]],
    send: (lab) =>
      lab.send({
        method: "PUT",
        path: `/${VICTIM}`,
        query: `${query}=`,
        payload: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        headers: { "x-amz-decoded-content-length": "0" },
      }),
  })),
  ...bad("S66", "a DOCTYPE", [MALFORMED], (root, inner) => `${doctype}<${root}>${inner}</${root}>`),
  ...bad("S66", "an entity", [MALFORMED], (root, inner) => `<${root}>${inner}&a;</${root}>`),
  ...bad(
    "S67",
    "3 MB",
    [MALFORMED, [400, "MaxMessageLengthExceeded"]],
    (root, inner) => `<${root}>${inner}<x>${"a".repeat(3_000_000)}</x></${root}>`,
  ),
  ...bad(
    "S67",
    "depth",
    [MALFORMED],
    (root) => `<${root}>${"<x>".repeat(9_000)}${"</x>".repeat(9_000)}</${root}>`,
  ),
  ...bad("S68", "another root", [MALFORMED], (_root, inner) => `<Other>${inner}</Other>`),
  ...bad("S68", "two roots", [MALFORMED], (root) => `<${root}/><${root}/>`),
  ...bad(
    "S68",
    "another namespace",
    [MALFORMED],
    (root, inner) => `<${root} xmlns="urn:x">${inner}</${root}>`,
  ),
  ...bad("S68", "UTF-16", [MALFORMED], (root) => Buffer.from(`\uFEFF<${root}/>`, "utf16le")),
  ...bad(
    "S68",
    "an element that nobody knows",
    [MALFORMED],
    (root, inner) => `<${root}>${inner}<Foo/></${root}>`,
  ),
]);
