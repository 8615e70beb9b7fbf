// The nonce of a chunk: its index, and whether it is the last. A stream of chunks has a key of its own, so that none can
// repeat; a chunk in another place, or a stream that was cut off or lengthened, does not open.

import { TAG_BYTES } from "./sealed-layout.ts";

export const CHUNK_CIPHER = "aes-256-gcm";
export const CHUNK_CIPHER_OPTIONS = { authTagLength: TAG_BYTES } as const;
const NONCE_BYTES = 12;

export function chunkNonce(index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUIntBE(index, 5, 6);
  nonce[NONCE_BYTES - 1] = isLast ? 1 : 0;
  return nonce;
}
