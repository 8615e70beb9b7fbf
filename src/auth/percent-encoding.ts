// Percent-encoding as Signature V4 canonicalises it: every byte except the unreserved ones of RFC 3986, upper-case hex.
// Texts from the wire hold one byte a character (Latin-1), so that what is not UTF-8 survives unchanged.

const UNRESERVED = /^[A-Za-z0-9\-._~]*$/;
const UNRESERVED_PATH = /^[A-Za-z0-9\-._~/]*$/;

/** Escapes of all that is not unreserved, as canonicalising writes them. */
const ESCAPE = "%(?:[01][0-9A-F]|2[0-9ABCF]|3[A-F]|40|5[B-E]|60|7[BCDF]|[89A-F][0-9A-F])";
/** A query that canonicalising leaves as it is, but for the order of its parameters. */
const CANONICAL_QUERY = new RegExp(`^(?:[A-Za-z0-9\\-._~=&]|${ESCAPE})*$`);

const ENCODED: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  return UNRESERVED.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
});

/** Decodes and encodes again, slashes kept: clients that encode the same key differently get the same text. */
export function canonicalPath(rawPath: string): string {
  return UNRESERVED_PATH.test(rawPath) ? rawPath : recode(rawPath, "/", false);
}

/** The same for a name or value of a query, where "+" is a space. */
export function canonicalQueryText(raw: string): string {
  return UNRESERVED.test(raw) ? raw : recode(raw, "", true);
}

/** Whether every name and value of a query is encoded as `canonicalQueryText` would. A "=" in a value is looked at by the caller. */
export function isCanonicalQuery(rawQuery: string): boolean {
  return CANONICAL_QUERY.test(rawQuery);
}

function recode(raw: string, kept: string, isPlusSpace: boolean): string {
  let result = "";
  for (let at = 0; at < raw.length; at += 1) {
    const char = raw.charAt(at);
    const escaped = char === "%" ? escapedByte(raw, at) : undefined;
    if (escaped !== undefined) at += 2;
    const byte = escaped ?? (isPlusSpace && char === "+" ? 0x20 : raw.charCodeAt(at));
    const decoded = String.fromCharCode(byte);
    result += decoded === kept ? kept : (ENCODED[byte] ?? encodeURIComponent(decoded));
  }
  return result;
}

/** The byte of the escape at `at`; undefined for a "%" that stands for itself. */
function escapedByte(raw: string, at: number): number | undefined {
  const hex = raw.slice(at + 1, at + 3);
  return /^[0-9A-Fa-f]{2}$/.test(hex) ? Number.parseInt(hex, 16) : undefined;
}
