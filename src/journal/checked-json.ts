// Small files of the journal: JSON with a format version and a checksum over both it and the content, so that rot is
// told from what was written, and a newer version from rot. All versions keep this frame.

import { crc32c } from "../util/crc32c.ts";
import { JournalError, type Authority, type ChainPosition } from "./journal-member.ts";

const FORMAT_VERSION = 1;

/** The content does not have the shape that its parser wants. */
export class ContentError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ContentError";
  }
}

export type Content = ReadonlyMap<string, unknown>;

export function renderChecked(content: Readonly<Record<string, unknown>>): Uint8Array {
  const checksum = checksumOf(FORMAT_VERSION, content);
  const file = { formatVersion: FORMAT_VERSION, checksum, content };
  return Buffer.from(`${JSON.stringify(file)}\n`, "utf8");
}

/**
 * @throws ContentError when it is not what was written.
 * @throws JournalError Corrupt when a newer program wrote it; `place` names it.
 */
export function parseChecked(bytes: Uint8Array, place: string): Content {
  const file = contentOf(parseJson(bytes));
  const version = countOf(file, "formatVersion");
  const content = file.get("content");
  if (textOf(file, "checksum") !== checksumOf(version, content)) {
    throw new ContentError("its checksum does not match");
  }
  if (version > FORMAT_VERSION) throw newerVersion(place, version, FORMAT_VERSION);
  return contentOf(content);
}

export function newerVersion(place: string, version: number, known: number): JournalError {
  const message =
    `${place} is of format version ${version}; this program knows ${known} and older. ` +
    "It was left alone: run the newer program.";
  return new JournalError("Corrupt", message);
}

/** @throws ContentError */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new ContentError("it is not JSON");
  }
}

/** @throws ContentError when `value` is no object. */
export function contentOf(value: unknown): Content {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ContentError("it is not an object");
  }
  return new Map<string, unknown>(Object.entries(value));
}

export function textOf(content: Content, name: string): string {
  const value = content.get(name);
  if (typeof value !== "string") throw new ContentError(`"${name}" is not a text`);
  return value;
}

export function countOf(content: Content, name: string): number {
  const value = content.get(name);
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new ContentError(`"${name}" is not a count`);
  }
  return value;
}

export function digestOf(content: Content, name: string): string {
  const value = textOf(content, name);
  if (!/^[0-9a-f]{64}$/.test(value)) throw new ContentError(`"${name}" is not a digest`);
  return value;
}

export function positionIn(content: Content): ChainPosition {
  return {
    sequence: countOf(content, "sequence"),
    epoch: countOf(content, "epoch"),
    digest: digestOf(content, "digest"),
  };
}

export function authorityIn(content: Content): Authority {
  return { epoch: countOf(content, "epoch"), owner: textOf(content, "owner") };
}

function checksumOf(version: number, content: unknown): string {
  const sum = crc32c(Buffer.from(JSON.stringify([version, content]), "utf8"));
  return sum.toString(16).padStart(8, "0");
}
