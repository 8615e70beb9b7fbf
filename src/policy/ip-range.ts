// IP addresses and ranges of them, as conditions compare them. An IPv4 address that came mapped into IPv6 is the IPv4
// address: which of the two a socket shows depends on how the server listens.

import { isIPv4, isIPv6 } from "node:net";

/** An address as words of 16 bits: two for IPv4, eight for IPv6. */
export type IpAddress = readonly number[];

export interface IpRange {
  readonly address: IpAddress;
  readonly prefixBits: number;
}

const WORD_BITS = 16;
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0xffff];
const MAPPED_PREFIX_BITS = 96;

export function parseIpAddress(text: string): IpAddress | undefined {
  const words = wordsOf(text);
  return words !== undefined && isMapped(words) ? words.slice(-2) : words;
}

/** An address, or one with the length of its prefix: `10.0.0.0/8`, `2001:db8::/32`. */
export function parseIpRange(text: string): IpRange | undefined {
  const slash = text.indexOf("/");
  const words = wordsOf(slash === -1 ? text : text.slice(0, slash));
  if (words === undefined) return undefined;
  const bits = words.length * WORD_BITS;
  const prefixBits = slash === -1 ? bits : parsePrefix(text.slice(slash + 1));
  if (prefixBits === undefined || prefixBits > bits) return undefined;
  if (isMapped(words) && prefixBits >= MAPPED_PREFIX_BITS) {
    return { address: words.slice(-2), prefixBits: prefixBits - MAPPED_PREFIX_BITS };
  }
  return { address: words, prefixBits };
}

export function isInRange(address: IpAddress, range: IpRange): boolean {
  if (address.length !== range.address.length) return false;
  for (let index = 0, bits = range.prefixBits; bits > 0; index += 1, bits -= WORD_BITS) {
    const ignoredBits = Math.max(0, WORD_BITS - bits);
    const difference = (address[index] ?? 0) ^ (range.address[index] ?? 0);
    if (difference >>> ignoredBits !== 0) return false;
  }
  return true;
}

function parsePrefix(text: string): number | undefined {
  return /^(?:0|[1-9]\d{0,2})$/.test(text) ? Number(text) : undefined;
}

function isMapped(words: IpAddress): boolean {
  return words.length === 8 && MAPPED_PREFIX.every((word, index) => words[index] === word);
}

function wordsOf(text: string): number[] | undefined {
  if (isIPv4(text)) return wordsOfV4(text);
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const [head = "", tail] = text.split("::");
  const before = wordsOfGroups(head);
  const after = wordsOfGroups(tail ?? "");
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: gap }, () => 0), ...after];
}

function wordsOfGroups(text: string): number[] {
  if (text === "") return [];
  return text
    .split(":")
    .flatMap((group) => (group.includes(".") ? wordsOfV4(group) : [Number.parseInt(group, 16)]));
}

function wordsOfV4(text: string): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = text.split(".").map(Number);
  return [a * 256 + b, c * 256 + d];
}
