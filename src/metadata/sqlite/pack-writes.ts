// Writes to packs, within the writer's transaction: sealing them, and naming a copy of packed bytes in their stead.

import type { SetId, UploadId } from "../../core/ids.ts";
import type { MovePackedInput } from "../metadata-store.ts";
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
import { contentColumns, type ContentColumns } from "./rows.ts";
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

type PackWrite = "movePacked" | "sealPack";

const SQL = {
  seal: `update shard_sets set pack_state = 'sealed', size_bytes = ? where id = ? and pack_state = 'open'`,
  state: "select pack_state from shard_sets where id = ?",
  trashed: "select 1 from trash where set_id = ?",
  object: `select ${STANDING_COLUMNS} from objects o
    where o.bucket_id = ? and o.key = ? and o.set_id = ? and o.pack_offset = ?`,
  moveObject: `update objects set data_id = ?, set_id = ?, pack_offset = ?, row_check = ?
    where bucket_id = ? and key = ?`,
  version: `select ${VERSION_COLUMNS} from versions o indexed by versions_packed
    where o.bucket_id = ? and o.key = ? and o.set_id = ? and o.pack_offset = ?`,
  moveVersion: `update versions set data_id = ?, set_id = ?, pack_offset = ?, row_check = ?
    where bucket_id = ? and key = ? and sequence = ?`,
  part: `select ${STORED_PART_COLUMNS} from uploads u cross join parts p on p.manifest_id = u.manifest_id
    where u.upload_id = ? and u.bucket_id = ? and u.key = ? and p.number = ? and p.set_id = ? and p.pack_offset = ?`,
  movePart: `update parts set data_id = ?, set_id = ?, pack_offset = ?, row_check = ?
    where manifest_id = ? and number = ?`,
} as const;

export function packWrites(
  database: StatementSource,
  contents: ContentWrites,
): Pick<WriteHandlers, PackWrite> {
  const moveObject = objectMoves(database, contents);
  const moveVersion = versionMoves(database, contents);
  const movePart = partMoves(database, contents);
  return {
    sealPack: sealing(database, contents),
    movePacked: (input, nowMs) => {
      if (input.part !== undefined) return movePart(input, input.part, nowMs);
      return moveObject(input, nowMs) || moveVersion(input, nowMs);
    },
  };
}

function sealing(database: StatementSource, contents: ContentWrites): WriteHandlers["sealPack"] {
  const seal = database.prepare<[number, SetId]>(SQL.seal);
  const stateOf = database.prepare<[SetId], string | null>(SQL.state).pluck();
  const trashed = database.prepare<[SetId]>(SQL.trashed);
  return ({ setId, fileBytes }, nowMs) => {
    seal.run(fileBytes, setId);
    const state = stateOf.get(setId);
    if (state === undefined) return trashed.get(setId) === undefined ? "unknown" : "trashed";
    if (state !== "sealed") throw new Error(`set ${setId} is no pack`);
    return contents.trashDeadPack(setId, nowMs) ? "trashed" : "kept";
  };
}

function objectMoves(database: StatementSource, contents: ContentWrites) {
  const find = database.prepare<[number, string, SetId, number], StandingRow>(SQL.object);
  const move = database.prepare<RowValue[]>(SQL.moveObject);
  return ({ from, to, ...name }: MovePackedInput, nowMs: number): boolean => {
    const row = find.get(name.bucketId, name.key, from.setId, from.offset);
    if (row === undefined) return false;
    requireIntactObject(name, row);
    const columns = contentColumns(contents.acquire(to, row.sequence, row.size_bytes));
    const check = objectCheck(objectValues(name, { ...row, ...columns }));
    move.run(...contentValues(columns), check, name.bucketId, name.key);
    contents.release(row, nowMs);
    return true;
  };
}

function versionMoves(database: StatementSource, contents: ContentWrites) {
  const find = database.prepare<[number, string, SetId, number], VersionRow>(SQL.version);
  const move = database.prepare<RowValue[]>(SQL.moveVersion);
  return ({ from, to, ...name }: MovePackedInput, nowMs: number): boolean => {
    const row = find.get(name.bucketId, name.key, from.setId, from.offset);
    if (row === undefined) return false;
    requireIntactVersion(name, row);
    const columns = contentColumns(contents.acquire(to, row.sequence, row.size_bytes));
    const check = rowCheck(versionValues(name, { ...row, ...columns }));
    move.run(...contentValues(columns), check, name.bucketId, name.key, row.sequence);
    contents.release(row, nowMs);
    return true;
  };
}

function partMoves(database: StatementSource, contents: ContentWrites) {
  const find = database.prepare<[UploadId, number, string, number, SetId, number], StoredPartRow>(
    SQL.part,
  );
  const move = database.prepare<RowValue[]>(SQL.movePart);
  return (
    { bucketId, key, from, to }: MovePackedInput,
    part: NonNullable<MovePackedInput["part"]>,
    nowMs: number,
  ): boolean => {
    const row = find.get(part.uploadId, bucketId, key, part.number, from.setId, from.offset);
    if (row === undefined) return false;
    requireIntactPart(row);
    const columns = contentColumns(contents.acquire(to, row.id, row.size_bytes));
    const check = partCheck(partValues({ ...row, ...columns }));
    move.run(...contentValues(columns), check, row.manifest_id, row.number);
    contents.release(row, nowMs);
    return true;
  };
}

/** In the order in which the statements above set them. */
function contentValues(columns: ContentColumns): readonly RowValue[] {
  return [columns.data_id, columns.set_id, columns.pack_offset];
}
