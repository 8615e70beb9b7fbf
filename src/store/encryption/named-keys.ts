// Keys that clients ask for by name (SSE-KMS), kept by the server itself: what a key management service does of it here is
// to hold keys apart. Who may use which key is said by bucket policies, on s3:x-amz-server-side-encryption-aws-kms-key-id.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html

import { nameInKeyId } from "./kms-key-id.ts";
import { parseMasterKeys, type MasterKey } from "./master-keys.ts";

export interface NamedKey {
  readonly name: string;
  readonly key: MasterKey;
}

const ENTRY = /^([^:=]+)[:=](.+)$/;
const ENTRIES_MAX = 1_000;

/**
 * Keys from text: NAME=KEY, one a line (or parted by spaces or commas), the newest of a name last: it wraps, all of them
 * open. A key is 32 bytes, in hex or Base64. What follows a "#" is a comment.
 * @throws Error in words that follow the setting's name, and show nothing of a key.
 */
export function parseNamedKeys(text: string): readonly NamedKey[] {
  const words = text
    .split("\n")
    .flatMap((line) => (line.split("#", 1)[0] ?? "").split(/[\s,]+/))
    .filter((word) => word !== "");
  if (words.length === 0) throw new Error("holds no key: it takes NAME=KEY, one a line");
  if (words.length > ENTRIES_MAX) throw new Error(`holds more than ${ENTRIES_MAX} keys`);
  return words.map((word, index) => parseEntry(word, index + 1));
}

function parseEntry(word: string, number: number): NamedKey {
  const [, name = "", text = ""] = ENTRY.exec(word) ?? [];
  if (nameInKeyId(name) !== name) {
    throw new Error(
      `holds an entry that is not NAME=KEY, with a name of letters, digits and /_.- (entry ${number})`,
    );
  }
  const [key] = parseOne(text, name);
  if (key === undefined) throw new Error(`has no key for ${name}`);
  return { name, key };
}

function parseOne(text: string, name: string): readonly MasterKey[] {
  try {
    return parseMasterKeys(text);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Error(`has no good key for ${name}: it ${words}`, { cause: error });
  }
}
