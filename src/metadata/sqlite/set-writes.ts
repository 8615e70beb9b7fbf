// Names a copy of a shard set instead of the set itself, within the writer's transaction: for sets that are cut anew.

import type { SetId } from "../../core/ids.ts";
import type { ReplaceSetInput } from "../metadata-store.ts";
import type { WriteHandlers } from "../write-operations.ts";
import type { ContentWrites } from "./content-writes.ts";
import {
  STANDING_COLUMNS,
  objectCheck,
  objectValues,
  requireIntactObject,
  type StandingRow,
} from "./object-rows.ts";
import { rowCheck, type RowValue } from "./row-check.ts";
import { contentColumns } from "./rows.ts";
import type { StatementSource } from "./statement-source.ts";
import {
  STORED_PART_COLUMNS,
  partCheck,
  partValues,
  requireIntactPart,
  type StoredPartRow,
} from "./upload-rows.ts";
import {
  VERSION_COLUMNS,
  requireIntactVersion,
  versionValues,
  type VersionRow,
} from "./version-rows.ts";

const SQL = {
  object: `select ${STANDING_COLUMNS} from objects o
    where o.bucket_id = ? and o.key = ? and o.sequence = ? and o.set_id = ? and o.pack_offset is null`,
  replaceInObject: "update objects set set_id = ?, row_check = ? where bucket_id = ? and key = ?",
  version: `select ${VERSION_COLUMNS} from versions o
    where o.bucket_id = ? and o.key = ? and o.sequence = ? and o.set_id = ? and o.pack_offset is null`,
  replaceInVersion: `update versions set set_id = ?, row_check = ?
    where bucket_id = ? and key = ? and sequence = ?`,
  part: `select ${STORED_PART_COLUMNS} from uploads u cross join parts p on p.manifest_id = u.manifest_id
    where u.bucket_id = ? and u.key = ? and u.manifest_id = ? and p.set_id = ? and p.number = ?
    and p.pack_offset is null`,
  replaceInPart: "update parts set set_id = ?, row_check = ? where manifest_id = ? and number = ?",
} as const;

type RowBound = [number, string, number, SetId];

export function setWrites(
  database: StatementSource,
  contents: ContentWrites,
): Pick<WriteHandlers, "replaceSet"> {
  const inObject = objectReplacing(database, contents);
  const inVersion = versionReplacing(database, contents);
  const inPart = partReplacing(database, contents);
  return {
    replaceSet: (input, nowMs) => {
      const [number = 0, part] = input.detail;
      if (part !== undefined) return inPart(input, [number, part], nowMs);
      return inObject(input, number, nowMs) || inVersion(input, number, nowMs);
    },
  };
}

function objectReplacing(database: StatementSource, contents: ContentWrites) {
  const find = database.prepare<RowBound, StandingRow>(SQL.object);
  const replace = database.prepare<RowValue[]>(SQL.replaceInObject);
  return ({ bucketId, key, from, to }: ReplaceSetInput, sequence: number, nowMs: number) => {
    const row = find.get(bucketId, key, sequence, from);
    if (row === undefined) return false;
    const name = { bucketId, key };
    requireIntactObject(name, row);
    const columns = contentColumns(contents.acquire(to, row.sequence, row.size_bytes));
    const check = objectCheck(objectValues(name, { ...row, ...columns }));
    replace.run(columns.set_id, check, bucketId, key);
    contents.release(row, nowMs);
    return true;
  };
}

function versionReplacing(database: StatementSource, contents: ContentWrites) {
  const find = database.prepare<RowBound, VersionRow>(SQL.version);
  const replace = database.prepare<RowValue[]>(SQL.replaceInVersion);
  return ({ bucketId, key, from, to }: ReplaceSetInput, sequence: number, nowMs: number) => {
    const row = find.get(bucketId, key, sequence, from);
    if (row === undefined) return false;
    const name = { bucketId, key };
    requireIntactVersion(name, row);
    const columns = contentColumns(contents.acquire(to, row.sequence, row.size_bytes));
    const check = rowCheck(versionValues(name, { ...row, ...columns }));
    replace.run(columns.set_id, check, bucketId, key, row.sequence);
    contents.release(row, nowMs);
    return true;
  };
}

function partReplacing(database: StatementSource, contents: ContentWrites) {
  const find = database.prepare<[...RowBound, number], StoredPartRow>(SQL.part);
  const replace = database.prepare<RowValue[]>(SQL.replaceInPart);
  return (
    { bucketId, key, from, to }: ReplaceSetInput,
    [manifestId, number]: readonly [number, number],
    nowMs: number,
  ) => {
    const row = find.get(bucketId, key, manifestId, from, number);
    if (row === undefined) return false;
    requireIntactPart(row);
    const columns = contentColumns(contents.acquire(to, row.id, row.size_bytes));
    const check = partCheck(partValues({ ...row, ...columns }));
    replace.run(columns.set_id, check, row.manifest_id, row.number);
    contents.release(row, nowMs);
    return true;
  };
}
