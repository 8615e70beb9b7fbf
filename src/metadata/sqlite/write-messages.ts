// What travels most between those who write and the writer, as bytes: groups and the replies to them. Their plain data is
// JSON, which costs a fraction of a structured clone of so many small objects; inline bytes follow it as they are, so that
// whoever receives a group gets all of them as views of one buffer.
//
// As bytes: one that says what it is, four with the length of the JSON, the JSON, and the bytes of all inline contents in
// their order.

import type { NewContent } from "../metadata-store.ts";
import type { WriteRequest } from "../write-operations.ts";
import type { GroupReply, WriteGroup } from "./write-protocol.ts";

export type WriteMessage = GroupReply | WriteGroup;

const KINDS: ReadonlySet<unknown> = new Set<WriteMessage["kind"]>([
  "answers",
  "group",
  "group-failed",
]);

export function isWriteMessage(message: unknown): message is WriteMessage {
  if (typeof message !== "object" || message === null || !("kind" in message)) return false;
  return KINDS.has(message.kind);
}

/** No structured clone begins with it. */
const TAG = 0x4b;
const HEAD_BYTES = 5;

/** Bytes of the message in a buffer of their own, behind room for `roomBytes` of others. */
export function packMessage(message: WriteMessage, roomBytes = 0): Buffer<ArrayBuffer> {
  const blobs: Uint8Array[] = [];
  const text = JSON.stringify(message.kind === "group" ? withoutBytes(message, blobs) : message);
  const textBytes = Buffer.byteLength(text, "utf8");
  const blobBytes = blobs.reduce((sum, { length }) => sum + length, 0);
  const packed = Buffer.allocUnsafeSlow(roomBytes + HEAD_BYTES + textBytes + blobBytes);
  packed[roomBytes] = TAG;
  packed.writeUInt32LE(textBytes, roomBytes + 1);
  let offset = roomBytes + HEAD_BYTES;
  offset += packed.write(text, offset, "utf8");
  for (const blob of blobs) {
    packed.set(blob, offset);
    offset += blob.length;
  }
  return packed;
}

export function isPacked(bytes: Uint8Array): boolean {
  return bytes[0] === TAG;
}

/** Inline contents are views of `bytes`. @throws when the bytes are no message. */
export function unpackMessage(bytes: Uint8Array): WriteMessage {
  const packed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isWhole = isPacked(bytes) && packed.length >= HEAD_BYTES;
  const end = isWhole ? HEAD_BYTES + packed.readUInt32LE(1) : Infinity;
  if (end > packed.length) throw new Error("that is no message");
  const message = JSON.parse(packed.toString("utf8", HEAD_BYTES, end)) as WriteMessage;
  if (message.kind === "group") giveBytes(message, packed.subarray(end));
  return message;
}

/** In place of inline bytes: how many they are. */
interface BytesElsewhere {
  readonly kind: "inline";
  readonly sizeBytes: number;
}

/** What is stored, where the write says it. */
interface Sent {
  readonly content?: NewContent;
  readonly to?: NewContent;
}

/** The same, on its way. */
interface Received {
  content?: BytesElsewhere | NewContent;
  to?: BytesElsewhere | NewContent;
}

function withoutBytes(group: WriteGroup, blobs: Uint8Array[]): unknown {
  const elsewhere = (bytes: Uint8Array): BytesElsewhere => {
    blobs.push(bytes);
    return { kind: "inline", sizeBytes: bytes.length };
  };
  const requests = group.requests.map(({ name, input }) => {
    const place = placeOfContent(name);
    const holder = place && (holderOf(name, input) as Sent | undefined);
    const content = place && holder?.[place];
    if (place === undefined || content?.kind !== "inline") return { name, input };
    const held = { ...holder, [place]: elsewhere(content.bytes) };
    return { name, input: holder === input ? held : { ...input, record: held } };
  });
  return { ...group, requests };
}

function giveBytes({ requests }: WriteGroup, blobs: Uint8Array): void {
  let offset = 0;
  for (const { name, input } of requests) {
    const place = placeOfContent(name);
    const holder = place && (holderOf(name, input) as Received | undefined);
    const content = place && holder?.[place];
    if (place === undefined || content === undefined || !("sizeBytes" in content)) continue;
    const { kind, sizeBytes } = content;
    if (!(offset + sizeBytes <= blobs.length)) throw new Error("a message ends too early");
    const bytes = new Uint8Array(blobs.buffer, blobs.byteOffset + offset, sizeBytes);
    if (holder !== undefined) holder[place] = { kind, bytes };
    offset += sizeBytes;
  }
}

/** Where a write names bytes that it may bring; undefined: it brings none. */
function placeOfContent(name: WriteRequest["name"]): keyof Sent | undefined {
  if (name === "putObject" || name === "putPart" || name === "completeUpload") return "content";
  return name === "movePacked" ? "to" : undefined;
}

/** What names them there: the input itself, or the record of a completion, if it has one. */
function holderOf(name: WriteRequest["name"], input: unknown): unknown {
  return name === "completeUpload" ? (input as { readonly record?: unknown }).record : input;
}
