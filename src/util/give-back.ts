// Gives the memory of a buffer back at once, where nobody needs its bytes any more. What sockets bring comes in a fresh
// buffer each time, and V8, which sees gigabytes of them allocated, would look through the whole heap again and again for
// the sake of a few megabytes.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Less is not worth the call, in bytes. */
const GIVEN_BACK_BYTES_MIN = 16 * 1024;
/** Node 20 has `transfer` behind this. It is looked at when a context is made, and for no longer than that is it set, for all threads. */
const FLAG = "harmony-rab-gsab-transfer";

type Transfer = (this: ArrayBufferLike, newLength: number) => ArrayBuffer;

/** A thread that looks for it at the same time may have the flag unset between. */
const LOOKS_MAX = 5;

let transfer: Transfer | undefined;
let looksLeft = LOOKS_MAX;

/** @param bytes Are empty from here on, if they are all that their memory holds; so nobody may have another view of it. */
export function giveBack(bytes: Uint8Array): void {
  const { buffer, byteLength } = bytes;
  if (byteLength < GIVEN_BACK_BYTES_MIN || buffer.byteLength !== byteLength) return;
  if (!(buffer instanceof ArrayBuffer)) return;
  if (transfer === undefined && looksLeft > 0) {
    looksLeft -= 1;
    transfer = findTransfer();
  }
  try {
    transfer?.call(buffer, 0);
  } catch {
    // WebAssembly's memory stays where it is.
  }
}

function findTransfer(): Transfer | undefined {
  const own: unknown = Reflect.get(ArrayBuffer.prototype, "transfer");
  if (isTransfer(own)) return own;
  try {
    setFlagsFromString(`--${FLAG}`);
    const found: unknown = runInNewContext("ArrayBuffer.prototype.transfer");
    return isTransfer(found) ? found : undefined;
  } catch {
    return undefined;
  } finally {
    setFlagsFromString(`--no-${FLAG}`);
  }
}

function isTransfer(found: unknown): found is Transfer {
  return typeof found === "function";
}
