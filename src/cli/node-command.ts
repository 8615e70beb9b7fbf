// `kintsugi node list | add | drain | replace | remove`: lists a gateway's data nodes, and has some come or go. Resolves to
// the exit code: 0 all is as it should be, 1 a node does not answer, or what is to be moved waits.

import { AdminClient, AdminRefusal } from "./admin-client.ts";
import type { CommandContext } from "./admin-commands.ts";
import { MOVING, renderChange, type ChangeAnswer } from "./drive-command.ts";
import { renderBytes, renderMany } from "./quantities.ts";
import { showAnswer, watchAnswer } from "./watch-answer.ts";

const WELL = 0;
const NOT_WELL = 1;

/** What is asked for; each but the list changes something. */
export type NodeRequest =
  | { readonly verb: "add"; readonly urls: readonly string[]; readonly requireZones?: boolean }
  | { readonly verb: "drain"; readonly node: string; readonly requireZones?: boolean }
  | { readonly verb: "list" }
  | { readonly verb: "remove"; readonly node: string }
  | {
      readonly verb: "replace";
      readonly node: string;
      readonly url?: string;
      readonly requireZones?: boolean;
    };

/** What is read of the answer (docs/ADMIN.md); the server may say more. */
interface NodesAnswer {
  readonly nodes: readonly {
    readonly nodeId: string;
    readonly url: string;
    readonly zone?: string;
    readonly role: string;
    readonly isThere: boolean;
    readonly problem?: string;
    readonly driveCount: number;
    readonly sharePerMille: number;
    readonly freeBytes: number;
    readonly memberCount: number;
  }[];
  readonly strangers: readonly string[];
  readonly parityShards: number;
  readonly worstZone: { readonly zone: string; readonly shardCount: number };
  readonly change: ChangeAnswer;
}

/** `isWatch`: goes on showing until no nodes come or go any more. @throws AdminRefusal */
export async function changeNodes(
  context: CommandContext,
  request: NodeRequest,
  isWatch: boolean,
): Promise<number> {
  const client = new AdminClient(context);
  let answer = checked(await ask(client, request));
  if (isWatch) {
    answer = await watchAnswer(context, answer, {
      ask: async () => checked(await ask(client, { verb: "list" })),
      isUnderWay: ({ change, nodes }) =>
        change.phase !== "idle" || nodes.some(({ role }) => MOVING.has(role)),
      render: ({ change }) => renderChange(change),
    });
  }
  showAnswer(context, answer, renderNodes(answer));
  const isWell = answer.nodes.every(({ isThere }) => isThere) && answer.change.waitingSets === 0;
  return isWell ? WELL : NOT_WELL;
}

function ask(client: AdminClient, { verb, ...fields }: NodeRequest): Promise<unknown> {
  if (verb === "list") return client.get("/v1/nodes");
  return client.run(`/v1/nodes/${verb}`, fields, () => undefined);
}

/** @throws AdminRefusal */
function checked(value: unknown): NodesAnswer {
  const fields = new Map<string, unknown>(Object.entries(value ?? {}));
  const change = fields.get("change");
  if (Array.isArray(fields.get("nodes")) && typeof change === "object" && change !== null) {
    return value as NodesAnswer;
  }
  throw new AdminRefusal("the server's answer is of a form that this version does not know");
}

function renderNodes(answer: NodesAnswer): readonly string[] {
  const { nodes, strangers, change } = answer;
  const lines = nodes.map((node, index) => {
    const { nodeId, url, role, isThere, problem, driveCount, sharePerMille, memberCount } = node;
    const words = [
      isThere ? role : `${role}, does not answer${problem === undefined ? "" : ` (${problem})`}`,
      `${(sharePerMille / 10).toFixed(1)}% of all shards on ${renderMany(driveCount, "drive")}`,
      ...(node.zone === undefined ? [] : [`zone ${node.zone}`]),
      ...(isThere ? [`${renderBytes(node.freeBytes)} free`] : []),
      ...(memberCount === 0
        ? []
        : [`${renderMany(memberCount, "copy", "copies")} of the metadata`]),
    ];
    return `  ${index + 1}  ${url}: ${words.join(", ")} (${nodeId})`;
  });
  const others = strangers.map((url) => `     ${url}: none of this cluster's, and not used`);
  const moving = change.phase === "idle" ? [] : [`  ${renderChange(change)}`];
  return [...lines, ...others, ...zoneLines(answer), ...moving];
}

/** Only where the loss of a zone is more than parity replaces. */
function zoneLines({ nodes, parityShards, worstZone }: NodesAnswer): readonly string[] {
  const { shardCount, zone } = worstZone;
  if (shardCount <= parityShards) return [];
  const name = nodes.find(({ nodeId }) => nodeId === zone)?.url ?? `zone ${zone}`;
  return [
    `  with ${name} ${shardCount} shards of some objects would be lost, and ${parityShards} may be: nodes of more zones are needed`,
  ];
}
