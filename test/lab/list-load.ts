// Listings amid writes: a page must show every key of its range that was there all the while, none that never was, each
// with an ETag that it had, in the order of UTF-8 bytes, and no key twice (F67).

import { compareUtf8 } from "../../src/util/utf8-order.ts";
import { call, type LabContext } from "./calls.ts";
import type { Step } from "./object-load.ts";
import { tick } from "./register.ts";
import { historyOf, type LabKey } from "./world.ts";

const PREFIXES = ["", "", "solo/", "solo/3/", "raced/", "fresh/", "odd/"];
const PAGE_SIZE_MAX = 40;

interface Page {
  readonly from: number;
  readonly to: number;
  readonly prefix: string;
  readonly delimiter: string;
  /** The last entry of the page before. */
  readonly after: string;
  readonly etags: ReadonlyMap<string, string>;
  readonly prefixes: ReadonlySet<string>;
  /** The last entry of this page; undefined where the listing ends. */
  readonly last: string | undefined;
  readonly token: string;
}

export async function list({ context, random }: Step): Promise<void> {
  const prefix = PREFIXES[random.below(PREFIXES.length)] ?? "";
  const delimiter = random.below(3) === 0 ? "/" : "";
  const pageSize = 1 + random.below(PAGE_SIZE_MAX);
  let after = "";
  let token = "";
  do {
    const asked = { prefix, delimiter, after };
    const page = await readPage(context, asked, { pageSize, token });
    if (page === undefined) return;
    context.journal.count("list page");
    judge(context, page);
    after = page.last ?? "";
    token = page.token;
  } while (token !== "");
}

async function readPage(
  context: LabContext,
  asked: Pick<Page, "after" | "delimiter" | "prefix">,
  { pageSize, token }: { readonly pageSize: number; readonly token: string },
): Promise<Page | undefined> {
  const parameters = { "list-type": "2", "max-keys": String(pageSize), prefix: asked.prefix };
  const query = Object.entries({
    ...parameters,
    ...(asked.delimiter === "" ? {} : { delimiter: asked.delimiter }),
    ...(token === "" ? {} : { "continuation-token": token }),
  }).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const from = tick();
  const path = `/${context.world.bucket}`;
  const outcome = await call(context, { method: "GET", path, query: query.join("&") });
  if (outcome.kind !== "done") return undefined;
  const to = tick();
  const xml = outcome.answer.body.toString();
  const rows = [...xml.matchAll(/<(Contents|CommonPrefixes)>(.*?)<\/\1>/gs)];
  const etags = new Map<string, string>();
  const prefixes = new Set<string>();
  for (const [, kind, row = ""] of rows) {
    if (kind === "CommonPrefixes") prefixes.add(/<Prefix>([^<]*)</.exec(row)?.[1] ?? "");
    else {
      const etag = /<ETag>(?:&quot;|"|&#34;)?([0-9a-f-]+)/.exec(row)?.[1] ?? "";
      etags.set(/<Key>([^<]*)</.exec(row)?.[1] ?? "", etag);
    }
  }
  requireOrder(context, [...etags.keys()], rows.length === etags.size + prefixes.size);
  const next = /<NextContinuationToken>([^<]+)</.exec(xml)?.[1] ?? "";
  return {
    ...asked,
    from,
    to,
    etags,
    prefixes,
    token: next,
    last: next === "" ? undefined : lastOf([...etags.keys(), ...prefixes]),
  };
}

function lastOf(names: readonly string[]): string | undefined {
  const [first, ...others] = names;
  if (first === undefined) return undefined;
  return others.reduce((last, name) => (compareUtf8(last, name) < 0 ? name : last), first);
}

function requireOrder(
  { journal }: LabContext,
  keys: readonly string[],
  areDistinct: boolean,
): void {
  const isInOrder = keys.every((key, at) => at === 0 || compareUtf8(keys[at - 1] ?? "", key) < 0);
  if (!isInOrder || !areDistinct) journal.violation(`LIST is out of order: ${keys.join(" ")}`);
}

function judge(context: LabContext, page: Page): void {
  const { journal, world } = context;
  const { from, to, etags, prefixes } = page;
  const known = world.allKeys.filter((key) => isInRange(key.name, page));
  const groups = new Set<string>();
  for (const key of known) {
    const candidates = key.register.candidates(from, to);
    const mayBeAbsent = candidates.some(({ value }) => value === undefined);
    const mayBeThere = candidates.some(({ value }) => value !== undefined);
    const group = groupOf(key.name, page);
    const etag = etags.get(key.name);
    if (group !== undefined) {
      if (mayBeThere) groups.add(group);
      if (!prefixes.has(group) && !mayBeAbsent) tell(context, key, `LIST lacks ${group}`);
    } else if (etag === undefined) {
      if (!mayBeAbsent) tell(context, key, "LIST lacks it");
    } else if (!candidates.some(({ value }) => value?.etag === etag)) {
      tell(context, key, `LIST shows it with ETag ${etag}`);
    }
  }
  const names = new Set(known.map(({ name }) => name));
  for (const name of etags.keys()) {
    if (!names.has(name)) journal.violation(`LIST shows ${name}, which nobody wrote`);
  }
  for (const name of prefixes) {
    if (!groups.has(name)) journal.violation(`LIST shows the prefix ${name}, where nothing is`);
  }
}

function tell({ journal }: LabContext, key: LabKey, words: string): void {
  journal.violation(`${words}; ${historyOf(key)}`);
}

function isInRange(name: string, { prefix, after, last }: Page): boolean {
  if (!name.startsWith(prefix)) return false;
  // A common prefix stands for all keys that begin with it.
  if (after !== "" && (compareUtf8(name, after) <= 0 || isUnder(name, after))) return false;
  return last === undefined || compareUtf8(name, last) <= 0 || isUnder(name, last);
}

function isUnder(name: string, entry: string): boolean {
  return entry.endsWith("/") && name.startsWith(entry);
}

function groupOf(name: string, { prefix, delimiter }: Page): string | undefined {
  const end = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length);
  return end < 0 ? undefined : name.slice(0, end + delimiter.length);
}
