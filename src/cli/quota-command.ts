// `kintsugi quota`: how much a bucket holds and may hold. Resolves to the exit code.

import { AdminClient, AdminRefusal } from "./admin-client.ts";
import type { CommandContext } from "./admin-commands.ts";
import { plainText } from "./plain-text.ts";
import { renderBytes } from "./quantities.ts";

const WELL = 0;
/** No more fits in. */
const FULL = 1;

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  p: 1e15,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
  pi: 2 ** 50,
};

/** `none`, or bytes: 1000, 10GiB, 1.5TB. Undefined for anything else. */
export function parseQuota(text: string): number | "none" | undefined {
  if (text.toLowerCase() === "none") return "none";
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([kmgtp]i?)?b?$/i.exec(text);
  const factor = UNITS[match?.[2]?.toLowerCase() ?? ""];
  if (match === null || factor === undefined) return undefined;
  const bytes = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `quota` undefined: only shows it. @throws AdminRefusal */
export async function setQuota(
  context: CommandContext,
  bucket: string,
  quota: number | "none" | undefined,
): Promise<number> {
  const bytes = quota === undefined ? {} : { bytes: quota === "none" ? null : quota };
  const client = new AdminClient(context);
  const answer = await client.run("/v1/quota", { bucket, ...bytes }, () => undefined);
  const { objectBytes, quotaBytes } = answer;
  if (typeof objectBytes !== "number") {
    throw new AdminRefusal("the server's answer is of a form that this version does not know");
  }
  const limit = typeof quotaBytes === "number" ? quotaBytes : Number.POSITIVE_INFINITY;
  const words =
    limit === Number.POSITIVE_INFINITY
      ? `${bucket} holds ${renderBytes(objectBytes)} and has no quota`
      : `${bucket} holds ${renderBytes(objectBytes)} of ${renderBytes(limit)}`;
  context.stdout.write(`${context.isJson ? JSON.stringify(answer) : plainText(words)}\n`);
  return objectBytes >= limit ? FULL : WELL;
}
