// Text from a server as a terminal may show it: keys and messages can hold anything, also what would move the cursor.

/** Control characters, and those that turn the direction of text, as escapes: one line stays one line. */
const UNRULY = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

export function plainText(text: string): string {
  return text.replaceAll(UNRULY, escape);
}

function escape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
