// The admin API's routes about drives: which there are, and drives that come and go.

import type { DriveEntry, DrivesReport } from "./admin-drives.ts";
import { AdminError } from "./admin-error.ts";
import { parseFields, textField } from "./admin-request.ts";
import type { AdminCall, AdminRoute } from "./admin-route.ts";
import { count, flag, listOf, maybe, objectOf, oneOf, tagged, text } from "./json-schema.ts";
import type { AnswerSchema } from "./route-schema.ts";
import { sendJson } from "./send-json.ts";

/** Of a drive, and of a node. */
export const roleSchema = oneOf(
  ["drained", "in-use", "joining", "leaving"] satisfies readonly DriveEntry["role"][],
  "drained: everything lies elsewhere, and it may be taken out",
);

const entry = objectOf<DriveEntry>({
  driveId: text(),
  path: text(),
  role: roleSchema,
  isThere: flag("whether it answers"),
  sharePerMille: count("of all shards, how many in a thousand belong on it"),
  freeBytes: maybe(count()),
  totalBytes: maybe(count()),
  isMember: flag("whether it keeps a copy of the metadata"),
  isHome: flag("whether it holds the database"),
});

/** How a change of the layout goes. */
export const changeSchema = objectOf<DrivesReport["change"]>({
  phase: oneOf(
    [
      "checking",
      "copying",
      "idle",
      "publishing",
      "settling",
    ] satisfies readonly DrivesReport["change"]["phase"][],
    "idle: no drives come or go. settling: writes that began before are waited for",
  ),
  version: count("of the newest layout"),
  seenSets: count("in this pass over all sets"),
  totalSets: count("about how many there are"),
  movedShards: count(),
  writtenBytes: count(),
  rateBytes: count("bytes a second of late"),
  waitingSets: count("sets that could not be moved in this pass"),
  problem: maybe(text("why the last of them could not")),
});

const reshape = objectOf<DrivesReport["reshape"]>({
  phase: oneOf(
    [
      "idle",
      "looking",
      "objects",
      "packs",
      "waiting",
    ] satisfies readonly DrivesReport["reshape"]["phase"][],
    "idle: all sets are cut as new ones are. looking: whether there is anything left",
  ),
  seenCount: count("packs, or objects and parts, in this pass"),
  totalCount: count("about how many there are"),
  rewrittenSets: count("that were cut anew"),
  writtenBytes: count(),
  rateBytes: count("bytes a second of late"),
  leftSets: count("sets that the last pass left as they were"),
  problem: maybe(text("why the last of them could not be cut anew, or what it waits for")),
});

const answer: AnswerSchema = {
  description: "the drives as they are now",
  schema: tagged<DrivesReport>("report", {
    drives: listOf(entry),
    shardCount: count("how many drives a set lies on"),
    cut: objectOf<DrivesReport["cut"]>({
      dataShards: count("k of k+m: how new sets are cut"),
      parityShards: count("m of k+m"),
    }),
    change: changeSchema,
    reshape,
  }),
};

const named = objectOf<{ readonly drive: string }>({
  drive: text("its id, its folder, or its number in the list"),
});

export const DRIVE_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: "/v1/drives",
    access: "root",
    schema: { operationId: "listDrives", summary: "The drives, and how a change goes", answer },
    handle: list,
  },
  {
    method: "POST",
    path: "/v1/drives/add",
    access: "root",
    schema: {
      operationId: "addDrives",
      summary: "Takes blank folders in as drives, and moves their share there",
      body: objectOf<{ readonly folders: readonly string[] }>({
        folders: listOf(text("absolute, of the server's machine")),
      }),
      answer,
    },
    handle: add,
  },
  {
    method: "POST",
    path: "/v1/drives/drain",
    access: "root",
    schema: {
      operationId: "drainDrive",
      summary: "Moves all that is on a drive to the others",
      body: named,
      answer,
    },
    handle: drain,
  },
  {
    method: "POST",
    path: "/v1/drives/replace",
    access: "root",
    schema: {
      operationId: "replaceDrive",
      summary: "Has a blank folder take the place of a drive",
      body: objectOf<{ readonly drive: string; readonly folder: string }>({
        drive: text("its id, its folder, or its number in the list"),
        folder: text("absolute, of the server's machine"),
      }),
      answer,
    },
    handle: replace,
  },
  {
    method: "POST",
    path: "/v1/drives/remove",
    access: "root",
    schema: {
      operationId: "removeDrive",
      summary: "Takes a drained drive out",
      body: named,
      answer,
    },
    handle: remove,
  },
  {
    method: "POST",
    path: "/v1/drives/reshape",
    access: "root",
    schema: {
      operationId: "reshapeDrives",
      summary: "Cuts all sets, those that are there and new ones, into k+m shards",
      body: objectOf<{
        readonly dataShards: number | undefined;
        readonly parityShards: number | undefined;
      }>({
        dataShards: maybe(count("k; without it and m: as the number of the drives says")),
        parityShards: maybe(count("m")),
      }),
      answer,
    },
    handle: reshapeAll,
  },
];

async function list({ context, body, out }: AdminCall): Promise<void> {
  parseFields(body, []);
  sendJson(out, 200, { type: "report", ...(await context.drives.list()) });
}

async function add({ context, body, out }: AdminCall): Promise<void> {
  const folders = parseFields(body, ["folders"]).get("folders");
  const isList = Array.isArray(folders) && folders.every((each) => typeof each === "string");
  if (!isList) throw new AdminError(400, "InvalidArgument", "folders must be a list of texts");
  sendJson(out, 200, { type: "report", ...(await context.drives.add(folders)) });
}

async function drain({ context, body, out }: AdminCall): Promise<void> {
  const drive = required(parseFields(body, ["drive"]), "drive");
  sendJson(out, 200, { type: "report", ...(await context.drives.drain(drive)) });
}

async function replace({ context, body, out }: AdminCall): Promise<void> {
  const fields = parseFields(body, ["drive", "folder"]);
  const [drive, folder] = [required(fields, "drive"), required(fields, "folder")];
  sendJson(out, 200, { type: "report", ...(await context.drives.replace(drive, folder)) });
}

async function remove({ context, body, out }: AdminCall): Promise<void> {
  const drive = required(parseFields(body, ["drive"]), "drive");
  sendJson(out, 200, { type: "report", ...(await context.drives.remove(drive)) });
}

async function reshapeAll({ context, body, out }: AdminCall): Promise<void> {
  const fields = parseFields(body, ["dataShards", "parityShards"]);
  const [dataShards, parityShards] = [
    numberField(fields, "dataShards"),
    numberField(fields, "parityShards"),
  ];
  if ((dataShards === undefined) !== (parityShards === undefined)) {
    throw new AdminError(400, "InvalidArgument", "dataShards and parityShards belong together");
  }
  const cut =
    dataShards === undefined || parityShards === undefined
      ? undefined
      : { dataShards, parityShards };
  sendJson(out, 200, { type: "report", ...(await context.drives.reshape(cut)) });
}

function numberField(fields: ReadonlyMap<string, unknown>, name: string): number | undefined {
  const value = fields.get(name);
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value);
  throw new AdminError(400, "InvalidArgument", `${name} must be a number`);
}

function required(fields: ReadonlyMap<string, unknown>, name: string): string {
  const value = textField(fields, name);
  if (value !== undefined && value !== "") return value;
  throw new AdminError(400, "InvalidArgument", `${name} is missing`);
}
