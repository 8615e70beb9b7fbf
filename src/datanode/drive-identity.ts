// The identity of a drive: `kintsugi.json` in its folder says to which cluster it belongs, which slot it is, and which
// drives the others are. Where drives have come or gone since the cluster was laid out it also says how often (version 2
// of the format): of several that differ the one that has seen the most holds. A folder without one is blank when it is empty or absent; a folder with anything else in it is
// never formatted over, and an identity that cannot be read, or is of a newer version, is never replaced.

import { randomUUID } from "node:crypto";
import type { DriveId } from "../core/ids.ts";
import { TEMPORARY_SUFFIX } from "../disk/disk-path.ts";
import { DiskError, type Disk } from "../disk/disk.ts";
import { crc32c } from "../util/crc32c.ts";
import {
  countField,
  FieldError,
  fieldsOf,
  flagField,
  listField,
  objectField,
  parseFields,
  textField,
  type Fields,
} from "./json-fields.ts";

export const IDENTITY_FILE = "kintsugi.json";
/** The folder of all shards. */
export const SHARDS_FOLDER = "shards";

/** As the cluster was laid out; and as it has changed since. */
const FIRST_FORMAT = 1;
const CHANGED_FORMAT = 2;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

export interface DriveSlot {
  readonly driveId: DriveId;
  /** Whether it was the root of a mount when it was formatted: an empty folder is then a missing mount. */
  readonly wasMountPoint: boolean;
  /** Where it was when drives came or went last; undefined: as the folders are given. */
  readonly path?: string | undefined;
  /** Whether it is being drained, or is drained: it is to hold nothing new. */
  readonly isLeaving?: boolean | undefined;
}

/** What has changed since the cluster was laid out. */
export interface DriveChanges {
  /** Counts the changes of the drives: 1 as they were laid out. */
  readonly generation: number;
  /** How sets are cut, whatever the number of drives is now. */
  readonly geometry: { readonly dataShards: number; readonly parityShards: number };
}

export interface DriveIdentity {
  readonly clusterId: string;
  readonly driveId: DriveId;
  /** Its position in `slots`. */
  readonly slot: number;
  /** All drives of the layout in which it was formatted. */
  readonly slots: readonly DriveSlot[];
  /** In milliseconds since 1970. */
  readonly createdAt: number;
  /** Undefined: nothing has. */
  readonly changes?: DriveChanges | undefined;
}

/** The message is for the operator: it says what was found and what was left alone. */
export class DriveIdentityError extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "DriveIdentityError";
  }
}

export function newDriveId(): DriveId {
  return parseDriveId(randomUUID());
}

/**
 * Who the drive is; undefined when it is blank: an absent or empty folder.
 * @throws DriveIdentityError when the identity is damaged or of a newer version, or the folder holds other files.
 * @throws DiskError when the drive does not answer.
 */
export async function readIdentity(disk: Disk): Promise<DriveIdentity | undefined> {
  const bytes = await unlessAbsent(disk.readFile(IDENTITY_FILE));
  if (bytes !== undefined) return parseIdentity(bytes, `${disk.root}/${IDENTITY_FILE}`);
  const entries = (await unlessAbsent(disk.list(""))) ?? [];
  const foreign = entries.filter(({ name }) => !isHarmless(name));
  const [first] = foreign;
  if (first === undefined) return undefined;
  throw new DriveIdentityError(
    `${disk.root} holds files (${first.name}${foreign.length > 1 ? ", ..." : ""}) but no ` +
      `${IDENTITY_FILE}: it is no drive of this program, and was left alone. Name an empty folder.`,
  );
}

/**
 * Makes a blank folder a drive. The identity comes first and is durable when this resolves.
 * @throws DriveIdentityError when the folder is not blank.
 * @throws DiskError when the drive does not answer.
 */
export async function formatDrive(disk: Disk, identity: DriveIdentity): Promise<void> {
  if ((await readIdentity(disk)) !== undefined) {
    throw new DriveIdentityError(`${disk.root} is a drive already, and was left alone.`);
  }
  await disk.makeDirectory("");
  await writeIdentity(disk, identity);
  await disk.makeDirectory(SHARDS_FOLDER);
  await disk.syncDirectory("");
}

/** Replaces the identity of a drive that has one, durably. */
export async function writeIdentity(disk: Disk, identity: DriveIdentity): Promise<void> {
  await disk.writeFile(IDENTITY_FILE, renderIdentity(identity));
}

function renderIdentity(identity: DriveIdentity): Uint8Array {
  const { clusterId, driveId, slot, slots, createdAt, changes } = identity;
  const formatVersion = changes === undefined ? FIRST_FORMAT : CHANGED_FORMAT;
  const content = { formatVersion, clusterId, driveId, slot, slots, createdAt, ...changes };
  const checked = { ...content, checksum: checksumOf(identity) };
  return Buffer.from(`${JSON.stringify(checked, undefined, 2)}\n`, "utf8");
}

function parseIdentity(bytes: Uint8Array, place: string): DriveIdentity {
  try {
    const fields = parseFields(bytes);
    const version = countField(fields, "formatVersion");
    if (version > CHANGED_FORMAT) {
      throw new DriveIdentityError(
        `${place} is of format version ${version}; this program knows ${CHANGED_FORMAT} and older. ` +
          "The drive was left alone: run the newer program.",
      );
    }
    if (version !== FIRST_FORMAT && version !== CHANGED_FORMAT)
      throw new FieldError("its format version is unknown");
    return identityOf(fields, version === CHANGED_FORMAT);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw new DriveIdentityError(
      `${place} is damaged (${error.message}). The drive was left alone. If the file cannot be restored, ` +
        "empty the folder: the drive is then rebuilt from the others.",
      { cause: error },
    );
  }
}

function identityOf(fields: Fields, isChanged: boolean): DriveIdentity {
  const slots = listField(fields, "slots").map((value): DriveSlot => {
    const slot = fieldsOf(value, "a slot");
    const driveId = parseDriveId(textField(slot, "driveId"));
    const first = { driveId, wasMountPoint: flagField(slot, "wasMountPoint") };
    if (!isChanged) return first;
    return { ...first, path: textField(slot, "path"), isLeaving: flagField(slot, "isLeaving") };
  });
  const identity: DriveIdentity = {
    clusterId: textField(fields, "clusterId"),
    driveId: parseDriveId(textField(fields, "driveId")),
    slot: countField(fields, "slot"),
    slots,
    createdAt: countField(fields, "createdAt"),
    ...(isChanged ? { changes: changesOf(fields) } : {}),
  };
  if (textField(fields, "checksum") !== checksumOf(identity)) {
    throw new FieldError("its checksum does not match");
  }
  if (slots[identity.slot]?.driveId !== identity.driveId) {
    throw new FieldError("the slot it names is another drive's");
  }
  return identity;
}

function changesOf(fields: Fields): DriveChanges {
  const geometry = objectField(fields, "geometry");
  if (geometry === undefined) throw new FieldError("it does not say how sets are cut");
  return {
    generation: countField(fields, "generation"),
    geometry: {
      dataShards: countField(geometry, "dataShards"),
      parityShards: countField(geometry, "parityShards"),
    },
  };
}

/** Over the values, not the text: spaces and the order of fields may change. */
function checksumOf(identity: DriveIdentity): string {
  const { clusterId, driveId, slot, slots, createdAt, changes } = identity;
  const first = [clusterId, driveId, slot];
  const values =
    changes === undefined
      ? [FIRST_FORMAT, ...first, slots.map((each) => [each.driveId, each.wasMountPoint]), createdAt]
      : [
          CHANGED_FORMAT,
          ...first,
          slots.map((each) => [each.driveId, each.wasMountPoint, each.path, each.isLeaving]),
          createdAt,
          changes.generation,
          changes.geometry.dataShards,
          changes.geometry.parityShards,
        ];
  return crc32c(Buffer.from(JSON.stringify(values), "utf8"))
    .toString(16)
    .padStart(8, "0");
}

function parseDriveId(text: string): DriveId {
  if (!isDriveId(text)) throw new FieldError("a drive id is no UUID");
  return text;
}

function isDriveId(text: string): text is DriveId {
  return UUID.test(text);
}

/** What a fresh file system has in it, or the start of a format that was cut off. */
function isHarmless(name: string): boolean {
  if (name === "lost+found") return true;
  return name.startsWith(`${IDENTITY_FILE}.`) && name.endsWith(TEMPORARY_SUFFIX);
}

async function unlessAbsent<Value>(found: Promise<Value>): Promise<Value | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOENT") return undefined;
    throw error;
  }
}
