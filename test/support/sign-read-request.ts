// Signs a changed request of a channel for reads again, as whoever knows its key can.

import { writeShortMac, type ShortMacKey } from "../../src/util/short-mac.ts";

const MAC_AT = 40;

export function signReadRequest(key: ShortMacKey, request: Buffer): void {
  writeShortMac(key, request.subarray(0, MAC_AT), { target: request, offset: MAC_AT });
}
