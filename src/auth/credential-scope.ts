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

const DEFAULT_SERVICE = "s3";

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
  const before = known.get(value);
  if (before !== undefined && isServed(before, served)) return before;
  if (!KNOWABLE.test(value)) return readCredential(value, served, fault);
  // A piece of a header, or of a query, would hold on to the whole of it.
  const copy = Buffer.from(value, "latin1").toString("latin1");
  const scope = readCredential(copy, served, fault);
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(copy, scope);
  return scope;
}

/** What was parsed before: a client sends the same all day. Whoever sends anything else can make it no larger than this. */
const known = new Map<string, CredentialScope>();
const KNOWN_MAX = 1_000;
const KNOWABLE = /^[\u0020-\u007E]{1,256}$/;

function isServed({ region, service }: CredentialScope, served: ServedScope): boolean {
  return (
    service === (served.service ?? DEFAULT_SERVICE) &&
    (served.region === undefined || region === served.region)
  );
}

function readCredential(value: string, served: ServedScope, fault: ScopeFault): CredentialScope {
  const { region, service: ours = DEFAULT_SERVICE } = served;
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
