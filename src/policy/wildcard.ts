// Patterns in which `*` stands for any characters and `?` for one. Matched by hand, never by a RegExp: the time grows with
// the length of the text and, where a `?` stands, with that of the pattern divided by the bits of a word.

export type PatternPart =
  | { readonly kind: "many" }
  | { readonly kind: "one" }
  | { readonly kind: "text"; readonly text: string };

/** What lies between two `*`: characters, each a code point or ANY. */
type Segment = readonly number[];

const ANY = -1;
const WORD_BITS = 32;

export function wildcardParts(pattern: string): PatternPart[] {
  const parts: PatternPart[] = [];
  let start = 0;
  for (let at = 0; at <= pattern.length; at += 1) {
    const character = pattern.charAt(at);
    if (character !== "*" && character !== "?" && character !== "") continue;
    if (at > start) parts.push({ kind: "text", text: pattern.slice(start, at) });
    if (character !== "") parts.push({ kind: character === "*" ? "many" : "one" });
    start = at + 1;
  }
  return parts;
}

export function compileWildcard(parts: readonly PatternPart[]): (text: string) => boolean {
  if (parts.some(({ kind }) => kind === "one")) return compileSegments(segmentsOf(parts));
  const [first = "", ...others] = literalsOf(parts);
  const last = others.pop();
  if (last === undefined) return (text) => text === first;
  const between = others.filter((literal) => literal !== "");
  if (between.length === 0 && last === "") return (text) => text.startsWith(first);
  return (text) => matchesLiterals(text, { first, between, last });
}

function literalsOf(parts: readonly PatternPart[]): string[] {
  const literals = [""];
  for (const part of parts) {
    if (part.kind === "text") literals.push((literals.pop() ?? "") + part.text);
    else literals.push("");
  }
  return literals;
}

interface Literals {
  readonly first: string;
  readonly between: readonly string[];
  readonly last: string;
}

/** Taking each literal at its first place leaves the most room to those that follow, so nothing is ever tried twice. */
function matchesLiterals(text: string, { first, between, last }: Literals): boolean {
  const end = text.length - last.length;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const literal of between) {
    const found = text.indexOf(literal, at);
    if (found === -1) return false;
    at = found + literal.length;
  }
  return at <= end;
}

function segmentsOf(parts: readonly PatternPart[]): Segment[] {
  const segments: number[][] = [[]];
  for (const part of parts) {
    if (part.kind === "many") segments.push([]);
    else if (part.kind === "one") segments.at(-1)?.push(ANY);
    else segments.at(-1)?.push(...codePointsOf(part.text));
  }
  return segments;
}

function compileSegments([first = [], ...others]: readonly Segment[]): (text: string) => boolean {
  const last = others.at(-1);
  if (last === undefined) {
    return (text) => {
      const points = codePointsOf(text);
      return points.length === first.length && standsAt(first, points, 0);
    };
  }
  const between = others.slice(0, -1).filter((segment) => segment.length > 0);
  return (text) => {
    const points = codePointsOf(text);
    const end = points.length - last.length;
    if (end < first.length || !standsAt(first, points, 0) || !standsAt(last, points, end)) {
      return false;
    }
    let at = first.length;
    for (const segment of between) {
      at = endOfSegment(segment, points.slice(0, end), at);
      if (at === -1) return false;
    }
    return true;
  };
}

function standsAt(segment: Segment, points: readonly number[], at: number): boolean {
  return segment.every((point, index) => point === ANY || point === points[at + index]);
}

/**
 * The place after the first occurrence of the segment at or after `from`; -1 without one. A bit for each character of the
 * segment says whether the text read so far ends in the segment up to there (Shift-And).
 */
function endOfSegment(segment: Segment, points: readonly number[], from: number): number {
  const wordCount = Math.ceil(segment.length / WORD_BITS);
  const masks = masksOf(segment, wordCount);
  const state = new Uint32Array(wordCount);
  const lastBit = 1 << ((segment.length - 1) % WORD_BITS);
  for (let at = from; at < points.length; at += 1) {
    const mask = masks.get(points[at] ?? ANY) ?? masks.get(ANY);
    let carry = 1;
    for (let word = 0; word < wordCount; word += 1) {
      const before = state[word] ?? 0;
      state[word] = ((before << 1) | carry) & (mask?.[word] ?? 0);
      carry = before >>> (WORD_BITS - 1);
    }
    if (((state[wordCount - 1] ?? 0) & lastBit) !== 0) return at + 1;
  }
  return -1;
}

/** By code point, the places of the segment where it may stand; under ANY the places where every one may. */
function masksOf(segment: Segment, wordCount: number): Map<number, Uint32Array> {
  const anywhere = new Uint32Array(wordCount);
  const masks = new Map([[ANY, anywhere]]);
  segment.forEach((point, index) => {
    if (point === ANY) setBit(anywhere, index);
  });
  segment.forEach((point, index) => {
    const mask = masks.get(point) ?? Uint32Array.from(anywhere);
    masks.set(point, mask);
    setBit(mask, index);
  });
  return masks;
}

function setBit(words: Uint32Array, index: number): void {
  const word = Math.floor(index / WORD_BITS);
  words[word] = (words[word] ?? 0) | (1 << (index % WORD_BITS));
}

function codePointsOf(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? ANY);
}
