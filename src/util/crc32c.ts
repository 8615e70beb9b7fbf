// CRC32C (Castagnoli), the checksum of blocks, headers and footers: fast, so that every read is checked. Native, and what
// is long is folded before.

import { crc32c as nativeCrc32c } from "@node-rs/crc32";
import { CrcFold } from "./crc-fold.ts";
import { InPlaceFold } from "./crc-in-place.ts";
import { allocateVector, vectorMemoryOf } from "./vector-memory.ts";

/** Folding gains nothing for less, in bytes. */
const FOLD_BYTES_MIN = 32 * 1024;
/** The same where nothing need be copied. */
const IN_PLACE_BYTES_MIN = 12 * 1024;
/** So much is folded at a time: the unit of a stripe. */
const PIECE_BYTES = 64 * 1024;
/** Before the last step, which inverts it, a CRC of nothing. */
const ZERO_REGISTER = 0xffff_ffff;
const NOTHING = new Uint8Array(0);
const SAMPLE_FACTOR = 29;
const SEED = 0x9e37_79b1;

/** Made when it is first needed, for this thread; null where it cannot be had. */
let fold: CrcFold | null | undefined;
let inPlace: InPlaceFold | null | undefined;

/**
 * The CRC32C of `bytes` as an unsigned number. `initial` is the CRC of what came before (a checksum over pieces),
 * or a seed that makes the same bytes in another place fail.
 */
export function crc32c(bytes: Uint8Array, initial = 0): number {
  if (bytes.length < IN_PLACE_BYTES_MIN) return nativeCrc32c(bytes, initial);
  const rest = foldedInPlace(bytes, initial);
  if (rest !== undefined) return nativeCrc32c(rest, ZERO_REGISTER);
  if (bytes.length < FOLD_BYTES_MIN) return nativeCrc32c(bytes, initial);
  if (bytes.length <= PIECE_BYTES) return foldedCrc32c(bytes, initial);
  let crc = initial;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    crc = crc32c(bytes.subarray(at, at + PIECE_BYTES), crc);
  }
  return crc;
}

/** What is left of bytes that lie in a memory for kernels. */
function foldedInPlace(bytes: Uint8Array, initial: number): Uint8Array | undefined {
  const memory = vectorMemoryOf(bytes);
  if (memory === undefined) return undefined;
  if (inPlace === undefined) inPlace = openInPlace();
  return inPlace?.fold(memory, bytes, ~initial);
}

function foldedCrc32c(bytes: Uint8Array, initial: number): number {
  if (fold === undefined) fold = openFold();
  return fold === null ? nativeCrc32c(bytes, initial) : foldedBy(fold, bytes, initial);
}

function foldedBy(by: CrcFold, bytes: Uint8Array, initial: number): number {
  return nativeCrc32c(by.fold(bytes, NOTHING, ~initial), ZERO_REGISTER);
}

/**
 * An engine that computes vectors wrongly would write blocks that all others find broken, and would not notice itself: so
 * what it folds is compared once.
 */
function openFold(): CrcFold | null {
  const made = CrcFold.create("CRC32C");
  const sample = Uint8Array.from({ length: FOLD_BYTES_MIN }, (_, at) => at * SAMPLE_FACTOR);
  return made && foldedBy(made, sample, SEED) === nativeCrc32c(sample, SEED) ? made : null;
}

/** As `openFold`. */
function openInPlace(): InPlaceFold | null {
  const made = InPlaceFold.create();
  if (made === undefined) return null;
  const sample = allocateVector(FOLD_BYTES_MIN);
  for (let at = 0; at < sample.length; at += 1) sample[at] = at * SAMPLE_FACTOR;
  const memory = vectorMemoryOf(sample);
  const rest = memory && made.fold(memory, sample, ~SEED);
  const isRight = rest && nativeCrc32c(rest, ZERO_REGISTER) === nativeCrc32c(sample, SEED);
  return isRight === true ? made : null;
}

/** The CRC32C of a text's UTF-8 bytes. */
export function crc32cOfText(text: string): number {
  return nativeCrc32c(text);
}
