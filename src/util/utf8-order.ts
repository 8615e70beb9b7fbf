// The order of strings by their UTF-8 bytes, which is their order by code points. JavaScript's own order compares
// UTF-16 units and puts U+E000..U+FFFF after the surrogates of everything beyond U+FFFF.

const SURROGATE_FIRST = 0xd800;
const SURROGATE_LAST = 0xdfff;
const CODE_POINT_LAST = 0x10ffff;

/** Negative when `a` comes first, positive when `b` does, 0 when they are equal. For well-formed strings. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const unitA = a.charCodeAt(index);
    const unitB = b.charCodeAt(index);
    if (unitA !== unitB) return rankOf(unitA) - rankOf(unitB);
  }
  return a.length - b.length;
}

/** The first of two different units decides; a surrogate means a code point above every other unit. */
function rankOf(unit: number): number {
  return unit >= SURROGATE_FIRST && unit <= SURROGATE_LAST ? unit + CODE_POINT_LAST : unit;
}

/**
 * The smallest string above every string that begins with `prefix`; undefined when there is none (the prefix is
 * empty, or nothing but the last code point).
 */
export function prefixSuccessor(prefix: string): string | undefined {
  const lastUnit = prefix.charCodeAt(prefix.length - 1);
  // The common case without taking the string apart; an empty one gives NaN, which is below nothing.
  if (lastUnit < SURROGATE_FIRST - 1) {
    return prefix.slice(0, -1) + String.fromCharCode(lastUnit + 1);
  }
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === CODE_POINT_LAST) continue;
    const next = last + 1 === SURROGATE_FIRST ? SURROGATE_LAST + 1 : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return undefined;
}

/** The smallest string above `text` itself. */
export function nextString(text: string): string {
  return `${text}\u0000`;
}
