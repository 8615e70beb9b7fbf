// The end of a server does not wait for what a reshape waits for.

import { expect, test } from "vitest";
import { Reshaper } from "../../../src/layout/reshaper.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import { givenStore } from "../../support/store-lab.ts";

const never = () => new Promise<undefined>(() => undefined);

test("a stop does not wait for members that learn what there is", async () => {
  const lab = await givenStore();
  const { newest } = lab.store.layoutState();
  const geometry = { dataShards: 2, parityShards: 2 };
  await lab.store.publishLayout({ ...newest, version: 2, geometry, isWritten: false });
  await lab.store.useNewestLayout();
  await lab.store.retireOlderLayouts();
  const parts = { metadata: lab.metadata, store: lab.store, isBusy: () => false };
  const reshaper = new Reshaper({ ...parts, logger: silentLogger, followMembers: never });
  const stop = new AbortController();
  const step = reshaper.step(stop.signal);
  setTimeout(() => stop.abort(), 10);
  expect(await step).toBe("idle");
  expect(reshaper.status.problem).toContain("copies of the metadata");
});
