// Whether a file is for this program at all, by the first bytes of it, before anybody is asked or promised anything on
// its account: a start that is refused leaves the copies on the members as they are.
// https://www.sqlite.org/fileformat2.html#the_database_header

import { closeSync, openSync, readSync } from "node:fs";
import { ForeignDatabaseError } from "./open-database.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";

const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\0";
const SCHEMA_COOKIE_AT = 40;
const USER_VERSION_AT = 60;
const APPLICATION_ID_AT = 68;

/**
 * Touches nothing. What is absent, damaged, or only in its WAL so far, is judged by whoever opens it.
 * @throws ForeignDatabaseError when it is another program's database, or a newer version's.
 */
export function refuseForeign(path: string): void {
  const header = readHeader(path);
  if (header?.toString("latin1", 0, MAGIC.length) !== MAGIC) return;
  const applicationId = header.readUInt32BE(APPLICATION_ID_AT);
  const isEmpty = header.readUInt32BE(SCHEMA_COOKIE_AT) === 0;
  if (applicationId !== APPLICATION_ID && !(applicationId === 0 && isEmpty)) {
    throw new ForeignDatabaseError(
      `${path} is a database of another program. Nothing was changed: move it away, and the metadata is made anew from its copies`,
    );
  }
  const version = header.readUInt32BE(USER_VERSION_AT);
  if (version <= MIGRATIONS.length) return;
  throw new ForeignDatabaseError(
    `${path} has schema version ${version}, written by a newer Kintsugi; this one reads up to ${MIGRATIONS.length}. ` +
      "Nothing was changed: run the newer program",
  );
}

function readHeader(path: string): Buffer | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const header = Buffer.alloc(HEADER_BYTES);
    return readSync(file, header, 0, HEADER_BYTES, 0) === HEADER_BYTES ? header : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
