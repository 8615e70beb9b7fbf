// The list of nodes: what was written is read, what was not is refused, and a drive keeps it for whoever asks.

import { expect, test } from "vitest";
import type { DriveId } from "../../../src/core/ids.ts";
import { parseNodeList, renderNodeList, type NodeList } from "../../../src/datanode/node-list.ts";
import { renderChecked } from "../../../src/journal/checked-json.ts";
import { givenClient, givenLocalDrive, givenNode } from "../../support/data-node.ts";
import { MemberDisk, MemoryMember } from "../../support/memory-member.ts";

const NODE = {
  nodeId: "node-1",
  url: "http://node-1:9100",
  driveIds: ["drive-1" as DriveId],
  isLeaving: false,
  zone: "cellar",
};
const LIST: NodeList = {
  clusterId: "c1",
  generation: 3,
  nodes: [NODE, { ...NODE, nodeId: "node-2", isLeaving: true, zone: undefined }],
};

test("a list is read as it was written, and rot is noticed", () => {
  const bytes = renderNodeList(LIST);
  expect(parseNodeList(bytes, "a file")).toEqual(LIST);
  const rotten = Buffer.from(Buffer.from(bytes).toString().replace("node-2", "node-3"));
  expect(() => parseNodeList(rotten, "a file")).toThrow(/checksum/);
});

test.each([
  ["no object", [], /not an object/],
  ["an id with a slash", { ...NODE, nodeId: "../x" }, /a node is none/],
  ["a URL that is none", { ...NODE, url: "node-1" }, /a URL is none/],
  ["a drive without an id", { ...NODE, driveIds: [7] }, /a drive id is none/],
  ["a zone with spaces", { ...NODE, zone: "the cellar" }, /a zone is none/],
  ["no word of whether it leaves", { ...NODE, isLeaving: "no" }, /a node is none/],
])("a node that is %s is refused", (_what, node, words) => {
  const bytes = renderChecked({ clusterId: "c1", generation: 1, nodes: [node] });
  expect(() => parseNodeList(bytes, "a file")).toThrow(words);
});

test("a drive keeps the list over the wire; what is no list it refuses", async () => {
  const drive = await givenLocalDrive();
  let kept: Uint8Array | undefined;
  const nodeList = {
    read: () => Promise.resolve(kept),
    write: async (bytes: Uint8Array) => void (kept = Buffer.from(bytes)),
  };
  const member = new MemoryMember(drive.driveId, new MemberDisk());
  const node = await givenNode({ drives: [drive], journals: [{ member, nodeList }] });
  const client = await givenClient(node.url);
  expect(await client.readNodeList(drive.driveId)).toBeUndefined();
  await client.writeNodeList(drive.driveId, LIST);
  expect(await client.readNodeList(drive.driveId)).toEqual(LIST);
  const broken = { ...LIST, nodes: [{ ...NODE, url: "" }] };
  await expect(client.writeNodeList(drive.driveId, broken)).rejects.toThrow(/no list of nodes/);
  expect(await client.readNodeList(drive.driveId)).toEqual(LIST);
  kept = Buffer.from("{}");
  await expect(client.readNodeList(drive.driveId)).rejects.toThrow(/cannot be read/);
});
