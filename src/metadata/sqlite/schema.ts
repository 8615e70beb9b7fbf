// The tables of metadata.db, as the list of steps that lead from an empty file to the newest version. PRAGMA
// user_version counts the steps taken. A step that has been released is never edited: a new one is added.
//
// - One counter (state.last_number) numbers versions, parts, uploads and buckets. No number is used twice, so a reader
//   that holds the number of inline bytes finds those bytes or none.
// - Keys are TEXT in BINARY collation: their order is that of their UTF-8 bytes.
// - `objects` holds the current live version of a key and nothing else. What LIST does not show stands last in the
//   row, where it may spill to overflow pages.
// - Of data_id, set_id and manifest_id exactly one is set; a null version_id is the version "null".

/** "KINT": marks the file as ours, so that another program's database is never migrated. */
export const APPLICATION_ID = 0x4b_49_4e_54;

const VERSION_1 = `
create table state (
  one integer primary key check (one = 1),
  last_number integer not null,
  epoch integer not null
) strict;
insert into state values (1, 0, 0);

create table settings (name text primary key, value text not null) strict, without rowid;

create table processes (
  incarnation text primary key,
  started_at integer not null,
  ended_at integer,
  ordinal integer not null
) strict, without rowid;

create table layouts (
  version integer primary key,
  drives text not null,
  partitions text not null
) strict;

create table buckets (
  id integer primary key,
  name text not null unique,
  owner_id text not null,
  region text not null,
  created_at integer not null,
  versioning text not null,
  settings_version integer not null,
  object_count integer not null,
  object_bytes integer not null
) strict;
create index buckets_by_owner on buckets (owner_id, name);

create table bucket_config (
  bucket_id integer not null,
  name text not null,
  value text not null,
  primary key (bucket_id, name)
) strict, without rowid;

create table objects (
  bucket_id integer not null,
  key text not null,
  sequence integer not null,
  version_id text,
  size_bytes integer not null,
  etag text not null,
  modified_at integer not null,
  owner_id text not null,
  storage_class text not null,
  checksum_algorithm text,
  checksum_type text,
  checksum_value text,
  data_id integer,
  set_id text,
  manifest_id integer,
  part_count integer,
  tags text,
  attributes text,
  primary key (bucket_id, key)
) strict, without rowid;

create table versions (
  bucket_id integer not null,
  key text not null,
  sequence integer not null,
  version_id text,
  is_delete_marker integer not null,
  size_bytes integer not null,
  etag text not null,
  modified_at integer not null,
  owner_id text not null,
  storage_class text not null,
  checksum_algorithm text,
  checksum_type text,
  checksum_value text,
  data_id integer,
  set_id text,
  manifest_id integer,
  part_count integer,
  tags text,
  attributes text,
  primary key (bucket_id, key, sequence desc)
) strict, without rowid;

create table inline_data (id integer primary key, bytes blob not null) strict;

create table shard_sets (
  id text primary key,
  data_shards integer not null,
  parity_shards integer not null,
  unit_bytes integer not null,
  layout_version integer not null,
  size_bytes integer not null,
  header_bytes integer not null,
  reference_count integer not null,
  missing text
) strict, without rowid;
create index shard_sets_missing on shard_sets (id) where missing is not null;

create table trash (
  number integer primary key,
  set_id text not null unique,
  layout_version integer not null,
  shard_count integer not null,
  trashed_at integer not null
) strict;

create table uploads (
  manifest_id integer primary key,
  upload_id text not null unique,
  bucket_id integer not null,
  key text not null,
  initiated_at integer not null,
  initiator_id text not null,
  owner_id text not null,
  storage_class text not null,
  checksum_algorithm text,
  checksum_type text,
  completed_etag text,
  completed_sequence integer,
  tags text,
  attributes text
) strict;
create index uploads_open on uploads (bucket_id, key, initiated_at, manifest_id)
  where completed_sequence is null;

create table parts (
  manifest_id integer not null,
  number integer not null,
  id integer not null,
  size_bytes integer not null,
  etag text not null,
  uploaded_at integer not null,
  data_id integer,
  set_id text,
  checksums text,
  primary key (manifest_id, number)
) strict, without rowid;

create table part_offsets (
  manifest_id integer not null,
  start_offset integer not null,
  number integer not null,
  primary key (manifest_id, start_offset, number)
) strict, without rowid;
create unique index part_offsets_by_number on part_offsets (manifest_id, number);
`;

/**
 * Members: the place in their chain up to which this file holds all changes, and the statements that their records name.
 * Packs: sets that many objects share, each at an offset of its own. `row_check` is a CRC-32C over a row's other columns
 * (of shard_sets: over those that never change); null in rows of version 1. `uploads_by_key` is for walking over
 * everything that holds bytes: parts stand under the key of their upload, be it in progress or completed.
 */
const VERSION_2 = `
alter table state add column chain_sequence integer not null default 0;
alter table state add column chain_epoch integer not null default 0;
alter table state add column chain_digest text not null
  default '0000000000000000000000000000000000000000000000000000000000000000';
create table journal_statements (id integer primary key, text text not null unique) strict;

alter table objects add column pack_offset integer;
alter table objects add column row_check integer;
alter table versions add column pack_offset integer;
alter table versions add column row_check integer;
alter table parts add column pack_offset integer;
alter table parts add column row_check integer;
alter table uploads add column row_check integer;
create unique index uploads_by_key on uploads (bucket_id, key, manifest_id);

alter table shard_sets add column row_check integer;
alter table shard_sets add column pack_state text;
alter table shard_sets add column live_bytes integer not null default 0;
create index shard_sets_packs on shard_sets (id) where pack_state is not null;
`;

/**
 * Versions: `noncurrent_since` dates what is no longer the latest of its key; only a delete marker has none and stands in
 * `versions` all the same. `is_lone` marks the one that is all that is left of its key, so that finding those costs nothing
 * for the others. The indexes by time are those of lifecycles; `versions_packed` is that of compaction: a key may have
 * many versions.
 * Object lock: `legal_hold` is null where nothing is said. `has_lock` of a bucket never goes back.
 */
const VERSION_3 = `
alter table buckets add column has_lock integer not null default 0;
alter table buckets add column lock_default text;
alter table buckets add column quota_bytes integer;

alter table objects add column acl text;
alter table objects add column encryption text;
alter table objects add column retention_mode text;
alter table objects add column retain_until integer;
alter table objects add column legal_hold integer;
create index objects_by_time on objects (bucket_id, modified_at, sequence);

alter table versions add column acl text;
alter table versions add column encryption text;
alter table versions add column retention_mode text;
alter table versions add column retain_until integer;
alter table versions add column legal_hold integer;
alter table versions add column noncurrent_since integer;
alter table versions add column is_lone integer;
create unique index versions_null on versions (bucket_id, key) where version_id is null;
create index versions_noncurrent on versions (bucket_id, noncurrent_since, sequence)
  where noncurrent_since is not null;
create index versions_packed on versions (set_id, pack_offset) where pack_offset is not null;
create index versions_lone on versions (bucket_id, modified_at, sequence) where is_lone is not null;

alter table uploads add column acl text;
alter table uploads add column encryption text;
alter table uploads add column retention_mode text;
alter table uploads add column retain_until integer;
alter table uploads add column legal_hold integer;
alter table uploads add column completed_version_id text;
create index uploads_by_time on uploads (bucket_id, initiated_at, manifest_id)
  where completed_sequence is null;

alter table parts add column encryption text;

create table job_progress (job text primary key, text text not null) strict, without rowid;
`;

/** Layouts that follow each other: decision 0015. A layout of before has been written by, and nothing has replaced it. */
const VERSION_4 = `
alter table layouts add column data_shards integer;
alter table layouts add column parity_shards integer;
alter table layouts add column is_written integer not null default 1;
alter table layouts add column retired_into integer;
`;

/** Step i leads from version i to version i + 1. */
export const MIGRATIONS: readonly string[] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4];
