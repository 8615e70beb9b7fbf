// CRC32C (Castagnoli), the checksum of blocks, headers and footers: native, several GB/s, so that every read is checked.

import { crc32c as nativeCrc32c } from "@node-rs/crc32";

/**
 * The CRC32C of `bytes` as an unsigned number. `initial` is the CRC of what came before (a checksum over pieces),
 * or a seed that makes the same bytes in another place fail.
 */
export function crc32c(bytes: Uint8Array, initial = 0): number {
  return nativeCrc32c(bytes, initial);
}

/** The CRC32C of a text's UTF-8 bytes. */
export function crc32cOfText(text: string): number {
  return nativeCrc32c(text);
}
