// The credential of a V4 signature: access key, and the scope (day, region, service) that the signature is good for.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html

import { S3Error, type S3ErrorCode } from "../core/s3-error.ts";

export interface CredentialScope {
  readonly accessKey: string;
  /** YYYYMMDD. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** As it is signed: `20130524/us-east-1/s3/aws4_request`. */
  readonly text: string;
}

/** What this server serves. */
export interface ServedScope {
  /** Undefined: any. */
  readonly region: string | undefined;
  /** Default: s3. */
  readonly service?: string | undefined;
}

/** How header and query name the same fault. */
export interface ScopeFault {
  readonly code: S3ErrorCode;
  readonly prefix: string;
}

/**
 * Parses `AKID/20130524/us-east-1/s3/aws4_request` and compares it with what this server serves.
 * @throws S3Error with the code of `fault`
 */
export function parseCredential(
  value: string,
  served: ServedScope,
  fault: ScopeFault,
): CredentialScope {
  const { region, service: ours = "s3" } = served;
  const refuse = (message: string, detail?: Record<string, string>) =>
    new S3Error(fault.code, { message: `${fault.prefix}; ${message}`, detail });
  // From the right: an access key may hold slashes, a scope cannot.
  const parts = value.split("/");
  const [date, scopeRegion, service, terminator] = parts.slice(-4);
  const accessKey = parts.slice(0, -4).join("/");
  if (accessKey === "" || !date || !scopeRegion || !service || !terminator) {
    throw refuse(
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  if (!/^\d{8}$/.test(date)) {
    throw refuse(
      `incorrect date format "${date}". This date in the credential must be in the format "yyyyMMdd".`,
    );
  }
  if (service !== ours) {
    throw refuse(`incorrect service "${service}". This endpoint belongs to "${ours}".`);
  }
  if (terminator !== "aws4_request") {
    throw refuse(`incorrect terminal "${terminator}". This endpoint uses "aws4_request".`);
  }
  if (region !== undefined && scopeRegion !== region) {
    throw refuse(`the region '${scopeRegion}' is wrong; expecting '${region}'`, { Region: region });
  }
  const text = `${date}/${scopeRegion}/${service}/aws4_request`;
  return { accessKey, date, region: scopeRegion, service, text };
}
