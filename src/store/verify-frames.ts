// Headers and footers of a set's shards, compared: with the row, and with each other, where the majority is right.

import { readShardFrame, type ShardFrame } from "../datanode/read-shard.ts";
import type { ShardSetRecord } from "../metadata/records.ts";
import type { ShardCheck } from "./shard-check.ts";

/** What the shards say of the set, by their majority. */
export interface SetFrame {
  readonly dataBytes: number;
  readonly etag: string;
  readonly digests: readonly string[];
}

export interface FramesCheck {
  /** Undefined when no shard is good. */
  readonly frame: SetFrame | undefined;
  /** Where the shards say something else than the row, in a sentence: then its blocks cannot be found. */
  readonly disagreement: string | undefined;
}

interface Framed {
  readonly shard: ShardCheck;
  readonly frame: ShardFrame;
  /** What all shards of a set have in common. */
  readonly common: string;
}

export async function verifyFrames(
  shards: readonly ShardCheck[],
  set: ShardSetRecord,
  clusterId: string,
): Promise<FramesCheck> {
  const framed: Framed[] = [];
  await Promise.all(
    shards.map(async (shard) => {
      const frame = await shard.ask(({ store }) => readShardFrame(store, shard.name));
      if (frame !== undefined) framed.push({ shard, frame, common: commonOf(frame) });
    }),
  );
  const common = mostFrequent(framed.map((each) => each.common));
  for (const each of framed) {
    if (each.common === common) continue;
    each.shard.note("wrong", "its header or footer is not that of its siblings");
  }
  const right = framed.find((each) => each.common === common)?.frame;
  if (right === undefined) return { frame: undefined, disagreement: undefined };
  const { dataBytes, etag, digests } = right.footer;
  const frame = { dataBytes, etag, digests };
  return { frame, disagreement: disagreementOf(right, set, clusterId) };
}

/** What all shards of a set have in common, as text. */
export function commonOf({ header, footer }: ShardFrame): string {
  const { clusterId, dataShards, parityShards, unitBytes, headerBytes } = header;
  const { dataBytes, etag, digests } = footer;
  const fromHeader = { clusterId, dataShards, parityShards, unitBytes, headerBytes };
  return JSON.stringify({ ...fromHeader, dataBytes, etag, digests });
}

export function mostFrequent(values: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a);
  return most?.[0];
}

/** Where they say something else than the row, in a sentence. */
export function disagreementOf(
  { header, footer }: ShardFrame,
  set: ShardSetRecord,
  clusterId: string,
): string | undefined {
  if (header.clusterId !== clusterId) {
    return `its shards are of the cluster ${header.clusterId}`;
  }
  const { dataShards, parityShards, unitBytes, headerBytes } = header;
  const said = [set.dataShards, set.parityShards, set.unitBytes, set.headerBytes];
  const found = [dataShards, parityShards, unitBytes, headerBytes];
  if (said.join() !== found.join()) {
    return `its shards say k, m, unit and header ${found.join()}, and the metadata says ${said.join()}`;
  }
  if (footer.dataBytes === set.sizeBytes) return undefined;
  return `its shards say ${footer.dataBytes} bytes, and the metadata says ${set.sizeBytes}`;
}
