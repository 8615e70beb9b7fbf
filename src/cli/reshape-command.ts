// `kintsugi reshape`: has sets be cut into k+m shards, those that are there and new ones. Resolves to the exit code: 0 all are
// cut like that, or will be; 1 something waits.

import { AdminClient, AdminRefusal } from "./admin-client.ts";
import type { CommandContext } from "./admin-commands.ts";
import { renderBytes, renderCount, renderMany } from "./quantities.ts";
import { showAnswer, watchAnswer } from "./watch-answer.ts";

const WELL = 0;
const NOT_WELL = 1;

/** What is read of the answer (docs/ADMIN.md); the server may say more. */
interface ReshapeAnswer {
  readonly cut: Cut;
  readonly change: { readonly phase: string };
  readonly reshape: {
    readonly phase: string;
    readonly seenCount: number;
    readonly totalCount: number;
    readonly rewrittenSets: number;
    readonly writtenBytes: number;
    readonly rateBytes: number;
    readonly leftSets: number;
    readonly problem?: string;
  };
}

interface Cut {
  readonly dataShards: number;
  readonly parityShards: number;
}

/** "4+2"; undefined for what is none. */
export function parseCut(text: string): Cut | undefined {
  const [, dataShards, parityShards] = /^(\d{1,3})\+(\d{1,3})$/.exec(text) ?? [];
  if (dataShards === undefined || parityShards === undefined) return undefined;
  return { dataShards: Number(dataShards), parityShards: Number(parityShards) };
}

/** `isWatch`: goes on showing until all sets are cut like that. @throws AdminRefusal */
export async function reshape(
  context: CommandContext,
  cut: Cut | undefined,
  isWatch: boolean,
): Promise<number> {
  const client = new AdminClient(context);
  let answer = checked(await client.run("/v1/drives/reshape", cut ?? {}, () => undefined));
  if (isWatch) {
    answer = await watchAnswer(context, answer, {
      ask: async () => checked(await client.get("/v1/drives")),
      isUnderWay,
      render: renderReshape,
    });
  }
  showAnswer(context, answer, [renderReshape(answer)]);
  return answer.reshape.leftSets === 0 ? WELL : NOT_WELL;
}

function isUnderWay({ change, reshape: { phase } }: ReshapeAnswer): boolean {
  return change.phase !== "idle" || phase !== "idle";
}

/** @throws AdminRefusal */
function checked(value: unknown): ReshapeAnswer {
  const fields = new Map<string, unknown>(Object.entries(value ?? {}));
  const isKnown = ["cut", "change", "reshape"].every((name) => {
    const field = fields.get(name);
    return typeof field === "object" && field !== null;
  });
  if (isKnown) return value as ReshapeAnswer;
  throw new AdminRefusal("the server's answer is of a form that this version does not know");
}

function renderReshape(answer: ReshapeAnswer): string {
  const { cut, reshape: progress } = answer;
  const words = `${cut.dataShards}+${cut.parityShards}`;
  const { leftSets, phase, problem, rateBytes, rewrittenSets, seenCount, totalCount } = progress;
  const done = `${renderMany(rewrittenSets, "set")} rewritten (${renderBytes(progress.writtenBytes)})`;
  if (!isUnderWay(answer)) return `all sets are cut ${words}: ${done}`;
  const left = leftSets === 0 ? "" : `; the last pass left ${renderCount(leftSets)}`;
  if (phase === "waiting" || phase === "idle") {
    return `${words}: waiting: ${problem ?? "it begins in a moment"}; ${done}${left}`;
  }
  const how = `${phase}: ${renderCount(seenCount)} of about ${renderCount(totalCount)}`;
  return `${words}: ${how}, ${done}, ${renderBytes(rateBytes)}/s${left}`;
}
