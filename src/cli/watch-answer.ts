// What a command shows of work that the server goes on with: how it goes while somebody watches, and the answer at the end.

import { setTimeout as sleep } from "node:timers/promises";
import type { CommandContext } from "./admin-commands.ts";
import { plainText } from "./plain-text.ts";
import { ProgressLine } from "./progress-line.ts";

export const WATCH_EVERY_MS = 1_000;

export interface WatchOptions<Answer> {
  /** @throws AdminRefusal */
  readonly ask: () => Promise<Answer>;
  readonly isUnderWay: (answer: Answer) => boolean;
  /** In one line. */
  readonly render: (answer: Answer) => string;
}

/** Asks each second, and shows each answer, until nothing is under way any more; the last one. @throws AdminRefusal */
export async function watchAnswer<Answer>(
  { isJson, stderr, stdout }: CommandContext,
  first: Answer,
  { ask, isUnderWay, render }: WatchOptions<Answer>,
): Promise<Answer> {
  const progress = new ProgressLine(stderr);
  let answer = first;
  while (isUnderWay(answer)) {
    if (isJson) stdout.write(`${JSON.stringify(answer)}\n`);
    else progress.show(render(answer));
    await sleep(WATCH_EVERY_MS);
    answer = await ask();
  }
  progress.clear();
  return answer;
}

/** As JSON where that was asked for, else as these lines. */
export function showAnswer(
  { isJson, stdout }: CommandContext,
  answer: unknown,
  lines: readonly string[],
): void {
  const shown = isJson ? [JSON.stringify(answer)] : lines.map((line) => plainText(line));
  stdout.write(shown.map((line) => `${line}\n`).join(""));
}
