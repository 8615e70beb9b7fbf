// Patterns in which `*` stands for any characters and `?` for one. Matched by hand, never by a RegExp: the time grows with
// the length of the text and, where a `?` stands, with that of the pattern divided by the bits of a word.

export type PatternPart =
  | { readonly kind: "many" }
  | { readonly kind: "one" }
  | { readonly kind: "text"; readonly text: string };

/** What lies between two `*`: a text, then code units of which a `?` is ANY. */
interface Segment {
  readonly head: string;
  readonly tail: readonly number[];
  readonly length: number;
}

const ANY = -1;
const NOWHERE = -1;
const WORD_BITS = 32;
/** Up to this length trying each place costs less than preparing not to. */
const SHORT_SEGMENT = 16;

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
  const lists: number[][] = [[]];
  for (const part of parts) {
    if (part.kind === "many") lists.push([]);
    else if (part.kind === "one") lists.at(-1)?.push(ANY);
    else lists.at(-1)?.push(...unitsOf(part.text));
  }
  return lists.map((units) => {
    const any = units.indexOf(ANY);
    const headLength = any === -1 ? units.length : any;
    const head = String.fromCharCode(...units.slice(0, headLength));
    return { head, tail: units.slice(headLength), length: units.length };
  });
}

function compileSegments([first, ...others]: readonly Segment[]): (text: string) => boolean {
  if (first === undefined) return (text) => text === "";
  const last = others.pop();
  if (last === undefined) return (text) => endOf(first, text, 0) === text.length;
  const between = others.filter((segment) => segment.length > 0);
  return (text) => {
    let at = endOf(first, text, 0);
    const end = at === NOWHERE ? NOWHERE : startOf(last, text);
    for (const segment of between) {
      if (at === NOWHERE || at > end) return false;
      at = segment.length > SHORT_SEGMENT ? findLong(segment, text, at) : find(segment, text, at);
    }
    return at !== NOWHERE && at <= end;
  };
}

/** Where the segment ends that begins there; NOWHERE if it does not. */
function endOf({ head, tail }: Segment, text: string, start: number): number {
  if (!text.startsWith(head, start)) return NOWHERE;
  let at = start + head.length;
  for (const unit of tail) {
    if (at >= text.length) return NOWHERE;
    if (unit === ANY) at += isPair(text, at) ? 2 : 1;
    else if (unit === text.charCodeAt(at)) at += 1;
    else return NOWHERE;
  }
  return at;
}

/** Where the segment begins that ends with the text; NOWHERE if it does not. */
function startOf({ head, tail }: Segment, text: string): number {
  let at = text.length;
  for (let index = tail.length - 1; index >= 0; index -= 1) {
    at -= tail[index] === ANY && isPair(text, at - 2) ? 2 : 1;
    if (at < 0) return NOWHERE;
    if (tail[index] !== ANY && tail[index] !== text.charCodeAt(at)) return NOWHERE;
  }
  const start = at - head.length;
  return start >= 0 && text.startsWith(head, start) ? start : NOWHERE;
}

/** Where the segment's first occurrence at or after `from` ends. */
function find(segment: Segment, text: string, from: number): number {
  let start = text.indexOf(segment.head, from);
  while (start !== -1 && start < text.length) {
    const end = endOf(segment, text, start);
    if (end !== NOWHERE) return end;
    start = text.indexOf(segment.head, start + 1);
  }
  return NOWHERE;
}

/** Whether a character of two code units stands there: `?` is one character, not one half. */
function isPair(text: string, at: number): boolean {
  return text.codePointAt(at) !== text.charCodeAt(at) && at >= 0;
}

/**
 * As `find`, in time that does not grow with the text times the segment: a bit for each character of the segment says
 * whether the text read so far ends in the segment up to there (Shift-And).
 */
function findLong(segment: Segment, text: string, from: number): number {
  const points = pointsOf([...unitsOf(segment.head), ...segment.tail]);
  const wordCount = Math.ceil(points.length / WORD_BITS);
  const masks = masksOf(points, wordCount);
  const state = new Uint32Array(wordCount);
  const lastBit = 1 << ((points.length - 1) % WORD_BITS);
  let at = from;
  while (at < text.length) {
    const mask = masks.get(text.codePointAt(at) ?? ANY) ?? masks.get(ANY);
    at += isPair(text, at) ? 2 : 1;
    let carry = 1;
    for (let word = 0; word < wordCount; word += 1) {
      const before = state[word] ?? 0;
      state[word] = ((before << 1) | carry) & (mask?.[word] ?? 0);
      carry = before >>> (WORD_BITS - 1);
    }
    if (((state[wordCount - 1] ?? 0) & lastBit) !== 0) return at;
  }
  return NOWHERE;
}

/** By code point, the places of the segment where it may stand; under ANY the places where every one may. */
function masksOf(segment: readonly number[], wordCount: number): Map<number, Uint32Array> {
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

function unitsOf(text: string): number[] {
  return Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}

/** Each pair of units as the one code point that it is. */
function pointsOf(units: readonly number[]): number[] {
  const points: number[] = [];
  for (const unit of units) {
    const before = points.at(-1) ?? ANY;
    const pair = before === ANY || unit === ANY ? "" : String.fromCodePoint(before, unit);
    if (pair.length === 2 && isPair(pair, 0)) points.splice(-1, 1, pair.codePointAt(0) ?? ANY);
    else points.push(unit);
  }
  return points;
}
