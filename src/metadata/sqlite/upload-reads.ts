// Reads of multipart uploads, and of the parts of completed ones.

import type { Database } from "better-sqlite3";
import type { UploadId } from "../../core/ids.ts";
import type { MetadataReader } from "../engine-store.ts";
import type { ListUploadsQuery, UploadPage } from "../metadata-store.ts";
import type { PartRecord } from "../records.ts";
import { findCommonPrefix } from "../common-prefix.ts";
import { DamagedRowError } from "../damaged-row-error.ts";
import { RECORD_NUMBER } from "../write-inputs.ts";
import { pageStart, prefixEnd, walkPage } from "./page-walk.ts";
import {
  PART_COLUMNS,
  UPLOAD_COLUMNS,
  intactUploadOf,
  partOf,
  uploadOf,
  type PartRow,
  type UploadRow,
} from "./upload-rows.ts";

type UploadRead = "findPart" | "findPartAt" | "findUpload" | "listParts" | "listUploads";

export const FIND_UPLOAD = `select ${UPLOAD_COLUMNS} from uploads where upload_id = ? and bucket_id = ? and key = ?`;

export function uploadReads(database: Database): Pick<MetadataReader, UploadRead> {
  const upload = database.prepare<[UploadId, number, string], UploadRow>(FIND_UPLOAD);
  return {
    ...partReads(database),
    findUpload: (bucketId, key, uploadId) => {
      const row = upload.get(uploadId, bucketId, key);
      return row && intactUploadOf(row);
    },
    listUploads: uploadListing(database),
  };
}

function partReads(
  database: Database,
): Pick<MetadataReader, "findPart" | "findPartAt" | "listParts"> {
  const joins = `left join part_offsets f on f.manifest_id = p.manifest_id and f.number = p.number
    left join shard_sets s on s.id = p.set_id`;
  const page = database.prepare<[number, number, number], PartRow>(
    `select ${PART_COLUMNS} from parts p ${joins} where p.manifest_id = ? and p.number > ? order by p.number limit ?`,
  );
  const byNumber = database.prepare<[number, number], PartRow>(
    `select ${PART_COLUMNS} from parts p ${joins} where p.manifest_id = ? and p.number = ?`,
  );
  // Of parts that begin at the same byte only the last one has any.
  const byOffset = database.prepare<[number, number], PartRow>(
    `select ${PART_COLUMNS} from (
       select manifest_id, start_offset, number from part_offsets where manifest_id = ? and start_offset <= ?
       order by start_offset desc, number desc limit 1
     ) f cross join parts p on p.manifest_id = f.manifest_id and p.number = f.number
     left join shard_sets s on s.id = p.set_id`,
  );
  const before = database.prepare<[number, number], Pick<PartRow, "size_bytes" | "start_offset">>(
    `select p.size_bytes, f.start_offset from parts p
     left join part_offsets f on f.manifest_id = p.manifest_id and f.number = p.number
     where p.manifest_id = ? and p.number > ${RECORD_NUMBER} and p.number < ? order by p.number desc limit 1`,
  );

  const isCompleted = database.prepare<[number]>(
    "select 1 from uploads where manifest_id = ? and completed_sequence is not null",
  );

  /** A part of a completed upload begins where the one before it ends; its record nowhere. @throws DamagedRowError */
  const placed = (row: PartRow | undefined): PartRecord | undefined => {
    if (row === undefined) return undefined;
    const { manifest_id: manifestId, number, start_offset: start } = row;
    const last = before.get(manifestId, number) ?? { size_bytes: 0, start_offset: 0 };
    const isRight =
      start === null
        ? number === RECORD_NUMBER || isCompleted.get(manifestId) === undefined
        : last.start_offset !== null && start === last.start_offset + last.size_bytes;
    if (!isRight) throw new DamagedRowError("part_offsets", `${manifestId}, ${number}`);
    return partOf(row);
  };
  return {
    listParts: (manifestId, after, limit) => {
      const rows = page.all(manifestId, after, limit + 1);
      return { parts: rows.slice(0, limit).map(partOf), isTruncated: rows.length > limit };
    },
    findPart: (manifestId, number) => placed(byNumber.get(manifestId, number)),
    findPartAt: (manifestId, offset) => {
      const part = placed(byOffset.get(manifestId, offset));
      const end = (part?.startOffset ?? 0) + (part?.sizeBytes ?? 0);
      return offset < end ? part : undefined;
    },
  };
}

function uploadListing(database: Database): (query: ListUploadsQuery) => UploadPage {
  const open = `select ${UPLOAD_COLUMNS} from uploads indexed by uploads_open
    where completed_sequence is null and bucket_id = ?`;
  const fromKey = database.prepare<[number, string, Buffer | string, number], UploadRow>(
    `${open} and key >= ? and key < ? order by key, initiated_at, manifest_id limit ?`,
  );
  const laterOfKey = database.prepare<[number, string, number, number, number], UploadRow>(
    `${open} and key = ? and (initiated_at, manifest_id) > (?, ?) order by initiated_at, manifest_id limit ?`,
  );
  const marker = database.prepare<
    [string, number, string],
    { readonly initiated_at: number; readonly manifest_id: number }
  >(
    `select initiated_at, manifest_id from uploads
     where upload_id = ? and bucket_id = ? and key = ? and completed_sequence is null`,
  );

  /** The uploads of the marker's own key that come after it; all of them when the marker is gone. */
  const restOfKey = (query: ListUploadsQuery): readonly UploadRow[] => {
    const { bucketId, prefix, keyMarker, uploadIdMarker, limit } = query;
    if (keyMarker === undefined || uploadIdMarker === undefined) return [];
    const isHidden = findCommonPrefix(keyMarker, query) === keyMarker;
    if (isHidden || !keyMarker.startsWith(prefix)) return [];
    const at = marker.get(uploadIdMarker, bucketId, keyMarker);
    const { initiated_at: time, manifest_id: id } = at ?? { initiated_at: 0, manifest_id: 0 };
    return laterOfKey.all(bucketId, keyMarker, time, id, limit + 1);
  };

  return database.transaction((query: ListUploadsQuery): UploadPage => {
    const end = prefixEnd(query.prefix);
    const seek = (key: string, count: number) => fromKey.iterate(query.bucketId, key, end, count);
    const from = pageStart(query, query.keyMarker);
    const following = () => (from === undefined ? [] : seek(from, query.limit + 1));
    const page = walkPage(query, chain(restOfKey(query), following), seek);
    const entries = page.entries.map((entry) =>
      entry.row === undefined
        ? ({ kind: "prefix", prefix: entry.prefix } as const)
        : ({ kind: "upload", upload: uploadOf(entry.row) } as const),
    );
    return { entries, isTruncated: page.isTruncated };
  });
}

/** The second is asked for only when it is needed: a statement that is not read to an end keeps its connection busy. */
function* chain<Row>(first: Iterable<Row>, second: () => Iterable<Row>): Iterable<Row> {
  yield* first;
  yield* second();
}
