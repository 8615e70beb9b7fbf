// What the writes need of a database: prepared statements. The writer's own hands out statements that note what they
// changed, for the members' record of the group.

import type { Database } from "better-sqlite3";

export type StatementSource = Pick<Database, "prepare">;
