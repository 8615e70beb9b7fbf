// When what nobody names any more may be removed: a grace period after this process first knew of it (monotonic: no
// clock that is moved shortens it), and once no open reading, of whichever process, began before that.

import type { StoreContext } from "./store-context.ts";

/** `seenAt`: when it was first known to be unnamed, in monotonic milliseconds. */
export function isPastGrace(context: StoreContext, seenAt: number, graceMs: number): boolean {
  if (context.clock.monotonic() - seenAt < graceMs) return false;
  const oldest = context.readings.oldestAnywhere;
  return oldest === undefined || oldest > seenAt;
}
