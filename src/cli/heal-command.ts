// `kintsugi heal`: what lacks redundancy, how fast it is made whole, and what fails and why. Resolves to the exit code: 0
// all is whole, 1 something is not.

import { setTimeout as sleep } from "node:timers/promises";
import { AdminClient, AdminRefusal } from "./admin-client.ts";
import type { CommandContext } from "./admin-commands.ts";
import { isHealAnswer, type HealAnswer } from "./heal-answer.ts";
import { plainText } from "./plain-text.ts";
import { renderHeal, renderHealShort } from "./render-heal.ts";
import { WATCH_EVERY_MS, watchAnswer } from "./watch-answer.ts";

const WELL = 0;
const NOT_WELL = 1;

export interface HealOptions {
  /** Goes on showing until nothing more is done. */
  readonly isWatch: boolean;
  /** Has it begin at once, and as fast as it goes. */
  readonly isNow: boolean;
}

/** @throws AdminRefusal */
export async function heal(
  context: CommandContext,
  { isWatch, isNow }: HealOptions,
): Promise<number> {
  const client = new AdminClient(context);
  const ask = async (): Promise<HealAnswer> => checked(await client.get("/v1/heal"));
  let answer = isNow
    ? checked(await client.run("/v1/heal", { unthrottled: true }, () => undefined))
    : await ask();
  if (isWatch) {
    // Asked to begin now it may not have begun yet.
    if (isNow) await sleep(WATCH_EVERY_MS);
    answer = await watchAnswer(context, await ask(), { ask, isUnderWay, render: renderHealShort });
  }
  const text = context.isJson
    ? `${JSON.stringify(answer)}\n`
    : renderHeal(answer).split("\n").map(plainText).join("\n");
  context.stdout.write(text);
  // While it is looking, figures are of the last look.
  const isWhole = answer.degraded.sets === 0 && answer.failing.sets === 0;
  return answer.state === "idle" && isWhole ? WELL : NOT_WELL;
}

function isUnderWay({ state }: HealAnswer): boolean {
  return state === "looking" || state === "repairing";
}

/** @throws AdminRefusal */
function checked(answer: unknown): HealAnswer {
  if (isHealAnswer(answer)) return answer;
  throw new AdminRefusal("the server's answer is of a form that this version does not know");
}
