// What every MetadataStore keeps, whatever the engine: each operation, each refusal, and what goes to the trash. The
// suite is run on each engine by metadata-store.test.ts.

import { afterEach, beforeEach, describe } from "vitest";
import type { MetadataStore } from "../../src/metadata/metadata-store.ts";
import { bucketTests } from "./metadata/buckets.ts";
import { clusterTests } from "./metadata/cluster.ts";
import { deleteTests } from "./metadata/deletes.ts";
import { dueTests } from "./metadata/due.ts";
import { listingTests } from "./metadata/listing.ts";
import { lockTests } from "./metadata/locks.ts";
import { objectTests } from "./metadata/objects.ts";
import { packTests } from "./metadata/packs.ts";
import { replaceSetTests } from "./metadata/replace-set.ts";
import { shardSetTests } from "./metadata/shard-sets.ts";
import { uploadTests } from "./metadata/uploads.ts";
import { versionListingTests } from "./metadata/version-listing.ts";
import { versionTests } from "./metadata/versions.ts";
import { walkTests } from "./metadata/walk.ts";

export interface OpenedStore {
  readonly store: MetadataStore;
  /** Closes the store and removes what it left behind. */
  readonly dispose: () => Promise<void>;
}

export function metadataStoreSuite(engine: string, open: () => Promise<OpenedStore>): void {
  describe(engine, () => {
    let opened: OpenedStore | undefined;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(async () => {
      await opened?.dispose();
      opened = undefined;
    });
    const given = (): MetadataStore => {
      if (opened === undefined) throw new Error("the store is open only within a test");
      return opened.store;
    };
    clusterTests(given);
    bucketTests(given);
    objectTests(given);
    listingTests(given);
    uploadTests(given);
    shardSetTests(given);
    replaceSetTests(given);
    packTests(given);
    walkTests(given);
    versionTests(given);
    versionListingTests(given);
    deleteTests(given);
    lockTests(given);
    dueTests(given);
  });
}
