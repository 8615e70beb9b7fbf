// The admin API's routes about the data nodes of a gateway: which there are, and nodes that come and go.

import { AdminError } from "./admin-error.ts";
import type { NodeChangeOptions, NodeEntry, NodesReport } from "./admin-nodes.ts";
import { flagField, parseFields, textField } from "./admin-request.ts";
import type { AdminCall, AdminRoute } from "./admin-route.ts";
import { changeSchema, roleSchema } from "./drive-routes.ts";
import { count, flag, listOf, maybe, objectOf, tagged, text } from "./json-schema.ts";
import type { AnswerSchema } from "./route-schema.ts";
import { sendJson } from "./send-json.ts";

const entry = objectOf<NodeEntry>({
  nodeId: text(),
  url: text(),
  zone: maybe(text("what it fails together with; absent: it alone")),
  role: roleSchema,
  isThere: flag("whether it answers"),
  problem: maybe(text("why it does not")),
  driveCount: count(),
  sharePerMille: count("of all shards, how many in a thousand belong on it"),
  freeBytes: count("of those of its drives that answer"),
  totalBytes: count(),
  memberCount: count("how many of its drives keep a copy of the metadata"),
});

const answer: AnswerSchema = {
  description: "the nodes as they are now",
  schema: tagged<NodesReport>("report", {
    nodes: listOf(entry),
    strangers: listOf(
      text("a URL that the gateway was given, whose node is none of the cluster's"),
    ),
    shardCount: count("how many drives a set lies on"),
    parityShards: count("how many shards of a set may be lost"),
    worstZone: objectOf<NodesReport["worstZone"]>({
      zone: text("a zone, or a node that is in none"),
      shardCount: count("so many shards of some set would be lost with it"),
    }),
    change: changeSchema,
  }),
};

const NODE = text("its URL, its id, or its number in the list");
const ZONES = maybe(
  flag("refuse it where the loss of a zone would cost more shards than parity replaces"),
);

export const NODE_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: "/v1/nodes",
    access: "root",
    schema: { operationId: "listNodes", summary: "The data nodes, and how a change goes", answer },
    handle: list,
  },
  {
    method: "POST",
    path: "/v1/nodes/add",
    access: "root",
    schema: {
      operationId: "addNodes",
      summary: "Takes data nodes in, and moves their share there",
      body: objectOf<{ readonly urls: readonly string[]; readonly requireZones?: boolean }>({
        urls: listOf(text("such as http://node-7:9100")),
        requireZones: ZONES,
      }),
      answer,
    },
    handle: add,
  },
  {
    method: "POST",
    path: "/v1/nodes/drain",
    access: "root",
    schema: {
      operationId: "drainNode",
      summary: "Moves all that is on a node to the others",
      body: objectOf<{ readonly node: string; readonly requireZones?: boolean }>({
        node: NODE,
        requireZones: ZONES,
      }),
      answer,
    },
    handle: drain,
  },
  {
    method: "POST",
    path: "/v1/nodes/replace",
    access: "root",
    schema: {
      operationId: "replaceNode",
      summary: "Has another node take the place of one",
      body: objectOf<{
        readonly node: string;
        readonly url?: string;
        readonly requireZones?: boolean;
      }>({
        node: NODE,
        url: maybe(text("of the other; absent: it is at the same address")),
        requireZones: ZONES,
      }),
      answer,
    },
    handle: replace,
  },
  {
    method: "POST",
    path: "/v1/nodes/remove",
    access: "root",
    schema: {
      operationId: "removeNode",
      summary: "Takes a drained node out",
      body: objectOf<{ readonly node: string }>({ node: NODE }),
      answer,
    },
    handle: remove,
  },
];

async function list({ context, body, out }: AdminCall): Promise<void> {
  parseFields(body, []);
  sendJson(out, 200, { type: "report", ...(await context.nodes.list()) });
}

async function add({ context, body, out }: AdminCall): Promise<void> {
  const fields = parseFields(body, ["urls", "requireZones"]);
  const urls = fields.get("urls");
  const isList = Array.isArray(urls) && urls.every((each) => typeof each === "string");
  if (!isList) throw new AdminError(400, "InvalidArgument", "urls must be a list of texts");
  sendJson(out, 200, { type: "report", ...(await context.nodes.add(urls, optionsIn(fields))) });
}

async function drain({ context, body, out }: AdminCall): Promise<void> {
  const fields = parseFields(body, ["node", "requireZones"]);
  const report = await context.nodes.drain(nodeIn(fields), optionsIn(fields));
  sendJson(out, 200, { type: "report", ...report });
}

async function replace({ context, body, out }: AdminCall): Promise<void> {
  const fields = parseFields(body, ["node", "url", "requireZones"]);
  const replaced = { node: nodeIn(fields), url: textField(fields, "url") };
  const report = await context.nodes.replace(replaced, optionsIn(fields));
  sendJson(out, 200, { type: "report", ...report });
}

async function remove({ context, body, out }: AdminCall): Promise<void> {
  const node = nodeIn(parseFields(body, ["node"]));
  sendJson(out, 200, { type: "report", ...(await context.nodes.remove(node)) });
}

function nodeIn(fields: ReadonlyMap<string, unknown>): string {
  const value = textField(fields, "node");
  if (value !== undefined && value !== "") return value;
  throw new AdminError(400, "InvalidArgument", "node is missing");
}

function optionsIn(fields: ReadonlyMap<string, unknown>): NodeChangeOptions {
  return { requiresZones: flagField(fields, "requireZones") };
}
