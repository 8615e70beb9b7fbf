// `kintsugi drive`: lists the drives, and has some come or go. Resolves to the exit code: 0 all is as it should be, 1 a drive
// does not answer, or what is to be moved waits.

import { AdminClient, AdminRefusal } from "./admin-client.ts";
import type { CommandContext } from "./admin-commands.ts";
import { renderBytes, renderCount, renderMany } from "./quantities.ts";
import { showAnswer, watchAnswer } from "./watch-answer.ts";

const WELL = 0;
const NOT_WELL = 1;
/** Of drives that something is still to be copied from, or to. */
export const MOVING: ReadonlySet<string> = new Set(["joining", "leaving"]);

/** What is asked for; each but the list changes something. */
export type DriveRequest =
  | { readonly verb: "add"; readonly folders: readonly string[] }
  | { readonly verb: "drain" | "remove"; readonly drive: string }
  | { readonly verb: "list" }
  | { readonly verb: "replace"; readonly drive: string; readonly folder: string };

/** What is read of the answer (docs/ADMIN.md); the server may say more. */
interface DrivesAnswer {
  readonly drives: readonly {
    readonly driveId: string;
    readonly path: string;
    readonly role: string;
    readonly isThere: boolean;
    readonly sharePerMille: number;
    readonly freeBytes?: number;
    readonly isMember: boolean;
    readonly isHome: boolean;
  }[];
  readonly change: ChangeAnswer;
}

/** How a change of the layout goes, whoever's drives come or go. */
export interface ChangeAnswer {
  readonly phase: string;
  readonly seenSets: number;
  readonly totalSets: number;
  readonly movedShards: number;
  readonly writtenBytes: number;
  readonly rateBytes: number;
  readonly waitingSets: number;
  readonly problem?: string;
}

/** `isWatch`: goes on showing until no drives come or go any more. @throws AdminRefusal */
export async function changeDrives(
  context: CommandContext,
  request: DriveRequest,
  isWatch: boolean,
): Promise<number> {
  const client = new AdminClient(context);
  let answer = checked(await ask(client, request));
  if (isWatch) {
    answer = await watchAnswer(context, answer, {
      ask: async () => checked(await ask(client, { verb: "list" })),
      isUnderWay: ({ change, drives }) =>
        change.phase !== "idle" || drives.some(({ role }) => MOVING.has(role)),
      render: ({ change }) => renderChange(change),
    });
  }
  showAnswer(context, answer, renderDrives(answer));
  const isWell = answer.drives.every(({ isThere }) => isThere) && answer.change.waitingSets === 0;
  return isWell ? WELL : NOT_WELL;
}

function ask(client: AdminClient, { verb, ...fields }: DriveRequest): Promise<unknown> {
  if (verb === "list") return client.get("/v1/drives");
  return client.run(`/v1/drives/${verb}`, fields, () => undefined);
}

/** @throws AdminRefusal */
function checked(value: unknown): DrivesAnswer {
  const fields = new Map<string, unknown>(Object.entries(value ?? {}));
  const change = fields.get("change");
  if (Array.isArray(fields.get("drives")) && typeof change === "object" && change !== null) {
    return value as DrivesAnswer;
  }
  throw new AdminRefusal("the server's answer is of a form that this version does not know");
}

function renderDrives({ drives, change }: DrivesAnswer): readonly string[] {
  const lines = drives.map((drive, index) => {
    const { driveId, path, role, isThere, sharePerMille, freeBytes, isHome, isMember } = drive;
    const words = [
      isThere ? role : `${role}, does not answer`,
      `${(sharePerMille / 10).toFixed(1)}% of all shards`,
      ...(freeBytes === undefined ? [] : [`${renderBytes(freeBytes)} free`]),
      ...(isMember ? ["a copy of the metadata"] : []),
      ...(isHome ? ["the database"] : []),
    ];
    return `  ${index + 1}  ${path === "" ? "(its folder is not known)" : path}: ${words.join(", ")} (${driveId})`;
  });
  return change.phase === "idle" ? lines : [...lines, `  ${renderChange(change)}`];
}

/** In one line. */
export function renderChange(change: ChangeAnswer): string {
  const { phase, seenSets, totalSets, movedShards, writtenBytes, rateBytes } = change;
  const waiting =
    change.waitingSets === 0
      ? ""
      : `; ${renderMany(change.waitingSets, "set")} wait: ${change.problem ?? "a drive is away"}`;
  const how =
    phase === "settling"
      ? "waiting for uploads that began before"
      : `${phase}: ${renderCount(seenSets)} of ${renderMany(totalSets, "set")}`;
  return (
    `${how}, ${renderMany(movedShards, "shard")} moved ` +
    `(${renderBytes(writtenBytes)}, ${renderBytes(rateBytes)}/s)${waiting}`
  );
}
