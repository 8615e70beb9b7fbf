// Reads of shard sets and packs: which are named, which have lost shards, which hold more dead bytes than they should.

import type { Database } from "better-sqlite3";
import type { SetId } from "../../core/ids.ts";
import type { MetadataReader } from "../engine-store.ts";
import type { MovePackedInput } from "../metadata-store.ts";
import { OBJECT_COLUMNS, objectOf, type ObjectRow } from "./object-rows.ts";
import { SET_COLUMNS, setOf, type SetRow } from "./rows.ts";
import { FULL_VERSION_COLUMNS, versionOf, type VersionRow } from "./version-rows.ts";

type PackRead =
  | "findNamedSets"
  | "findPacked"
  | "listDegradedSets"
  | "listSets"
  | "listSparsePacks";

interface NamedSetRow extends SetRow {
  readonly id: SetId;
}

interface PackRow extends NamedSetRow {
  readonly live_bytes: number;
  readonly reference_count: number;
}

interface SparseQuery {
  readonly after: string;
  readonly share: number;
  readonly limit: number;
}

export const PACK_READS = {
  named: `select 1 from shard_sets where id = :id union all select 1 from trash where set_id = :id limit 1`,
  object: `select ${OBJECT_COLUMNS} from objects o left join shard_sets s on s.id = o.set_id
    where o.bucket_id = ? and o.key = ? and o.set_id = ? and o.pack_offset = ?`,
  version: `select ${FULL_VERSION_COLUMNS} from versions o indexed by versions_packed
    left join shard_sets s on s.id = o.set_id
    where o.bucket_id = ? and o.key = ? and o.set_id = ? and o.pack_offset = ?`,
  degraded: `select s.id, ${SET_COLUMNS} from shard_sets s indexed by shard_sets_missing
    where s.missing is not null and s.id > ? order by s.id limit ?`,
  sets: `select s.id, ${SET_COLUMNS} from shard_sets s where s.id > ? order by s.id limit ?`,
  // Passes over the packs that are not sparse: there are few packs, for each holds many objects.
  sparse: `select s.id, s.live_bytes, s.reference_count, ${SET_COLUMNS} from shard_sets s indexed by shard_sets_packs
    where s.pack_state is not null and s.pack_state = 'sealed' and s.id > :after and s.size_bytes > 0
    and s.size_bytes - s.live_bytes >= :share * s.size_bytes order by s.id limit :limit`,
} as const;

/** Before all ids. */
const FIRST = "";

export function packReads(database: Database): Pick<MetadataReader, PackRead> {
  const named = database.prepare<[{ readonly id: SetId }]>(PACK_READS.named);
  type PlaceBound = [number, string, SetId, number];
  const object = database.prepare<PlaceBound, ObjectRow>(PACK_READS.object);
  const older = database.prepare<PlaceBound, SetRow & VersionRow>(PACK_READS.version);
  const degraded = database.prepare<[string, number], NamedSetRow>(PACK_READS.degraded);
  const sets = database.prepare<[string, number], NamedSetRow>(PACK_READS.sets);
  const sparse = database.prepare<[SparseQuery], PackRow>(PACK_READS.sparse);
  return {
    findNamedSets: database.transaction(
      (setIds: readonly SetId[]): ReadonlySet<SetId> =>
        new Set(setIds.filter((id) => named.get({ id }) !== undefined)),
    ),
    findPacked: database.transaction(
      (bucketId: number, key: string, { setId, offset }: MovePackedInput["from"]) => {
        const name = { bucketId, key };
        const current = object.get(bucketId, key, setId, offset);
        if (current !== undefined) return objectOf(name, current);
        const row = older.get(bucketId, key, setId, offset);
        const version = row && versionOf(name, row);
        return version?.kind === "object" ? version.object : undefined;
      },
    ),
    listDegradedSets: (after, limit) =>
      degraded.all(after ?? FIRST, limit).map((row) => setOf(row, row.id)),
    listSets: (after, limit) => sets.all(after ?? FIRST, limit).map((row) => setOf(row, row.id)),
    listSparsePacks: (share, after, limit) =>
      sparse.all({ share, after: after ?? FIRST, limit }).map((row) => ({
        set: setOf(row, row.id),
        liveBytes: row.live_bytes,
        referenceCount: row.reference_count,
      })),
  };
}
