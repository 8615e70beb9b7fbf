// The last look at a log line before it leaves the process: signatures, credentials and known secrets become a mark.
// What is searched for is what clients send (presigned queries, Authorization headers), in any place of the line.

export const CENSORED = "[censored]";

/** Shorter texts would blank out innocent words. */
const HIDDEN_LENGTH_MIN = 6;

const LOOKS_SECRET =
  /((?:X-Amz-(?:Signature|Credential|Security-Token)|[?&](?:Signature|AWSAccessKeyId))=|Signature=|AWS [A-Za-z0-9._-]+:)[^&\s"\\,]+/gi;

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
