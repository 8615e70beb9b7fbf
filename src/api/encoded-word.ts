// Text that is not ASCII as encoded words, as Amazon S3 returns user metadata: quoted-printable where most of it is ASCII,
// else base64.
// https://datatracker.ietf.org/doc/html/rfc2047#section-2

/** Of one word, its delimiters included. */
const WORD_CHARS_MAX = 75;
const PLAIN_IN_Q = /^[!-<>@-^`-~]$/;

/** As it stands where it is all ASCII. */
export function encodeWords(text: string): string {
  const chars = Array.from(text);
  const oddCount = chars.filter((char) => char > "\u007F").length;
  if (oddCount === 0) return text;
  return oddCount * 2 > chars.length ? words(chars, "B", base64Length) : words(chars, "Q", qLength);
}

/** Cuts between characters: each word is to be decoded by itself. */
function words(
  chars: readonly string[],
  encoding: "B" | "Q",
  lengthOf: (char: string, text: string) => number,
): string {
  const room = WORD_CHARS_MAX - "=?UTF-8?B??=".length;
  const found: string[] = [];
  let text = "";
  for (const char of chars) {
    if (text !== "" && lengthOf(char, text) > room) {
      found.push(text);
      text = "";
    }
    text += char;
  }
  found.push(text);
  const encode = encoding === "B" ? encodeB : encodeQ;
  return found.map((word) => `=?UTF-8?${encoding}?${encode(word)}?=`).join(" ");
}

function base64Length(char: string, text: string): number {
  return Math.ceil(Buffer.byteLength(text + char) / 3) * 4;
}

function qLength(char: string, text: string): number {
  return encodeQ(text + char).length;
}

function encodeB(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

function encodeQ(text: string): string {
  return [...Buffer.from(text, "utf8")]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      if (char === " ") return "_";
      return PLAIN_IN_Q.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}
