// How many shards of a set must be durable, and what a client is told when they cannot be.

import { ShardError } from "../datanode/shard-store.ts";
import { S3Error } from "../core/s3-error.ts";
import { shardCount, writeQuorum, type Geometry } from "../erasure/geometry.ts";

/**
 * The quorum of a write that begins while `awayCount` of its drives are already set aside: k+1, but k where the one
 * parity shard is what is away. Two drives have no such leeway: with one away they are read-only.
 */
export function quorumOfWrite(geometry: Geometry, awayCount: number): number {
  const { dataShards, parityShards } = geometry;
  if (parityShards === 1 && dataShards > 1 && awayCount > 0) return dataShards;
  return writeQuorum(geometry);
}

/** The refusal of a write whose drives failed: no room when it is full drives that are lacking, else unavailable. */
export function quorumError(geometry: Geometry, errors: readonly unknown[]): S3Error {
  const fullCount = errors.filter(
    (error) => error instanceof ShardError && error.code === "Full",
  ).length;
  const neededCount = writeQuorum(geometry);
  const spare = shardCount(geometry) - neededCount;
  const cause = new AggregateError(errors, "too few drives took the write");
  if (fullCount > spare) return new S3Error("InsufficientStorage", { cause });
  const goodCount = shardCount(geometry) - errors.length;
  return new S3Error("ServiceUnavailable", {
    cause,
    message: `${goodCount} of ${shardCount(geometry)} drives take new objects now, and a write takes ${neededCount}. Please try again.`,
  });
}
