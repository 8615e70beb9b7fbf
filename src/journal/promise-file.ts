// journal/promise.json: to whom a member is promised, and from where on its journal was kept when it was cut. Replaced as a whole.

import { DiskError, type Disk } from "../disk/disk.ts";
import {
  authorityIn,
  ContentError,
  contentOf,
  countOf,
  parseChecked,
  renderChecked,
} from "./checked-json.ts";
import type { Authority } from "./journal-member.ts";

export const JOURNAL_FOLDER = "journal";
export const PROMISE_FILE = "promise.json";
const PATH = `${JOURNAL_FOLDER}/${PROMISE_FILE}`;

export interface PromiseState {
  readonly promised: Authority | undefined;
  /** Segments of a lower number were cut off: they are gone, even where a power cut has brought one back. */
  readonly firstNumber: number;
}

export interface FoundPromise extends PromiseState {
  /** Why the file could not be read, in words; it is there then. */
  readonly damage: string | undefined;
}

/** @throws JournalError Corrupt when a newer program wrote it. @throws DiskError */
export async function readPromise(disk: Disk): Promise<FoundPromise> {
  const nothing = { promised: undefined, firstNumber: 0 };
  try {
    const content = parseChecked(await disk.readFile(PATH), `${disk.root}/${PATH}`);
    const promised = content.get("promised");
    return {
      promised: promised === undefined ? undefined : authorityIn(contentOf(promised)),
      firstNumber: countOf(content, "firstNumber"),
      damage: undefined,
    };
  } catch (error) {
    if (error instanceof ContentError) return { ...nothing, damage: error.message };
    if (error instanceof DiskError && error.code === "ENOENT") {
      return { ...nothing, damage: undefined };
    }
    throw error;
  }
}

/** Durable when it resolves. */
export async function writePromise(disk: Disk, state: PromiseState): Promise<void> {
  const { promised, firstNumber } = state;
  await disk.writeFile(PATH, renderChecked({ promised, firstNumber }));
}
