// The contract of MetadataStore, on every engine.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openMemoryMetadata } from "../../src/metadata/memory/open-memory-metadata.ts";
import { openSqliteMetadata } from "../../src/metadata/sqlite/open-sqlite-metadata.ts";
import { metadataStoreSuite } from "./metadata-store.ts";

metadataStoreSuite("memory", async () => {
  const store = openMemoryMetadata();
  return { store, dispose: () => store.close() };
});

metadataStoreSuite("sqlite", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-metadata-"));
  const store = await openSqliteMetadata({ folder });
  const dispose = async () => {
    await store.close();
    await rm(folder, { recursive: true });
  };
  return { store, dispose };
});
