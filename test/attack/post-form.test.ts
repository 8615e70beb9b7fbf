// S61-S65 (policies and bodies of forms), and what other rows say of forms: S18 (streamed payloads), S77 (metadata that no
// header can carry). After each nothing has changed.

import { type AttackCase, attackSuite } from "./attack-case.ts";
import { type AttackLab, KEPT, OTHERS, VICTIM } from "./attack-lab.ts";
import {
  type FormBytes,
  formOf,
  type FormPart,
  type PolicyInput,
  signFormV2,
  signFormV4,
} from "../support/post-form.ts";
import { wireBytes } from "../support/signing.ts";

const DENIED = [403, "AccessDenied"] as const;
const NO_POLICY = [400, "InvalidPolicyDocument"] as const;
const MALFORMED = [400, "MalformedPOSTRequest"] as const;
const BAD_ARGUMENT = [400, "InvalidArgument"] as const;
const TOO_MUCH = [400, "MaxPostPreDataLengthExceeded"] as const;

const FILE: FormPart = { name: "file", fileName: "name.txt", body: "overwritten" };
const KEY: FormPart = ["key", KEPT];

function sendForm(lab: AttackLab, { contentType, body }: FormBytes, more: HeaderTexts = {}) {
  const headers = {
    host: lab.host,
    "content-type": contentType,
    "content-length": String(body.length),
    ...more,
  };
  return lab.sendBytes(wireBytes("POST", `/${VICTIM}`, headers, body));
}

type HeaderTexts = Readonly<Record<string, string>>;

interface FormAttack extends Partial<PolicyInput> {
  readonly parts?: readonly FormPart[];
  readonly sign?: typeof signFormV4;
  readonly headers?: HeaderTexts;
  /** Of the form's bytes. */
  readonly change?: (form: FormBytes) => FormBytes;
}

/** A form that would overwrite the object that must stay, but for one thing. */
const form = (
  row: string,
  name: string,
  answer: AttackCase["answers"][number],
  attack: FormAttack,
): AttackCase => ({
  row,
  name,
  answers: [answer],
  send: (lab) => {
    const { parts = [KEY, FILE], sign = signFormV4, change = (bytes: FormBytes) => bytes } = attack;
    const conditions = attack.conditions ?? [{ key: KEPT }];
    const signed = sign(lab.keys, { bucket: VICTIM, ...attack, conditions });
    return sendForm(lab, change(formOf([...signed, ...parts])), attack.headers);
  },
});

const expiration = "2999-01-01T00:00:00Z";
const document = (text: string) => ({ text });
const deep = `${"[".repeat(3_000)}${"]".repeat(3_000)}`;
const replaced = (from: string, to: string) => ({
  change: ({ contentType, body }: FormBytes) => ({
    contentType,
    body: Buffer.from(body.toString("latin1").replace(from, to), "latin1"),
  }),
});
const typed = (contentType: string) => ({
  change: ({ body }: FormBytes) => ({ contentType, body }),
});
const cutAt = (bytes: number) => ({
  change: ({ contentType, body }: FormBytes) => ({ contentType, body: body.subarray(0, bytes) }),
});
/** Together less than what is read away of a refused body: else the answer could be lost with the connection. */
const manyParts = Array.from({ length: 30_000 }, (_, at): FormPart => [`x-ignore-${at}`, ""]);

attackSuite("forms", [
  form("S18", "a streamed payload", [400, "InvalidRequest"], {
    headers: { "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER" },
  }),

  ...[
    ["no JSON", "{"],
    ["no expiration", `{"conditions":[{"bucket":"${VICTIM}"},{"key":"${KEPT}"}]}`],
    ["no conditions", `{"expiration":"${expiration}"}`],
    ["an unknown operator", `{"expiration":"${expiration}","conditions":[["like","$key","*"]]}`],
    ["an unknown element", `{"expiration":"${expiration}","conditions":[],"Statement":[]}`],
    ["a tower of lists", `{"expiration":"${expiration}","conditions":${deep}}`],
    ["a date that is none", `{"expiration":"2999-02-31T00:00:00Z","conditions":[]}`],
  ].map(([name = "", text = ""]) => form("S61", name, NO_POLICY, document(text))),
  form("S61", "no JSON, Signature V2", NO_POLICY, { ...document("{"), sign: signFormV2 }),
  {
    row: "S61",
    name: "no base64, unsigned",
    answers: [BAD_ARGUMENT],
    send: (lab) => sendForm(lab, formOf([KEY, ["policy", "%%%"], FILE])),
  },

  form("S62", "expired", DENIED, { expiration: "2020-01-01T00:00:00Z" }),
  form("S62", "expired a moment ago", DENIED, {
    expiration: new Date(Date.now() - 1).toISOString(),
  }),
  form("S62", "another key than the policy's", DENIED, { conditions: [{ key: "else" }] }),
  form("S62", "a prefix that the key does not have", DENIED, {
    conditions: [["starts-with", "$key", "uploads/"]],
  }),
  form("S62", "a field that the policy does not name", DENIED, {
    parts: [KEY, ["x-amz-meta-a", "b"], FILE],
  }),
  form("S62", "an ACL that the policy does not name", DENIED, {
    parts: [KEY, ["acl", "public-read"], FILE],
  }),
  form("S62", "the policy of another bucket", DENIED, { bucket: OTHERS }),
  form("S62", "the policy of another bucket, which the form names", DENIED, {
    bucket: OTHERS,
    parts: [KEY, ["bucket", OTHERS], FILE],
  }),
  form("S62", "a policy that names no bucket", DENIED, {
    text: JSON.stringify({ expiration, conditions: [{ key: KEPT }] }),
  }),
  form("S62", "a policy changed after it was signed", [403, "SignatureDoesNotMatch"], {
    change: ({ contentType, body }) => ({
      contentType,
      body: Buffer.from(
        body.toString("latin1").replace(/(name="policy"\r\n\r\n)./, "$1f"),
        "latin1",
      ),
    }),
  }),
  {
    row: "S62",
    name: "somebody else's signature",
    answers: [DENIED],
    send: (lab) => {
      const signed = signFormV4(lab.otherKeys, { bucket: VICTIM, conditions: [{ key: KEPT }] });
      return sendForm(lab, formOf([KEY, ...signed, FILE]));
    },
  },
  {
    row: "S62",
    name: "nobody's form",
    answers: [DENIED],
    send: (lab) => sendForm(lab, formOf([KEY, FILE])),
  },
  {
    row: "S62",
    name: "a right signature of the request instead of the form's",
    answers: [[400, "InvalidRequest"]],
    send: (lab) => {
      const { contentType, body } = formOf([KEY, FILE]);
      const headers = { "content-type": contentType };
      return lab.send({ method: "POST", path: `/${VICTIM}`, body, headers });
    },
  },
  {
    row: "S62",
    name: "a wrong signature of the request",
    answers: [[403, "SignatureDoesNotMatch"]],
    send: (lab) => {
      const { contentType, body } = formOf([KEY, FILE]);
      const wrong = { ...lab.keys, secretKey: "wrong" };
      const headers = { "content-type": contentType };
      return lab.send({ method: "POST", path: `/${VICTIM}`, body, headers, keys: wrong });
    },
  },

  form("S63", "a byte too many", [400, "EntityTooLarge"], {
    conditions: [{ key: KEPT }, ["content-length-range", 0, 10]],
  }),
  form("S63", "a byte too few", [400, "EntityTooSmall"], {
    conditions: [{ key: KEPT }, ["content-length-range", 12, 100]],
  }),
  form("S63", "ranges that leave nothing", [400, "EntityTooLarge"], {
    conditions: [{ key: KEPT }, ["content-length-range", 0, 5], ["content-length-range", 100, 200]],
  }),
  form("S63", "more than Content-Length says", MALFORMED, { headers: { "content-length": "900" } }),
  form("S63", "a range with one end", NO_POLICY, {
    conditions: [{ key: KEPT }, ["content-length-range", 0]],
  }),
  form("S63", "a negative range", NO_POLICY, {
    conditions: [{ key: KEPT }, ["content-length-range", -1, 10]],
  }),

  form("S64", "a file name that leads upwards meets the policy as it will be", DENIED, {
    conditions: [["starts-with", "$key", "up/"]],
    parts: [["key", "${filename}"], { name: "file", fileName: "up/../../kept", body: "x" }],
  }),
  form("S64", "a line end in a file name", MALFORMED, {
    parts: [KEY, { name: "file", fileName: 'x"\r\nContent-Type: a', body: "x" }],
    ...replaced('filename="x"\r\n', 'filename="x\r\n'),
  }),
  form("S64", "the key after the file", BAD_ARGUMENT, { parts: [FILE, KEY] }),
  form("S64", "two keys", BAD_ARGUMENT, { parts: [KEY, KEY, FILE] }),
  form("S64", "two keys, one in upper case", BAD_ARGUMENT, {
    parts: [["key", "else"], ["KEY", KEPT], FILE],
  }),
  form("S64", "two files", BAD_ARGUMENT, { parts: [KEY, FILE, FILE] }),
  form("S64", "two files, one in upper case", BAD_ARGUMENT, {
    parts: [KEY, FILE, { name: "FILE", fileName: "a", body: "b" }],
  }),
  form("S64", "no file", BAD_ARGUMENT, { parts: [KEY] }),
  form("S64", "no key", BAD_ARGUMENT, { parts: [FILE] }),
  form("S64", "an empty key", BAD_ARGUMENT, {
    parts: [["key", ""], FILE],
    conditions: [["starts-with", "$key", ""]],
  }),
  form("S64", "a key that is too long", [400, "KeyTooLongError"], {
    parts: [["key", "k".repeat(1_025)], FILE],
    conditions: [["starts-with", "$key", ""]],
  }),
  form("S64", "a key that is no UTF-8", MALFORMED, {
    parts: [{ name: "key", body: Buffer.from([0xff, 0xfe]) }, FILE],
  }),

  form("S65", "no boundary", MALFORMED, typed("multipart/form-data")),
  form("S65", "another boundary", MALFORMED, typed("multipart/form-data; boundary=other")),
  form("S65", "a form of another kind", [412, "PreconditionFailed"], typed("text/plain")),
  form("S65", "cut off within a field", MALFORMED, cutAt(600)),
  form("S65", "without its last boundary", MALFORMED, {
    change: ({ contentType, body }) => ({ contentType, body: body.subarray(0, -4) }),
  }),
  form("S65", "30,000 parts", TOO_MUCH, { parts: [...manyParts, KEY, FILE] }),
  form("S65", "30,000 parts after the file", TOO_MUCH, { parts: [KEY, FILE, ...manyParts] }),
  form("S65", "3 MB in a field", TOO_MUCH, {
    parts: [["x-ignore-a", "a".repeat(3_000_000)], KEY, FILE],
  }),
  form("S65", "3 MB of headers", MALFORMED, replaced("Content-Disp", "X: y\r\n".repeat(500_000))),
  form("S65", "3 MB after the end", MALFORMED, {
    change: ({ contentType, body }) => ({
      contentType,
      body: Buffer.concat([body, Buffer.alloc(3_000_000)]),
    }),
  }),

  ...["a\r\nx-amz-acl: public-read", "nul\0"].map((value) =>
    form("S77", `metadata ${JSON.stringify(value)}`, BAD_ARGUMENT, {
      conditions: [{ key: KEPT }, ["starts-with", "$x-amz-meta-a", ""]],
      parts: [KEY, ["x-amz-meta-a", value], FILE],
    }),
  ),
  form("S77", "metadata without a name", BAD_ARGUMENT, {
    conditions: [{ key: KEPT }, ["starts-with", "$x-amz-meta-", ""]],
    parts: [KEY, ["x-amz-meta-", "a"], FILE],
  }),
]);
