// From text to typed, checked values: one small parser for each kind of setting. Each throws a UsageError whose words
// continue "--port ...".

import { isBucketName } from "../core/bucket-name.ts";
import { UsageError } from "./usage-error.ts";

export function integerBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new UsageError(`must be a whole number from ${min} to ${max}`);
  };
}

/** Such a number, or the word that says that there is none. */
export function integerOrNone(min: number, max: number): (text: string) => number | "none" {
  const integer = integerBetween(min, max);
  return (text) => {
    if (text === "none") return "none";
    try {
      return integer(text);
    } catch {
      throw new UsageError(`must be a whole number from ${min} to ${max}, or none`);
    }
  };
}

export function oneOf<const Choice extends string>(
  choices: readonly Choice[],
): (text: string) => Choice {
  return (text) => {
    const chosen = choices.find((choice) => choice === text);
    if (chosen !== undefined) return chosen;
    throw new UsageError(`must be one of ${choices.join(", ")}`);
  };
}

const ON: ReadonlySet<string> = new Set(["on", "true", "1", "yes"]);
const OFF: ReadonlySet<string> = new Set(["off", "false", "0", "no"]);

export function onOrOff(text: string): boolean {
  if (ON.has(text)) return true;
  if (OFF.has(text)) return false;
  throw new UsageError("must be on or off");
}

/** A comma list without empty entries, each passed through `parse`. */
export function listOf<Value>(parse: (text: string) => Value): (text: string) => readonly Value[] {
  return (text) =>
    text
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== "")
      .map((entry) => parse(entry));
}

export function path(text: string): string {
  if (text !== "" && !text.includes("\0")) return text;
  throw new UsageError("must be the path of a file");
}

/** A name or address to listen on, without a port. */
export function host(text: string): string {
  const bare = /^\[.*\]$/.test(text) ? text.slice(1, -1) : text;
  if (/^[A-Za-z0-9._-]+$/.test(bare) || /^[0-9A-Fa-f:.%]+$/.test(bare)) return bare;
  throw new UsageError("must be a host name or an IP address, without a port");
}

/** A host name in lower case: what Host headers are compared with. */
export function domainName(text: string): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text)) return text.toLowerCase();
  throw new UsageError("must be host names such as s3.example.com, separated by commas");
}

/** A host name with a port where it is not the scheme's own. */
export function publicHost(text: string): string {
  if (/^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/.test(text)) return text.toLowerCase();
  throw new UsageError(
    "must be hosts such as s3.example.com or s3.example.com:8443, without http://, separated by commas",
  );
}

export function regionName(text: string): string {
  if (/^[A-Za-z0-9-]{1,64}$/.test(text)) return text;
  throw new UsageError("must be a region name such as us-east-1");
}

/** A bucket to make at the start; the same rules as CreateBucket's. */
export function bucketName(text: string): string {
  if (isBucketName(text)) return text;
  throw new UsageError(
    `must be bucket names separated by commas, and "${text}" is none: 3 to 63 small letters, digits, dots and hyphens`,
  );
}

/** The origin of a data node: http://host:port. */
export function nodeUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin =
    url !== undefined && url.pathname === "/" && url.search === "" && url.hash === "";
  if (isOrigin && url.protocol === "http:" && url.username === "" && url.password === "") {
    return url.origin;
  }
  throw new UsageError("must be URLs such as http://node-1:9100, separated by commas");
}

/** Where a server is asked: http://host:port or https://host:port. */
export function originUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin =
    url !== undefined && url.pathname === "/" && url.search === "" && url.hash === "";
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  if (isOrigin && isHttp && url.username === "" && url.password === "") return url.origin;
  throw new UsageError("must be a URL such as http://127.0.0.1:9001");
}

/** What the banner of a server calls its cluster. */
export function clusterId(text: string): string {
  const id = text.toLowerCase();
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) || /^[0-9a-f]{32}$/.test(id)) {
    return id;
  }
  throw new UsageError("must be the id of a cluster, as a server prints it when it starts");
}

/** A token that nobody guesses, as it can stand in a header. */
export function bearerToken(text: string): string {
  if (/^[A-Za-z0-9._~+/=-]{16,256}$/.test(text)) return text;
  throw new UsageError(
    "must have 16 to 256 letters, digits or . _ ~ + / = -: make one with openssl rand -hex 32",
  );
}
