// Drives that are added, drained, replaced and taken out while the server runs: what is asked is checked here, said on the
// drives, and published as a layout; the mover (layout/) does the rest. One at a time.

import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AdminDrives, DriveEntry, DrivesReport } from "../admin/admin-drives.ts";
import { AdminError } from "../admin/admin-error.ts";
import type { DriveId } from "../core/ids.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import { withDeadline } from "../util/deadline.ts";
import type { JournalReport } from "../metadata/metadata-store.ts";
import type { RenewedDrive } from "../repair/renewed-drives.ts";
import { changeLayout, placeCounts, replaceInLayout } from "../store/layout/change-layout.ts";
import type { OpenObjectStore } from "../store/open-object-store.ts";
import { geometryOf, PARTITION_COUNT } from "../store/placement.ts";
import type { Logger } from "../telemetry/logger.ts";
import { areReadsOver, requireRoom, weighDrives, weighNew } from "./layout-rules.ts";
import type { LayoutWork } from "./layout-work.ts";
import type { LocalDrive, LocalDrives } from "./local-drives.ts";
import { inWords, refusal, requireBlank } from "./new-drive-folder.ts";
import { reshapeDrives } from "./reshape-drives.ts";
import type { AdminParts } from "./serve-store.ts";

/** How long whoever removes a drive waits for its copy of the metadata to be elsewhere. */
const MEMBER_MS_MAX = 20_000;
/** How often workers are asked whether they know what they must. */
const READS_EVERY_MS = 250;

/** Of a gateway, whose drives are its nodes', there is nothing to be changed here. */
export function adminDrivesOf(parts: AdminParts): AdminDrives {
  const { engines, healing, logger, mover: work, store, tellOthers } = parts;
  const { localDrives: local, metadata } = engines;
  if (local === undefined) return NO_DRIVES;
  return new DriveChanges({
    local,
    store,
    work,
    tellOthers,
    logger,
    journal: () => metadata.journalReport(),
    addRenewed: (drive) => {
      healing.repair.addRenewed(drive);
      healing.wake();
    },
  });
}

const refuse = (): Promise<never> =>
  Promise.reject(refusal("the drives are those of data nodes: they are changed there"));
const NO_DRIVES: AdminDrives = {
  list: refuse,
  add: refuse,
  drain: refuse,
  replace: refuse,
  remove: refuse,
  reshape: refuse,
};

export interface DriveChangesParts {
  readonly local: LocalDrives;
  readonly store: OpenObjectStore;
  readonly work: LayoutWork;
  readonly journal: () => JournalReport | undefined;
  /** What was on a drive that is lost is made anew on another. */
  readonly addRenewed: (drive: RenewedDrive) => void;
  /** Has workers beside this one learn of it. */
  readonly tellOthers: () => Promise<void>;
  readonly logger: Logger;
}

class DriveChanges implements AdminDrives {
  readonly #parts: DriveChangesParts;
  #running: Promise<unknown> = Promise.resolve();

  constructor(parts: DriveChangesParts) {
    this.#parts = parts;
  }

  async list(): Promise<DrivesReport> {
    const { journal, local, store, work } = this.#parts;
    const { live, newest, written } = store.layoutState();
    const spaces = await store.driveSpaces();
    const members = new Set(journal()?.members.map(({ driveId }) => driveId));
    const counts = placeCounts(newest);
    const { dataShards, parityShards } = geometryOf(newest);
    const shardCount = dataShards + parityShards;
    const roleOf = (driveId: DriveId): DriveEntry["role"] => {
      if (newest.drives.includes(driveId)) {
        return written.drives.includes(driveId) ? "in-use" : "joining";
      }
      return live.some(({ drives }) => drives.includes(driveId)) ? "leaving" : "drained";
    };
    return {
      drives: local.all.map(({ driveId, path }) => ({
        driveId,
        path,
        role: roleOf(driveId),
        isThere: spaces.has(driveId) || (roleOf(driveId) === "drained" && local.has(driveId)),
        sharePerMille: Math.round(
          ((counts.get(driveId) ?? 0) * 1_000) / (PARTITION_COUNT * shardCount),
        ),
        freeBytes: spaces.get(driveId)?.freeBytes,
        totalBytes: spaces.get(driveId)?.totalBytes,
        isMember: members.has(driveId),
        isHome: local.home.driveId === driveId,
      })),
      shardCount,
      cut: { dataShards, parityShards },
      change: work.mover.status,
      reshape: work.reshaper.status,
    };
  }

  add(folders: readonly string[]): Promise<DrivesReport> {
    return this.#alone(async () => {
      const { local, store, tellOthers, work } = this.#parts;
      this.#requireRest();
      if (folders.length === 0) throw refusal("name the folders of the new drives");
      const twice = folders.find((folder, index) => folders.indexOf(folder) !== index);
      if (twice !== undefined) throw refusal(`${twice} is named twice: each folder is one drive`);
      const { newest } = store.layoutState();
      const wanted = await weighDrives(store, newest.drives);
      const opened: ShardStore[] = [];
      for (const folder of folders) {
        const standing = await requireBlank(this.#parts, folder);
        const drive =
          standing === undefined ? local.layOut(folder) : local.openAgain(standing, folder);
        opened.push(await inWords(() => drive));
      }
      const weights = await Promise.all(opened.map(weighNew));
      const placeCount = await store.placesInUse();
      await store.publishLayout(changeLayout(newest, [...wanted, ...weights], placeCount));
      for (const drive of opened) store.attachDrive(drive);
      await tellOthers();
      work.wake();
    });
  }

  drain(name: string): Promise<DrivesReport> {
    return this.#alone(async () => {
      const { local, store, work } = this.#parts;
      const drive = this.#find(name);
      const { newest } = store.layoutState();
      if (!newest.drives.includes(drive.driveId)) {
        throw refusal(`${drive.path} is drained, or being drained, already`);
      }
      this.#requireRest();
      const placeCount = await store.placesInUse();
      const rest = newest.drives.filter((driveId) => driveId !== drive.driveId);
      if (rest.length < placeCount) {
        const { dataShards, parityShards } = geometryOf(newest);
        throw refusal(
          `each object lies on ${placeCount} drives (${dataShards}+${parityShards}), and ` +
            `${rest.length} would be left: add a drive first, or replace this one`,
        );
      }
      const next = changeLayout(newest, await weighDrives(store, rest), placeCount);
      await requireRoom(store, next, (driveId) => this.#labelOf(driveId));
      await local.markLeaving(drive.driveId);
      await store.publishLayout(next);
      this.#changeMembers();
      work.wake();
    });
  }

  replace(name: string, folder: string): Promise<DrivesReport> {
    return this.#alone(async () => {
      const { local, store, tellOthers, work } = this.#parts;
      const drive = this.#find(name);
      const { newest } = store.layoutState();
      if (!newest.drives.includes(drive.driveId)) {
        throw refusal(`${drive.path} is drained, or being drained: it needs no other in its place`);
      }
      this.#requireRest();
      const isThere = (await store.driveSpaces()).has(drive.driveId);
      if (!isThere) return this.#replaceLost(drive, folder);
      if ((await requireBlank(this.#parts, folder)) !== undefined) {
        throw refusal(
          `${folder} is a drive of this cluster already: kintsugi drive add takes it in`,
        );
      }
      const opened = await inWords(() => local.layOut(folder));
      await local.markLeaving(drive.driveId);
      await store.publishLayout(replaceInLayout(newest, drive.driveId, opened.driveId));
      store.attachDrive(opened);
      this.#changeMembers();
      await tellOthers();
      work.wake();
    });
  }

  remove(name: string): Promise<DrivesReport> {
    return this.#alone(async () => {
      const { local, store, tellOthers } = this.#parts;
      const { driveId, path } = this.#find(name);
      const { live } = store.layoutState();
      if (live.some(({ drives }) => drives.includes(driveId))) {
        throw refusal(
          `${path} still has what belongs to objects: kintsugi drive drain first, and wait until it is drained`,
        );
      }
      if (local.home.driveId === driveId) {
        throw refusal(
          `${path} holds the database. Start the server anew, which then has it on another drive, and remove it then`,
        );
      }
      this.#requireFound(driveId);
      await this.#moveMember(driveId, path);
      if (!(await areReadsOver(this.#parts))) {
        throw refusal(
          `requests that began before it was drained still read ${path}: try again in a moment`,
        );
      }
      await local.takeOut(driveId);
      this.#changeMembers();
      await store.detachDrives((id) => id === driveId);
      await tellOthers();
    });
  }

  reshape(cut: DrivesReport["cut"] | undefined): Promise<DrivesReport> {
    return this.#alone(async () => {
      this.#requireRest();
      const { work } = this.#parts;
      if ((await reshapeDrives(this.#parts, cut)) === "same") work.reshaper.lookAgain();
      work.wake();
    });
  }

  /** A drive that is gone: the folder becomes that drive, and what it held is made anew from the others. */
  async #replaceLost({ driveId, path }: LocalDrive, folder: string): Promise<void> {
    const { addRenewed, local, store } = this.#parts;
    if (local.home.driveId === driveId) {
      throw refusal(`${path} held the database: start the server anew without it first`);
    }
    if ((await requireBlank(this.#parts, folder)) !== undefined) {
      throw refusal(`${folder} is a drive of this cluster already`);
    }
    this.#requireFound(driveId, folder);
    const createdAt = Date.now();
    const opened = await inWords(() => local.layOut(folder, { driveId, createdAt }));
    await store.endPacks();
    await store.swapDrive(opened);
    await this.#untilKnown();
    this.#changeMembers();
    addRenewed({ driveId, createdAt });
  }

  /** What a worker writes to the old folder the walk over the new one would not find. One that hangs is replaced. */
  async #untilKnown(): Promise<void> {
    const { store, tellOthers } = this.#parts;
    await tellOthers();
    while (!store.areLayoutsKnown()) {
      await sleep(READS_EVERY_MS);
      await tellOthers();
    }
  }

  /** Its copy of the metadata is brought to another drive; that may take its time. */
  #changeMembers(): void {
    const change = async (): Promise<void> => {
      const { local, logger } = this.#parts;
      const problem = await local.changeMembers();
      if (problem === undefined) return;
      logger.warn({ problem }, "the members of the metadata are those of before");
    };
    void change();
  }

  /** It keeps no copy of the metadata any more. @throws AdminError while it does */
  async #moveMember(driveId: DriveId, path: string): Promise<void> {
    const { journal, local } = this.#parts;
    const isMember = (): boolean =>
      journal()?.members.some((member) => member.driveId === driveId) === true;
    if (!isMember()) return;
    const problem = await withDeadline(local.changeMembers(), {
      timeoutMs: MEMBER_MS_MAX,
      onTimeout: () =>
        refusal(
          `${path} keeps a copy of the metadata that is being brought elsewhere: try again later`,
        ),
    });
    if (problem === undefined && !isMember()) return;
    throw refusal(
      `${path} keeps a copy of the metadata, which could not be brought elsewhere: ${problem ?? "no drive can take it"}`,
    );
  }

  /** One change at a time, each with what stands after it. */
  async #alone(change: () => Promise<void>): Promise<DrivesReport> {
    const before = this.#running;
    const running = before.catch(() => undefined).then(change);
    this.#running = running;
    await running;
    return this.list();
  }

  /** A start that finds none of the drives begins anew, with nothing. */
  #requireFound(gone: DriveId, folder?: string): void {
    if (this.#parts.local.areFoundWithout(gone, folder)) return;
    throw refusal(
      "too few drives would be left in the folders that the server was started with: the next start might not find the " +
        "others. Start it with the folders of the drives that stay first",
    );
  }

  #requireRest(): void {
    if (this.#parts.store.layoutState().live.length < 2) return;
    throw refusal(
      "another change of the drives is under way: kintsugi drive list shows how far it is",
    );
  }

  #labelOf(driveId: DriveId): string {
    return this.#parts.local.all.find((drive) => drive.driveId === driveId)?.path ?? driveId;
  }

  #find(name: string): LocalDrive {
    const { all } = this.#parts.local;
    const path = resolve(name);
    const found =
      all.find((drive) => drive.driveId === name || drive.path === name) ??
      all.find((drive) => drive.path === path) ??
      (/^[1-9]\d*$/.test(name) ? all[Number(name) - 1] : undefined);
    if (found !== undefined) return found;
    throw new AdminError(
      404,
      "NoSuchDrive",
      `there is no drive ${name.slice(0, 200)}: kintsugi drive list names them`,
    );
  }
}
