// Works about many keys: pages of listings, listings by prefix, and deletion of a thousand keys a request.

import { createHash } from "node:crypto";
import { bodyOf } from "./sizes.ts";
import {
  operationOf,
  prepare,
  preparedSource,
  type Scope,
  type Shot,
  sourceOf,
  type Work,
} from "./work.ts";

const PAGE_KEYS = 1_000;
/** Of the keys that are listed. */
const PREFIXES = 1_000;
/** One page in so many is counted, and its first and last key compared. */
const COUNTED_EVERY = 16;
/** Different pages that are asked for. */
const PAGES_MAX = 2_000;
/** Requests for deletion in a round, by its seconds. */
const DELETIONS_PER_SECOND = 4;

const KEYS = /<Key>([^<]+)<\/Key>/g;

const padded = (number: number, digits: number) => String(number).padStart(digits, "0");

/** In the order of their numbers, and spread evenly over the prefixes. */
function listedKey(index: number, keys: number): string {
  const perPrefix = Math.ceil(keys / PREFIXES);
  return `list-${padded(Math.floor(index / perPrefix), 4)}/${padded(index, 9)}`;
}

const fillListed = (scope: Scope) =>
  sourceOf(scope.keys, (index) => ({
    ...prepare(scope, {
      method: "PUT",
      path: `/${scope.bucket}/${listedKey(index, scope.keys)}`,
      body: bodyOf(1).body,
    }),
    status: 200,
  }));

function pageShot(scope: Scope, index: number): Shot {
  const pages = Math.max(1, Math.floor(scope.keys / PAGE_KEYS));
  const first = ((index * 7_919) % pages) * PAGE_KEYS;
  const query: Record<string, string> = { "list-type": "2" };
  if (first > 0) query["start-after"] = listedKey(first - 1, scope.keys);
  const path = `/${scope.bucket}`;
  const shot = { ...prepare(scope, { method: "GET", path, query }), status: 200 };
  if (index % COUNTED_EVERY !== 0) return shot;
  const expected = Array.from({ length: Math.min(PAGE_KEYS, scope.keys) }, (_, nth) =>
    listedKey(first + nth, scope.keys),
  );
  const verify = (body: Buffer) => sameNames(body, KEYS, expected);
  return { ...shot, keepBody: true, verify };
}

/** @throws Error where the page does not name exactly these. */
function sameNames(page: Buffer, pattern: RegExp, expected: readonly string[]): void {
  const names = [...page.toString().matchAll(pattern)].map(([, name]) => name);
  const isSame =
    names.length === expected.length && names.every((name, at) => name === expected[at]);
  if (!isSame) throw new Error(`a page of ${names.length}, not the ${expected.length} expected`);
}

const namesNothing = (page: Buffer) => sameNames(page, KEYS, []);

export const listWork: Work = {
  bytes: 0,
  filling: "list",
  fill: fillListed,
  load: (scope) => {
    const prepared = Array.from({ length: PAGES_MAX }, (_, index) => pageShot(scope, index));
    return operationOf(cycled(prepared));
  },
};

/** One page with all prefixes, counted each sixteenth time. */
export const listDelimiterWork: Work = {
  bytes: 0,
  filling: "list",
  fill: fillListed,
  load: (scope) => {
    const query = { "list-type": "2", delimiter: "/" };
    const request = { method: "GET", path: `/${scope.bucket}`, query };
    const plain: Shot = { ...prepare(scope, request), status: 200 };
    const perPrefix = Math.ceil(scope.keys / PREFIXES);
    const expected = Array.from(
      { length: Math.min(PREFIXES, Math.ceil(scope.keys / perPrefix)) },
      (_, prefix) => `list-${padded(prefix, 4)}/`,
    );
    const pattern = /<CommonPrefixes><Prefix>([^<]+)<\/Prefix>/g;
    const verify = (body: Buffer) => sameNames(body, pattern, expected);
    const counted = { ...plain, keepBody: true, verify };
    return operationOf(
      cycled(Array.from({ length: COUNTED_EVERY }, (_, nth) => (nth === 0 ? counted : plain))),
    );
  },
};

function cycled(shots: readonly Shot[]): () => Shot | undefined {
  let next = -1;
  return () => shots[(next = (next + 1) % shots.length)];
}

const deletedKey = ({ round }: Scope, request: number, nth: number) =>
  `delete/${round}/${padded(request, 4)}/${padded(nth, 4)}`;

const deletions = ({ seconds }: Scope) => Math.max(1, Math.ceil(seconds * DELETIONS_PER_SECOND));

function deletionShot(scope: Scope, request: number): Shot {
  const keys = Array.from(
    { length: PAGE_KEYS },
    (_, nth) => `<Object><Key>${deletedKey(scope, request, nth)}</Key></Object>`,
  );
  const body = Buffer.from(`<Delete><Quiet>true</Quiet>${keys.join("")}</Delete>`);
  const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
  const asked = { method: "POST", path: `/${scope.bucket}`, query: { delete: "" }, headers, body };
  return { ...prepare(scope, asked), status: 200, keepBody: true, verify: noErrors };
}

/** @throws Error where a key was not deleted. */
function noErrors(answer: Buffer): void {
  if (answer.includes("<Error>")) throw new Error(answer.toString("utf8", 0, 300));
}

/** DeleteObjects of a thousand keys that are there: put before each round, gone after it. */
export const deleteWork: Work = {
  bytes: 0,
  filling: "delete",
  fillsEachRound: true,
  fill: (scope) =>
    sourceOf(deletions(scope) * PAGE_KEYS, (index) => {
      const key = deletedKey(scope, Math.floor(index / PAGE_KEYS), index % PAGE_KEYS);
      const request = { method: "PUT", path: `/${scope.bucket}/${key}`, body: bodyOf(1).body };
      return { ...prepare(scope, request), status: 200 };
    }),
  load: (scope) => {
    const count = deletions(scope);
    const shots = preparedSource(scope, count, (index) => deletionShot(scope, index));
    let left = count;
    return operationOf(() => (left-- > 0 ? shots() : undefined));
  },
  check: (scope) =>
    sourceOf(1, () => {
      const query = { "list-type": "2", prefix: `delete/${scope.round}/${padded(0, 4)}/` };
      const request = { method: "GET", path: `/${scope.bucket}`, query };
      return { ...prepare(scope, request), status: 200, keepBody: true, verify: namesNothing };
    }),
};

/** GET of an object of one byte among those that are listed: what a lookup costs in a bucket of that size. */
export const getListedWork: Work = {
  bytes: 1,
  filling: "list",
  fill: fillListed,
  load: (scope) =>
    operationOf(
      preparedSource(scope, Infinity, (index) => {
        const path = anyListed(scope, index);
        return { ...prepare(scope, { method: "GET", path }), status: 200, answerBytes: 1 };
      }),
    ),
};

/** The same with PUTs that overwrite them. */
export const putListedWork: Work = {
  bytes: 1,
  writes: true,
  filling: "list",
  fill: fillListed,
  load: (scope) =>
    operationOf(
      preparedSource(scope, Infinity, (index) => {
        const path = anyListed(scope, index);
        const { body } = bodyOf(1);
        return { ...prepare(scope, { method: "PUT", path, body }), status: 200 };
      }),
    ),
};

/** The path of one of the keys that are listed: the requests of a round are spread over all of them. */
function anyListed({ bucket, keys, round }: Scope, index: number): string {
  return `/${bucket}/${listedKey(((index + round * 104_729) * 7_919) % keys, keys)}`;
}
