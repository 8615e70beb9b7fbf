// Groups and replies as bytes: what arrives is what was sent, and its bytes lie where they came.

import { expect, test } from "vitest";
import type { NewContent } from "../../../src/metadata/metadata-store.ts";
import {
  isPacked,
  isWriteMessage,
  packMessage,
  unpackMessage,
} from "../../../src/metadata/sqlite/write-messages.ts";
import { post, received } from "../../../src/metadata/sqlite/write-port.ts";
import type { GroupReply, WriteGroup } from "../../../src/metadata/sqlite/write-protocol.ts";
import type { UploadId } from "../../../src/core/ids.ts";
import type { WriteRequest } from "../../../src/metadata/write-operations.ts";
import {
  deleteRequest,
  inSet,
  MARKER,
  objectInput,
  setId,
} from "../../contract/metadata/inputs.ts";

const bytes = (...values: number[]): NewContent => ({
  kind: "inline",
  bytes: Uint8Array.from(values),
});

const REQUESTS: readonly WriteRequest[] = [
  {
    name: "putObject",
    input: objectInput(1, "é\u2028\ud800", { content: bytes(1, 2, 3), tags: [] }),
  },
  { name: "putObject", input: objectInput(1, "empty", { content: bytes() }) },
  { name: "putObject", input: objectInput(1, "in-set", { content: inSet(7) }) },
  {
    name: "putPart",
    input: {
      bucketId: 1,
      key: "part",
      uploadId: "upload" as UploadId,
      number: 1,
      sizeBytes: 2,
      etag: "etag",
      uploadedAt: 1,
      checksums: [],
      encryption: undefined,
      content: bytes(4, 5),
    },
  },
  {
    name: "movePacked",
    input: {
      bucketId: 1,
      key: "moved",
      part: undefined,
      from: { setId: setId(1), offset: 3 },
      to: bytes(6),
    },
  },
  {
    name: "completeUpload",
    input: {
      bucketId: 1,
      key: "completed",
      uploadId: "upload" as UploadId,
      parts: [{ number: 1, partId: 2 }],
      sizeBytes: 2,
      etag: "etag-1",
      completedAt: 1,
      checksum: undefined,
      record: { content: bytes(7, 8, 9), sizeBytes: 3, etag: "etag" },
    },
  },
  { name: "deleteObjects", input: { bucketId: 1, requests: [deleteRequest("a")], marker: MARKER } },
  { name: "reset", input: undefined },
];

const group: WriteGroup = { kind: "group", nowMs: 5, requests: REQUESTS };

const REPLIES: readonly GroupReply[] = [
  { kind: "answers", answers: [{ kind: "done", result: undefined }], othersCount: 2 },
  {
    kind: "answers",
    answers: [
      { kind: "refused", refusal: { code: "NoSuchKey", message: "ü", detail: { Key: "k" } } },
      { kind: "failed", fault: { message: "full", isFull: true } },
    ],
  },
  { kind: "group-failed", fault: { message: "away", isFull: false, isAway: true } },
];

test.each([group, ...REPLIES])("$kind arrives as it was sent", (message) => {
  expect(isWriteMessage(message)).toBe(true);
  for (const roomBytes of [0, 4]) {
    const packed = packMessage(message, roomBytes).subarray(roomBytes);
    expect(isPacked(packed)).toBe(true);
    // Whatever stands before and behind.
    const held = Buffer.concat([Buffer.from("xyz"), packed]).subarray(3);
    expect(unpackMessage(held)).toEqual(message);
  }
});

test("what was sent is left as it was, and a view is not taken along whole", () => {
  const content: NewContent = { kind: "inline", bytes: Buffer.alloc(8_192, 7).subarray(100, 110) };
  const input = objectInput(1, "key", { content });
  const packed = packMessage({ ...group, requests: [{ name: "putObject", input }] });
  expect(input.content).toBe(content);
  expect(packed.length).toBeLessThan(1_000);
});

test("names that objects have of themselves are names like others", () => {
  const headers = JSON.parse('{"__proto__":"x","toJSON":"y","constructor":"z"}') as Record<
    string,
    string
  >;
  const input = objectInput(1, "key", { attributes: { headers, userMetadata: headers } });
  const message: WriteGroup = { ...group, requests: [{ name: "putObject", input }] };
  const { requests } = unpackMessage(packMessage(message)) as WriteGroup;
  const arrived = requests.map((request) => (request.input as typeof input).attributes.headers);
  expect(arrived.map(Object.entries)).toEqual([Object.entries(headers)]);
});

test.each([
  ["nothing", []],
  ["another beginning", [1, 0, 0, 0, 0]],
  ["an end that comes too early", [0x4b, 200, 0, 0, 0, 0x7b]],
])("%s is no message", (_, values) => {
  expect(() => unpackMessage(Uint8Array.from(values))).toThrow("no message");
});

test("bytes that are named and did not come are missed", () => {
  const packed = packMessage({ ...group, requests: REQUESTS.slice(0, 1) });
  expect(() => unpackMessage(packed.subarray(0, packed.length - 1))).toThrow("too early");
});

test("through a port: what travels most as bytes that are handed over, all else as it is", () => {
  const posted: unknown[] = [];
  const port = { postMessage: (value: unknown) => void posted.push(value) };
  post(port, group);
  post(port, { kind: "close" });
  const [first, second] = posted;
  expect(first).toBeInstanceOf(Uint8Array);
  expect(received<WriteGroup>(first as Uint8Array)).toEqual(group);
  expect(received(second as { readonly kind: "close" })).toEqual({ kind: "close" });
});
