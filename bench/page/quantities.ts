// Figures as the page and the charts write them.

import { sizeName } from "../works/sizes.ts";

/** Three digits are all that a measurement is worth. */
export function rateText(value: number): string {
  const rounded = value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

export const ratioText = (value: number) => `${value.toFixed(2)}x`;

/** 1,000 as `1k`, 1,000,000 as `1M`. */
export function countText(value: number): string {
  if (value >= 1e6) return `${value / 1e6}M`;
  return value >= 1e3 ? `${value / 1e3}k` : String(value);
}

const NAMES: Readonly<Record<string, string>> = {
  list: "LIST, page of 1,000",
  "list-delimiter": "LIST with delimiter, 1,000 prefixes",
  delete: "DeleteObjects, 1,000 keys",
  "get-4k-restarted": "GET 4 KiB, right after a restart",
  "range-64k": "GET 64 KiB range of 16 MiB",
  "get-listed": "GET of one byte",
  "put-listed": "PUT of one byte",
};

const UNITS: Readonly<Record<string, string>> = { k: "KiB", m: "MiB", g: "GiB" };

/** `put-4k` as `PUT 4 KiB`. */
export function workText(work: string): string {
  const [, verb = "", number = "", unit = ""] = /^(put|get)-(\d+)([kmg]?)$/.exec(work) ?? [];
  if (verb === "") return NAMES[work] ?? work;
  return `${verb.toUpperCase()} ${number} ${UNITS[unit] ?? "B"}`;
}

/** What a section varies, as a word of its unit. */
export function variedText(section: string, x: number): string {
  return section === "sizes" ? sizeName(x) : countText(x);
}
