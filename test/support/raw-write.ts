// Writes to a data node made by hand, so that tests can send what no gateway would.

import type { NodeHello } from "../../src/datanode/protocol.ts";
import { UNSIGNED_BODY, type WriteChannelKeys } from "../../src/datanode/rpc-auth.ts";
import {
  renderBodyEnd,
  writeFrameHeader,
  type BodyEnd,
  type BodyKey,
} from "../../src/datanode/shard-body.ts";
import { renderWriteHead, type WireWrite } from "../../src/datanode/write-frames.ts";
import { crc32c } from "../../src/util/crc32c.ts";
import { RawChannel } from "./raw-channel.ts";

export interface RawWrite extends Partial<WireWrite> {
  readonly url: string;
  /** The body that follows, for the key that its end is proven with. */
  readonly makeBody: (key: BodyKey) => Buffer;
}

export interface WriteAnswer {
  /** Undefined where the node ended the connection instead. */
  readonly status: number | undefined;
  readonly code: unknown;
}

/** Sends it on a channel of its own, and waits for the answer; says that nothing more will come once it is sent where that is wanted. */
export async function sendWrite(
  port: number,
  hello: NodeHello,
  { makeBody, ...write }: RawWrite,
  { isLast = false }: { readonly isLast?: boolean } = {},
): Promise<WriteAnswer> {
  const channel = await RawChannel.openWrites(port, hello);
  const head = renderHead(channel.keys, 0, write);
  channel.send(Buffer.concat([head, makeBody({ mac: channel.keys.bodyEnd, sequence: 0 })]));
  if (isLast) channel.end();
  return channelAnswer(channel, 0);
}

export function renderHead(
  keys: WriteChannelKeys,
  sequence: number,
  {
    url,
    method = "PUT",
    body = UNSIGNED_BODY,
    owner,
  }: Partial<WireWrite> & { readonly url: string },
): Buffer {
  return renderWriteHead(keys.request, sequence, { method, url, body, owner });
}

/** The answer to the write of that number. */
export async function channelAnswer(
  channel: RawChannel<WriteChannelKeys>,
  sequence: number,
): Promise<WriteAnswer> {
  const answer = await channel.answer(sequence);
  if (answer === undefined) return { status: undefined, code: undefined };
  const said: unknown = JSON.parse(answer.body.toString());
  const code = typeof said === "object" && said !== null && "code" in said ? said.code : undefined;
  return { status: answer.status, code };
}

/** A body that stores `data`, with what a test changes in its end. */
export function renderShardBody(key: BodyKey, data: Buffer, end: Partial<BodyEnd> = {}): Buffer {
  const whole = { kind: "finish", dataBytes: data.length, checksum: crc32c(data), ...end } as const;
  const frames = data.length === 0 ? [] : [renderFrame(data)];
  return Buffer.concat([...frames, renderBodyEnd(key, whole)]);
}

export function renderFrame(data: Buffer): Buffer {
  const frame = Buffer.alloc(4 + data.length);
  writeFrameHeader(frame, data.length);
  data.copy(frame, 4);
  return frame;
}
