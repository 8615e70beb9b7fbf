// The headers of one part of a form: which field it is, and which name the file has on the machine that it comes from.
// https://www.rfc-editor.org/rfc/rfc7578#section-4.2

import { S3Error } from "../../core/s3-error.ts";

export interface PartHead {
  /** Of the field, as sent. */
  readonly name: string;
  readonly fileName: string | undefined;
}

const DISPOSITION = /^content-disposition[ \t]*:[ \t]*form-data[ \t]*(;[\s\S]*)$/i;
/** A parameter: `; name="value"` or `; name=value`. In a quoted value a backslash stands before `"` or itself. */
const PARAM = /^;[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:"((?:[^"\\]|\\[^])*)"|([^\s";]*))[ \t]*/;
const EXTENDED = /^utf-8'[^']*'(.*)$/i;

/** `text` is what stands between the boundary's line and the empty line. @throws S3Error MalformedPOSTRequest */
export function parsePartHead(text: string): PartHead {
  const dispositions = text
    .split("\r\n")
    .map((line) => DISPOSITION.exec(line)?.[1])
    .filter((params) => params !== undefined);
  const [params, second] = dispositions;
  if (params === undefined || second !== undefined) throw malformed();
  const byName = readParams(params);
  const name = byName.get("name");
  if (name === undefined || name === "") throw malformed();
  const extended = byName.get("filename*");
  const fileName = extended === undefined ? byName.get("filename") : decodeExtended(extended);
  return { name, fileName };
}

function readParams(text: string): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  let rest = text.trimEnd();
  while (rest !== "") {
    const match = PARAM.exec(rest);
    if (match === null) throw malformed();
    const [all, name = "", quoted, bare = ""] = match;
    const lower = name.toLowerCase();
    // Of two names a proxy may judge one and we the other.
    if (params.has(lower)) throw malformed();
    params.set(lower, quoted === undefined ? bare : unescapeQuoted(quoted));
    rest = rest.slice(all.length);
  }
  return params;
}

/** Browsers send `%22` for `"`, others `\"`. A backslash before anything else is one of a path on Windows. */
function unescapeQuoted(text: string): string {
  return text
    .replaceAll(/\\(["\\])/g, "$1")
    .replaceAll("%22", '"')
    .replaceAll(/%0D/gi, "\r")
    .replaceAll(/%0A/gi, "\n");
}

function decodeExtended(text: string): string {
  const encoded = EXTENDED.exec(text)?.[1];
  if (encoded === undefined) throw malformed();
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw new S3Error("MalformedPOSTRequest", { cause });
  }
}

function malformed(): S3Error {
  return new S3Error("MalformedPOSTRequest");
}
