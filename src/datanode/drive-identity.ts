// The identity of a drive: `kintsugi.json` in its folder says to which cluster it belongs, which slot it is, and which
// drives the others are. A folder without one is blank when it is empty or absent; a folder with anything else in it is
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
  parseFields,
  textField,
  type Fields,
} from "./json-fields.ts";

export const IDENTITY_FILE = "kintsugi.json";
/** The folder of all shards. */
export const SHARDS_FOLDER = "shards";

const FORMAT_VERSION = 1;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

export interface DriveSlot {
  readonly driveId: DriveId;
  /** Whether it was the root of a mount when it was formatted: an empty folder is then a missing mount. */
  readonly wasMountPoint: boolean;
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
  const { clusterId, driveId, slot, slots, createdAt } = identity;
  const content = { formatVersion: FORMAT_VERSION, clusterId, driveId, slot, slots, createdAt };
  const checked = { ...content, checksum: checksumOf(identity) };
  return Buffer.from(`${JSON.stringify(checked, undefined, 2)}\n`, "utf8");
}

function parseIdentity(bytes: Uint8Array, place: string): DriveIdentity {
  try {
    const fields = parseFields(bytes);
    const version = countField(fields, "formatVersion");
    if (version > FORMAT_VERSION) {
      throw new DriveIdentityError(
        `${place} is of format version ${version}; this program knows ${FORMAT_VERSION} and older. ` +
          "The drive was left alone: run the newer program.",
      );
    }
    if (version !== FORMAT_VERSION) throw new FieldError("its format version is unknown");
    return identityOf(fields);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw new DriveIdentityError(
      `${place} is damaged (${error.message}). The drive was left alone. If the file cannot be restored, ` +
        "empty the folder: the drive is then rebuilt from the others.",
      { cause: error },
    );
  }
}

function identityOf(fields: Fields): DriveIdentity {
  const slots = listField(fields, "slots").map((value): DriveSlot => {
    const slot = fieldsOf(value, "a slot");
    const driveId = parseDriveId(textField(slot, "driveId"));
    return { driveId, wasMountPoint: flagField(slot, "wasMountPoint") };
  });
  const identity: DriveIdentity = {
    clusterId: textField(fields, "clusterId"),
    driveId: parseDriveId(textField(fields, "driveId")),
    slot: countField(fields, "slot"),
    slots,
    createdAt: countField(fields, "createdAt"),
  };
  if (textField(fields, "checksum") !== checksumOf(identity)) {
    throw new FieldError("its checksum does not match");
  }
  if (slots[identity.slot]?.driveId !== identity.driveId) {
    throw new FieldError("the slot it names is another drive's");
  }
  return identity;
}

/** Over the values, not the text: spaces and the order of fields may change. */
function checksumOf(identity: DriveIdentity): string {
  const { clusterId, driveId, slot, slots, createdAt } = identity;
  const slotValues = slots.map((each) => [each.driveId, each.wasMountPoint]);
  const values = JSON.stringify([FORMAT_VERSION, clusterId, driveId, slot, slotValues, createdAt]);
  return crc32c(Buffer.from(values, "utf8")).toString(16).padStart(8, "0");
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
