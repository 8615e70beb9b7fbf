// Wildcards against the definition of a match, by random patterns over a small alphabet, and with characters that are two
// code units. A seed repeats a run: POLICY_SEED.

import { describe, expect, test } from "vitest";
import { compileWildcard, wildcardParts } from "../../../src/policy/wildcard.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";

const CASES = 30_000;
const seed = Number(process.env["POLICY_SEED"] ?? Date.now() % 1_000_000_000);
const random = seededRandom(seed);
const matches = (pattern: string, text: string) => compileWildcard(wildcardParts(pattern))(text);

/** The definition, by characters: `*` is nothing, or one character more than that. */
function isMatch([first, ...rest]: string[], text: string[]): boolean {
  if (first === undefined) return text.length === 0;
  if (first === "*")
    return isMatch(rest, text) || (text.length > 0 && isMatch([first, ...rest], text.slice(1)));
  return text.length > 0 && (first === "?" || first === text[0]) && isMatch(rest, text.slice(1));
}

const word = (alphabet: readonly string[], lengthMax: number) =>
  Array.from(
    { length: random.below(lengthMax) },
    () => alphabet[random.below(alphabet.length)] ?? "",
  );

describe(`random patterns (seed ${seed})`, () => {
  test.each([
    ["of one unit", ["a", "b"]],
    ["of one unit and of two", ["a", "😀", "😁"]],
  ])("match characters %s as the definition says", (_, letters) => {
    let matched = 0;
    for (let count = 0; count < CASES; count += 1) {
      const text = word(letters, 9);
      const pattern = word([...letters, ...letters, "?", "*", "*"], 9);
      const wanted = isMatch(pattern, text);
      matched += Number(wanted);
      expect([pattern, text, matches(pattern.join(""), text.join(""))]).toEqual([
        pattern,
        text,
        wanted,
      ]);
    }
    expect(matched).toBeGreaterThan(CASES / 20);
  });

  test("longer than what is tried place by place", () => {
    for (let count = 0; count < 2_000; count += 1) {
      const text = word(["a", "a", "a", "b", "😀"], 120);
      const from = random.below(Math.max(1, text.length - 70));
      const piece = text.slice(from, from + 17 + random.below(60));
      const middle = piece.map((letter) => (random.below(6) === 0 ? "?" : letter));
      if (random.below(3) === 0) middle[random.below(middle.length)] = "c";
      const isThere =
        middle.length === 0 ||
        text.some((_, at) =>
          middle.every(
            (letter, index) =>
              text[at + index] !== undefined && (letter === "?" || letter === text[at + index]),
          ),
        );
      expect([middle, text, matches(`*?${middle.join("")}*`, `x${text.join("")}`)]).toEqual([
        middle,
        text,
        isThere,
      ]);
    }
  });
});

test.each([
  ["", "", true],
  ["", "a", false],
  ["*", "", true],
  ["**", "", true],
  ["?", "", false],
  ["?", "😀", true],
  ["??", "😀", false],
  ["*?", "😀", true],
  ["?*?", "😀", false],
  ["a*", "a/b/c", true],
  ["a*a", "a", false],
  ["a*b*a", "aba", true],
  ["ab*bc", "abc", false],
  ["*.gz", ".gz", true],
  ["arn:aws:s3:::b/*", "arn:aws:s3:::b/", true],
  ["arn:aws:s3:::b/*", "arn:aws:s3:::b", false],
  ["a\n*", "a\nb\nc", true],
  ["[ab]", "a", false],
  [".*", "abc", false],
])("%j and %j: %s", (pattern, text, wanted) => {
  expect(matches(pattern, text)).toBe(wanted);
});
