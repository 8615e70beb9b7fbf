// PUT and GET of objects of one size, and GET of a range.

import { bodyOf, GIB, KIB, MIB } from "./sizes.ts";
import {
  operationOf,
  preparedSource,
  prepare,
  type Scope,
  type Shot,
  sourceOf,
  type Work,
} from "./work.ts";

/** Objects up to this size differ from each other in their first bytes. */
const STAMPED_BYTES_MAX = 16 * KIB;
const STAMP_BYTES = 8;
/** What the objects of a GET come to, and those that PUTs of more than small objects write before they overwrite. */
const READ_BYTES = 320 * MIB;
const WRITTEN_BYTES = GIB;
/** One answer in so many is compared byte for byte. */
const COMPARED_EVERY = 256;
const CHECKED = 16;
/** Visits the keys in an order in which neighbours lie far apart. */
const STRIDE = 7_919;

const isStamped = (bytes: number) => bytes >= STAMP_BYTES && bytes <= STAMPED_BYTES_MAX;

function putShot(scope: Scope, path: string, { bytes, number }: Numbered): Shot {
  const { body, repeat } = bodyOf(bytes);
  const shot = { ...prepare(scope, { method: "PUT", path, body, repeat }), status: 200 };
  return isStamped(bytes) ? { ...shot, stamp: number } : shot;
}

interface Numbered {
  readonly bytes: number;
  readonly number: number;
}

function getShot(
  scope: Scope,
  path: string,
  { bytes, number }: Numbered,
  isCompared: boolean,
): Shot {
  const shot = { ...prepare(scope, { method: "GET", path }), status: 200, answerBytes: bytes };
  if (!isCompared) return shot;
  return { ...shot, keepBody: true, verify: (body) => compare(body, path, { bytes, number }) };
}

/** @throws Error where the bytes are not those that were put. */
function compare(found: Buffer, path: string, { bytes, number }: Numbered): void {
  const { body } = bodyOf(bytes);
  const from = isStamped(bytes) ? STAMP_BYTES : 0;
  for (let at = 0; at < bytes; at += body.length) {
    const isRight = found.compare(body, from, body.length, at + from, at + body.length) === 0;
    if (!isRight) throw new Error(`${path}: wrong bytes`);
  }
  if (from > 0 && found.readDoubleLE(0) !== number) throw new Error(`${path}: another's bytes`);
}

export function putWork(size: string, bytes: number): Work {
  const slots =
    bytes <= STAMPED_BYTES_MAX ? Infinity : Math.max(1, Math.floor(WRITTEN_BYTES / bytes));
  // Small keys are new in every round; larger ones overwrite each other, so that a long run does not fill the disk.
  const pathOf = ({ bucket, round }: Scope, index: number) =>
    slots === Infinity
      ? `/${bucket}/put-${size}/${round}/${index}`
      : `/${bucket}/put-${size}/${index % slots}`;
  const make = (scope: Scope) => (index: number) =>
    putShot(scope, pathOf(scope, index), { bytes, number: index });
  return {
    bytes,
    writes: true,
    load: (scope) => operationOf(preparedSource(scope, slots, make(scope))),
    check: (scope, operations) => {
      const count = bytes > 64 * MIB ? 0 : Math.min(CHECKED, operations);
      return sourceOf(count, (nth) => {
        const number = Math.floor((nth * operations) / count);
        return getShot(scope, pathOf(scope, number), { bytes, number }, true);
      });
    },
  };
}

const keyCount = (bytes: number, keys: number) =>
  Math.max(1, Math.min(keys, Math.floor(READ_BYTES / bytes)));

const getPath = ({ bucket }: Scope, size: string, number: number) =>
  `/${bucket}/get-${size}/${number}`;

function fillForGets(scope: Scope, size: string, bytes: number) {
  return sourceOf(keyCount(bytes, scope.keys), (number) =>
    putShot(scope, getPath(scope, size, number), { bytes, number }),
  );
}

/** Which object the nth GET of a round reads. */
const visited = (scope: Scope, index: number, count: number) =>
  ((index + scope.round * 1_009) * STRIDE) % count;

export function getWork(size: string, bytes: number): Work {
  return {
    bytes,
    filling: `get-${size}`,
    fill: (scope) => fillForGets(scope, size, bytes),
    load: (scope) => {
      const count = keyCount(bytes, scope.keys);
      const make = (index: number) => {
        const number = visited(scope, index, count);
        const isCompared = index % COMPARED_EVERY === 0 && bytes <= 64 * MIB;
        return getShot(scope, getPath(scope, size, number), { bytes, number }, isCompared);
      };
      return operationOf(preparedSource(scope, preparedMax(bytes), make));
    },
  };
}

/** Of large objects few are read, and signing costs nothing beside their bytes. */
const preparedMax = (bytes: number) => (bytes > 64 * KIB ? 4_096 : Infinity);

const RANGED = { size: "16m", bytes: 16 * MIB };

/** A GET of `bytes` somewhere in an object of 16 MiB, not on a border of anything. */
export function rangeWork(bytes: number): Work {
  return {
    bytes,
    filling: `get-${RANGED.size}`,
    fill: (scope) => fillForGets(scope, RANGED.size, RANGED.bytes),
    load: (scope) => {
      const count = keyCount(RANGED.bytes, scope.keys);
      const make = (index: number): Shot => {
        const path = getPath(scope, RANGED.size, visited(scope, index, count));
        const start = (index * 1_234_577) % (RANGED.bytes - bytes);
        const headers = { range: `bytes=${start}-${start + bytes - 1}` };
        const shot = {
          ...prepare(scope, { method: "GET", path, headers }),
          status: 206,
          answerBytes: bytes,
        };
        if (index % COMPARED_EVERY !== 0) return shot;
        const expected = bodyOf(RANGED.bytes).body.subarray(start, start + bytes);
        const verify = (body: Buffer) => {
          if (!body.equals(expected)) throw new Error(`${path}: wrong bytes`);
        };
        return { ...shot, keepBody: true, verify };
      };
      return operationOf(preparedSource(scope, Infinity, make));
    },
  };
}
