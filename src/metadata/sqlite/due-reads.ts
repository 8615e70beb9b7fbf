// What lifecycles ask: what is old enough, oldest first, found by indexes on time; and how far background work has come.

import type { Database, Statement } from "better-sqlite3";
import type { UploadId } from "../../core/ids.ts";
import type { MetadataReader } from "../engine-store.ts";
import { DUE_NEWER_MAX, type DueEntry, type DueQuery } from "../metadata-store.ts";
import { NULL_VERSION } from "../version-id.ts";
import { tagsFrom } from "./column-text.ts";

type DueRead = "findProgress" | "listDue";

interface DueRow {
  readonly at: number;
  readonly sequence: number;
  readonly key: string;
  readonly version_id: string | null;
  readonly upload_id: UploadId | null;
  readonly size_bytes: number;
  readonly tags: string | null;
  readonly newer: number;
}

interface DueBound {
  readonly bucketId: number;
  readonly before: number;
  readonly at: number;
  readonly sequence: number;
  readonly limit: number;
}

const VERSION = "o.key, o.version_id, null as upload_id, o.size_bytes, o.tags";

/** Behind the last one, and before the time: both by the index. */
function range(time: string, sequence: string): string {
  return `o.bucket_id = :bucketId and ${time} < :before and (${time}, ${sequence}) > (:at, :sequence)
    order by ${time}, ${sequence} limit :limit`;
}

export const DUE_READS: Readonly<Record<DueQuery["kind"], string>> = {
  current: `select o.modified_at as at, o.sequence, ${VERSION}, 0 as newer
    from objects o indexed by objects_by_time where ${range("o.modified_at", "o.sequence")}`,
  noncurrent: `select o.noncurrent_since as at, o.sequence, ${VERSION}, (select count(*) from (
      select 1 from versions n where n.bucket_id = o.bucket_id and n.key = o.key and n.sequence > o.sequence
      and n.noncurrent_since is not null limit ${DUE_NEWER_MAX})) as newer
    from versions o indexed by versions_noncurrent
    where o.noncurrent_since is not null and ${range("o.noncurrent_since", "o.sequence")}`,
  marker: `select o.modified_at as at, o.sequence, ${VERSION}, 0 as newer
    from versions o indexed by versions_lone
    where o.is_lone is not null and ${range("o.modified_at", "o.sequence")}`,
  upload: `select o.initiated_at as at, o.manifest_id as sequence, o.key, null as version_id, o.upload_id,
      0 as size_bytes, o.tags, 0 as newer
    from uploads o indexed by uploads_by_time
    where o.completed_sequence is null and ${range("o.initiated_at", "o.manifest_id")}`,
};

/** Before all times. */
const BEGINNING = { at: Number.MIN_SAFE_INTEGER, sequence: 0 };

export function dueReads(database: Database): Pick<MetadataReader, DueRead> {
  const prepare = (kind: DueQuery["kind"]): Statement<[DueBound], DueRow> =>
    database.prepare(DUE_READS[kind]);
  const statements = {
    current: prepare("current"),
    marker: prepare("marker"),
    noncurrent: prepare("noncurrent"),
    upload: prepare("upload"),
  };
  const progress = database
    .prepare<[string], string>("select text from job_progress where job = ?")
    .pluck();
  return {
    listDue: ({ bucketId, kind, before, after = BEGINNING, limit }) =>
      statements[kind].all({ bucketId, before, ...after, limit }).map(dueOf),
    findProgress: (job) => progress.get(job),
  };
}

function dueOf(row: DueRow): DueEntry {
  const isUpload = row.upload_id !== null;
  return {
    at: row.at,
    sequence: row.sequence,
    key: row.key,
    versionId: isUpload ? undefined : (row.version_id ?? NULL_VERSION),
    uploadId: row.upload_id ?? undefined,
    sizeBytes: row.size_bytes,
    tags: tagsFrom(row.tags),
    newerNoncurrent: row.newer,
  };
}
