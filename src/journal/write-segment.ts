// Makes a segment: header and records first, synced, under another name; only then its own name, synced too. So there is
// no segment without its header, and one that takes the place of another does so whole or not at all.

import { TEMPORARY_SUFFIX } from "../disk/disk-path.ts";
import type { AppendFile, Disk } from "../disk/disk.ts";
import { crashPoint } from "../util/crash-point.ts";
import { JournalError } from "./journal-member.ts";
import { JOURNAL_FOLDER } from "./promise-file.ts";
import { Segment, SegmentReader, type RecordPlace } from "./segment.ts";
import { encodeSegmentHeader, segmentName, type SegmentHeader } from "./segment-header.ts";

/** Records of an older segment that the new one begins with. */
export interface CopiedRange {
  readonly segment: Segment;
  readonly from: RecordPlace;
  readonly to: RecordPlace;
}

export interface WriteSegmentOptions {
  readonly disk: Disk;
  readonly number: number;
  readonly header: SegmentHeader;
  /** As of the header's base. */
  readonly roster: Uint8Array | undefined;
  readonly copied?: CopiedRange | undefined;
}

export interface OpenSegment {
  readonly segment: Segment;
  readonly file: AppendFile;
}

/** Durable when it resolves, and open for appending. @throws DiskError, JournalError Corrupt */
export async function writeSegment(options: WriteSegmentOptions): Promise<OpenSegment> {
  const { disk, number, header, roster, copied } = options;
  const name = segmentName(number, header);
  const path = `${JOURNAL_FOLDER}/${name}`;
  const temporary = `${path}${TEMPORARY_SUFFIX}`;
  await disk.unlink(temporary);
  const file = await disk.create(temporary, { syncsEach: true });
  try {
    const headerBytes = encodeSegmentHeader(header, roster);
    const segment = new Segment(name, header, { offset: headerBytes.length, roster });
    await file.append([headerBytes]);
    if (copied !== undefined) await copy(disk, copied, { segment, file });
    await file.sync();
    crashPoint("journal.segment-written");
    await disk.rename(temporary, path);
    await disk.syncDirectory(JOURNAL_FOLDER);
    crashPoint("journal.segment-named");
    return { segment, file };
  } catch (error) {
    await file.close();
    await disk.unlink(temporary).catch(() => undefined);
    throw error;
  }
}

async function copy(disk: Disk, copied: CopiedRange, target: OpenSegment): Promise<void> {
  const source = await disk.open(`${JOURNAL_FOLDER}/${copied.segment.name}`);
  try {
    const reader = new SegmentReader(source, copied.from, copied.to.offset);
    for (let records = await reader.next(); records.length > 0; records = await reader.next()) {
      const { segment, file } = target;
      await file.append(records.map(({ bytes }) => bytes));
      const sizeBytes = records.reduce((sum, { bytes }) => sum + bytes.length, 0);
      segment.endAt({ ...reader.place, offset: segment.end.offset + sizeBytes });
    }
    if (reader.place.offset === copied.to.offset) return;
    const why = reader.stop ?? "it is shorter than it was";
    throw new JournalError("Corrupt", `${disk.root}/journal/${copied.segment.name}: ${why}`);
  } finally {
    await source.close();
  }
}
