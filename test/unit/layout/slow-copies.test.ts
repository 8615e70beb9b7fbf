// Copies of shards for which there are no siblings, on drives that take their time: what is still being written is not changed.

import { setImmediate as later } from "node:timers/promises";
import { expect, test } from "vitest";
import { formatDrive, newDriveId } from "../../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../../src/datanode/local-drive.ts";
import type { ShardStore } from "../../../src/datanode/shard-store.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import { LayoutMover } from "../../../src/layout/layout-mover.ts";
import { changeLayout } from "../../../src/store/layout/change-layout.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import { bytesOf, givenStore } from "../../support/store-lab.ts";

const MIB = 1024 * 1024;
const COUNT = 6;
const FAST = { idleBytes: 1e12, busyBytes: 1e12 };

/** As a disk is: bytes are read from where they lie a while after they were given. */
function slow(store: ShardStore): ShardStore {
  return new Proxy(store, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      if (property === "create") {
        return async (...args: Parameters<ShardStore["create"]>) => {
          const writer = await target.create(...args);
          const append: typeof writer.append = async (bytes) => {
            for (let turn = 0; turn < 20; turn += 1) await later();
            return writer.append(bytes);
          };
          return new Proxy(writer, {
            get: (inner, name) => {
              if (name === "append") return append;
              const method: unknown = Reflect.get(inner, name, inner);
              return typeof method === "function" ? method.bind(inner) : method;
            },
          });
        };
      }
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("sets without parity are moved to slow drives as they are", async () => {
  const lab = await givenStore({ driveCount: 1 });
  const bodies = Array.from({ length: COUNT }, (_, n) => bytesOf(3 * MIB + n, n));
  for (const [n, body] of bodies.entries()) await lab.put(`key-${n}`, body);
  const { newest } = lab.store.layoutState();
  const added: ShardStore[] = [];
  for (let n = 0; n < 5; n += 1) {
    const disk = new SimDrive({ seed: n, deadlineMs: 100 });
    const driveId = newDriveId();
    const slots = [{ driveId, wasMountPoint: false }];
    await formatDrive(disk, { clusterId: "cluster", driveId, slot: 0, slots, createdAt: 0 });
    added.push(slow(await openLocalDrive({ disk, driveId })));
  }
  const ids = [...newest.drives, ...added.map(({ driveId }) => driveId)];
  const drives = ids.map((driveId) => ({ driveId, weight: 1 }));
  await lab.store.publishLayout(changeLayout(newest, drives));
  for (const drive of added) lab.store.attachDrive(drive);

  const { metadata, store } = lab;
  const options = { metadata, store, logger: silentLogger, limits: FAST };
  const mover = new LayoutMover({
    ...options,
    tellOthers: async () => undefined,
    isBusy: () => false,
  });
  let movedShards = 0;
  const { signal } = new AbortController();
  while ((await mover.step(signal)) === "busy") movedShards = mover.status.movedShards;
  expect(lab.store.layoutState().live).toHaveLength(1);
  expect(movedShards).toBeGreaterThan(0);
  for (const [n, body] of bodies.entries()) {
    expect((await lab.get(`key-${n}`)).equals(body), `key-${n}`).toBe(true);
  }
});
