// For whom a request changes a drive: the gateway process that the drives have promised an epoch to, in a header that
// the request's signature covers. A drive that has promised itself to another one refuses the change.

import type { Authority } from "../journal/journal-member.ts";

export const OWNER_HEADER = "kintsugi-owner";

const OWNER = /^(0|[1-9][0-9]{0,14})-([0-9a-f]{16})$/;

/** The value of the header: "epoch-owner". */
export function renderOwner({ epoch, owner }: Authority): string {
  return `${epoch}-${owner}`;
}

/** Undefined when it names none. */
export function parseOwner(text: string): Authority | undefined {
  const [, epoch, owner] = OWNER.exec(text) ?? [];
  return owner === undefined ? undefined : { epoch: Number(epoch), owner };
}
