// The metadata in its folder, beside its copies on the members: opened for this process alone, made anew where its disk
// was lost, and never begun anew where there was some.

import { randomBytes } from "node:crypto";
import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import type { DriveId } from "../core/ids.ts";
import { JOURNAL_FOLDER, PROMISE_FILE } from "../journal/promise-file.ts";
import type { MemberSpec } from "../metadata/members/member-spec.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import {
  openMemberedMetadata,
  type MemberedMetadata,
} from "../metadata/sqlite/open-sqlite-metadata.ts";
import type { SpawnWriter } from "../metadata/sqlite/spawn-writer.ts";
import type { WriterDoor } from "../metadata/sqlite/write-listener.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import { findForbidden } from "./check-access.ts";
import type { CloseStack } from "./close-stack.ts";
import { errnoOf } from "./explain-failure.ts";
import type { DriveAt } from "./open-drives.ts";
import { StartError } from "./start-error.ts";

/** Below the folder of a drive, or of a gateway. */
export const METADATA_FOLDER = "metadata";
/** The setting that names the cluster. */
export const CLUSTER_ID = "cluster.id";

export interface OpenMetadataOptions {
  /** Holds metadata.db; made when absent. */
  readonly folder: string;
  readonly members: readonly MemberSpec[];
  /** All drives of the cluster, in the order of their slots. */
  readonly drives: readonly DriveId[];
  /** How many drives may be lost. */
  readonly toleratedCount: number;
  /** Names this process to the members. */
  readonly owner: string;
  /** Undefined: the one that the members belong to. */
  readonly clusterId: string | undefined;
  readonly acceptLoss: boolean;
  /** Processes that were killed and may not be gone: see `lockFolder`. */
  readonly replacedPids?: readonly number[];
  /** Where other processes of this server reach the writer; undefined: nowhere. */
  readonly door?: WriterDoor | undefined;
  /** How the writer's thread is started. */
  readonly spawn?: SpawnWriter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Another process has taken over: this one must end. */
  readonly onFenced: (message: string) => void;
}

/** Names a process to the members: two that choose the same epoch are told apart. */
export function makeOwner(): string {
  return randomBytes(8).toString("hex");
}

/**
 * The drive that holds the database of an embedded server: one that does already, else the first that is there. It may be
 * any, since the members have all that is in it.
 */
export async function metadataDrive(present: readonly DriveAt[]): Promise<DriveAt> {
  const holders: DriveAt[] = [];
  for (const drive of present) {
    if (!(await isThere(join(drive.path, METADATA_FOLDER, "metadata.db")))) continue;
    if (await isWritable(drive.path)) return drive;
    holders.push(drive);
  }
  const first = holders[0] ?? present[0];
  if (first === undefined) throw new StartError("there is no drive for the metadata");
  return holders.length === 0 ? first : ((await otherHome(present)) ?? first);
}

/** Where the copies of the metadata make it anew that lies on a drive which takes no writes. */
async function otherHome(present: readonly DriveAt[]): Promise<DriveAt | undefined> {
  for (const drive of present) {
    const hasCopy = await isThere(join(drive.path, JOURNAL_FOLDER, PROMISE_FILE));
    if (hasCopy && (await isWritable(drive.path))) return drive;
  }
  return undefined;
}

/** A file system that was found damaged is mounted read-only. What else is wrong is told by whoever opens it. */
async function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    (error: unknown) => errnoOf(error)?.code !== "EROFS",
  );
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** @throws StartError when it must not be opened, another process has it, or it is another cluster's. */
export async function openMetadata(
  options: OpenMetadataOptions,
  closeStack: CloseStack,
): Promise<MemberedMetadata> {
  const {
    folder,
    members,
    clock,
    logger,
    onFenced,
    door,
    spawn,
    replacedPids = [],
    ...plan
  } = options;
  const opened = await wordsOf(folder, () =>
    openMemberedMetadata({
      folder,
      replacedPids,
      clock,
      door,
      spawn,
      plan: { ...plan, specs: members },
      onLog: (level, message) => logger[level]({}, message),
      onFenced,
    }),
  );
  closeStack.add(() => opened.metadata.close());
  await checkCluster(opened.metadata, opened.clusterId, folder);
  return opened;
}

async function checkCluster(metadata: MetadataStore, clusterId: string, folder: string) {
  const standing =
    (await metadata.findSetting(CLUSTER_ID)) ??
    (await metadata.ensureSetting(CLUSTER_ID, clusterId));
  if (standing === clusterId) return;
  throw new StartError(
    `${folder} is the metadata of another cluster (${standing}, not ${clusterId})`,
  );
}

async function wordsOf<Value>(folder: string, open: () => Promise<Value>): Promise<Value> {
  try {
    return await open();
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const fallback = new StartError(`the metadata cannot be opened: ${words}`, { cause: error });
    throw (await findForbidden(folder)) ?? fallback;
  }
}
