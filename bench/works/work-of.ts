// The works by their names.

import { mixedWork, multipartWork } from "./composed-works.ts";
import {
  deleteWork,
  getListedWork,
  listDelimiterWork,
  listWork,
  putListedWork,
} from "./key-works.ts";
import { getWork, putWork, rangeWork } from "./object-works.ts";
import { parseSize } from "./sizes.ts";
import type { Work } from "./work.ts";

/** What `npm run bench` measures when it is not told. */
export const USUAL_WORKS: readonly string[] = [
  ...["4k", "64k", "1m", "16m"].flatMap((size) => [`put-${size}`, `get-${size}`]),
  "range-64k",
  "list",
  "list-delimiter",
  "delete",
  "multipart",
  "mixed",
];

const NAMED: ReadonlyMap<string, () => Work> = new Map([
  ["list", () => listWork],
  ["list-delimiter", () => listDelimiterWork],
  ["delete", () => deleteWork],
  ["get-listed", () => getListedWork],
  ["put-listed", () => putListedWork],
  ["multipart", () => multipartWork],
  ["mixed", mixedWork],
]);

const SIZED: ReadonlyMap<string, (size: string, bytes: number) => Work> = new Map([
  ["put", putWork],
  ["get", getWork],
  ["range", (_size: string, bytes: number) => rangeWork(bytes)],
]);

/** @throws Error for a name that there is not. */
export function workOf(name: string): Work {
  const named = NAMED.get(name);
  if (named) return named();
  const [verb = "", size = ""] = name.split("-");
  const sized = SIZED.get(verb);
  const bytes = parseSize(size);
  if (!sized || bytes === undefined) {
    throw new Error(
      `no such work: ${name}; there are ${USUAL_WORKS.join(", ")}, and put-, get- and range- of other sizes`,
    );
  }
  return sized(size, bytes);
}
