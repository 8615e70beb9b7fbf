// The SQLite engine with its writer in the calling thread, for tests of a database that something else has made.

import { S3Error } from "../../src/core/s3-error.ts";
import { EngineStore } from "../../src/metadata/engine-store.ts";
import type { MetadataStore } from "../../src/metadata/metadata-store.ts";
import { errorOf } from "../../src/metadata/refusal.ts";
import { GroupWriter } from "../../src/metadata/sqlite/group-writer.ts";
import { openForReading, openForWriting } from "../../src/metadata/sqlite/open-database.ts";
import { sqliteReads } from "../../src/metadata/sqlite/sqlite-reads.ts";
import type { WritePort, WriteResult } from "../../src/metadata/write-operations.ts";
import { Limiter } from "../../src/util/limiter.ts";
import { atEnd } from "./at-end.ts";

const nothing = (): void => undefined;

export function openSqliteInProcess(path: string, now: () => number): MetadataStore {
  const group = new GroupWriter(openForWriting(path), { hasMembers: false });
  const turns = new Limiter({ concurrency: 1, queueMax: 10_000 });
  const writer: WritePort = {
    submit: async (request) => {
      const [answer] = await turns.run(() =>
        group.apply({ kind: "group", requests: [request], nowMs: now() }),
      );
      // The answer to a request of that name.
      if (answer?.kind === "done") return answer.result as WriteResult<typeof request.name>;
      if (answer?.kind === "refused") throw errorOf(answer.refusal);
      throw new S3Error("InternalError", { cause: answer });
    },
    hasFailed: false,
    waitMs: 0,
    close: async () => undefined,
  };
  const database = openForReading(path);
  const reader = sqliteReads(database);
  atEnd(() => {
    database.close();
    group.close();
  });
  return new EngineStore({ reader: () => reader, writer, closeReader: nothing, release: nothing });
}
