// What must not be in the log becomes a mark: fields that hold secrets by their name, and, in the finished line, known
// secrets and what clients send to prove themselves (presigned queries, Authorization headers), wherever they stand.
// Every request is a line, so this is written to cost little: pino's own redaction takes several times as long.

const CENSORED = "[censored]";

/** Names of fields, in lower case. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  "authorization",
  "clustersecret",
  "cookie",
  "password",
  "secret",
  "secretaccesskey",
  "secretkey",
  "signature",
]);
/** Nothing that is logged is deeper; an object that holds itself would be without end. */
const DEPTH_MAX = 5;
const SECRET_LENGTHS = new Set([...SECRET_FIELDS].map((name) => name.length));

/** Shorter texts would blank out innocent words. */
const HIDDEN_LENGTH_MIN = 6;

const LOOKS_SECRET =
  /((?:X-Amz-(?:Signature|Credential|Security-Token)|[?&](?:Signature|AWSAccessKeyId))=|Signature=|AWS [A-Za-z0-9._-]+:)[^&\s"\\,]+/gi;

/** The fields with secret ones replaced, also those of plain objects among them. */
export function censorFields(fields: Record<string, unknown>, depth = 0): Record<string, unknown> {
  if (depth === DEPTH_MAX) return { deeper: CENSORED };
  let censored = fields;
  for (const [name, value] of Object.entries(fields)) {
    let shown = value;
    if (isSecretField(name)) shown = CENSORED;
    else if (isPlainObject(value)) shown = censorFields(value, depth + 1);
    if (shown === value) continue;
    // The caller's object stays as it is.
    if (censored === fields) censored = { ...fields };
    censored[name] = shown;
  }
  return censored;
}

/** Whether a field of that name may hold a secret. */
export function isSecretField(name: string): boolean {
  return SECRET_LENGTHS.has(name.length) && SECRET_FIELDS.has(name.toLowerCase());
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}

/** The line with everything secret replaced. `hidden` holds texts that must not appear at all. */
export function censorLine(line: string, hidden: ReadonlySet<string>): string {
  // Almost every line is innocent: two searches for a word cost less than one for a pattern.
  let censored = /signature|x-amz-|AWS/i.test(line)
    ? line.replace(LOOKS_SECRET, (_match, name: string) => name + CENSORED)
    : line;
  for (const secret of hidden) {
    if (secret.length < HIDDEN_LENGTH_MIN || !censored.includes(secret)) continue;
    censored = censored.replaceAll(secret, CENSORED);
  }
  return censored;
}
