// POST forms as browsers and SDKs make them: fields in order, a policy with both versions of its signature, and the bytes
// of the form, with everything open to change.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html

import { createHmac } from "node:crypto";
import type { SigningKeys } from "./signing.ts";

/** A field, or the file, as it stands in the form. */
export type FormPart =
  | readonly [name: string, value: string]
  | { readonly name: string; readonly fileName?: string; readonly body: Buffer | string };

export interface FormBytes {
  readonly contentType: string;
  readonly body: Buffer;
}

export interface PolicyInput {
  readonly bucket: string;
  /** Beside the bucket's and those of the signature. */
  readonly conditions?: readonly unknown[];
  readonly expiration?: string;
  /** Instead of the whole document, before base64. */
  readonly text?: string;
}

const BOUNDARY = "----form-of-a-test";
const hmac = (key: Buffer | string, text: string) =>
  createHmac("sha256", key).update(text).digest();

/** Good for an hour. */
const soon = () => new Date(Date.now() + 3_600_000).toISOString();

export function formOf(parts: readonly FormPart[]): FormBytes {
  const pieces = parts.flatMap((part) => {
    const [name, fileName, body] =
      "body" in part ? [part.name, part.fileName, part.body] : [part[0], undefined, part[1]];
    const file = fileName === undefined ? "" : `; filename="${fileName}"`;
    const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`;
    return [Buffer.from(head), Buffer.from(body), Buffer.from("\r\n")];
  });
  return {
    contentType: `multipart/form-data; boundary=${BOUNDARY}`,
    body: Buffer.concat([...pieces, Buffer.from(`--${BOUNDARY}--\r\n`)]),
  };
}

/** The fields that sign a form with Signature V4. */
export function signFormV4(keys: SigningKeys, input: PolicyInput): readonly FormPart[] {
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const day = date.slice(0, 8);
  const named = {
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": `${keys.accessKey}/${day}/us-east-1/s3/aws4_request`,
    "x-amz-date": date,
  };
  const policy = policyOf(
    input,
    Object.entries(named).map(([name, value]) => ({ [name]: value })),
  );
  const steps = [day, "us-east-1", "s3", "aws4_request", policy];
  const start: Buffer | string = `AWS4${keys.secretKey}`;
  const signature = steps.reduce<Buffer | string>((key, text) => hmac(key, text), start);
  return [
    ...Object.entries(named),
    ["policy", policy],
    ["x-amz-signature", Buffer.from(signature).toString("hex")],
  ];
}

/** The fields that sign a form with Signature V2. */
export function signFormV2(keys: SigningKeys, input: PolicyInput): readonly FormPart[] {
  const policy = policyOf(input, []);
  const signature = createHmac("sha1", keys.secretKey).update(policy).digest("base64");
  return [
    ["AWSAccessKeyId", keys.accessKey],
    ["policy", policy],
    ["signature", signature],
  ];
}

function policyOf(
  { bucket, conditions = [], expiration = soon(), text }: PolicyInput,
  more: readonly unknown[],
): string {
  const document = { expiration, conditions: [{ bucket }, ...conditions, ...more] };
  return Buffer.from(text ?? JSON.stringify(document)).toString("base64");
}
