// A gateway's data nodes at its start: asked all at once, and waited for until there are enough of them, but in vain only
// so long.

import { setTimeout } from "node:timers/promises";
import type { DriveId } from "../core/ids.ts";
import { openNodeClient, type NodeClient } from "../datanode/client.ts";
import type { ShardError, ShardStore } from "../datanode/shard-store.ts";
import type { Authority } from "../journal/journal-member.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import type { CloseStack } from "./close-stack.ts";
import { StartError } from "./start-error.ts";

export interface GatewayNodesOptions {
  readonly urls: readonly string[];
  readonly clusterSecret: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For whom shards are written and deleted; undefined until that is settled. */
  readonly owner: () => Authority | undefined;
  /** Another gateway has taken over. */
  readonly onFenced: (error: ShardError) => void;
  /** Called with a sentence while the start waits. */
  readonly onProgress: (words: string) => void;
}

/** Health checks of container engines have given up by then. */
const WAIT_MS_MAX = 90_000;
const PROGRESS_EVERY_MS = 5_000;
/** Once there are enough, how long the others may still come before the start goes on without them. */
const STRAGGLERS_MS = 1_500;
/** How long the start waits before it says so. */
const QUIET_MS = 300;
const LOOK_EVERY_MS = 10;

export class GatewayNodes {
  readonly clients: readonly NodeClient[];
  readonly #onProgress: (words: string) => void;
  readonly #deadline = performance.now() + WAIT_MS_MAX;
  #hasWaitedForRest = false;

  constructor(clients: readonly NodeClient[], onProgress: (words: string) => void) {
    this.clients = clients;
    this.#onProgress = onProgress;
  }

  /** Those that are there now. */
  get present(): readonly NodeClient[] {
    return this.clients.filter((client) => client.problem === undefined);
  }

  get areAllPresent(): boolean {
    return this.present.length === this.clients.length;
  }

  /** Whether the start has waited as long as it may. */
  get isTimeUp(): boolean {
    return performance.now() > this.#deadline;
  }

  /** Which nodes are away and why, in words. */
  get problems(): string {
    return this.clients
      .flatMap(({ url, problem }) => (problem === undefined ? [] : `${url} (${problem})`))
      .join(", ");
  }

  /** The drives that are known by now. @throws StartError when two nodes serve the same drive. */
  knownDrives(): readonly ShardStore[] {
    const byId = new Map<DriveId, string>();
    return this.clients.flatMap((client) => {
      for (const { driveId } of client.drives) {
        const other = byId.get(driveId);
        if (other !== undefined) {
          throw new StartError(`${other} and ${client.url} serve the same drive ${driveId}`);
        }
        byId.set(driveId, client.url);
      }
      return client.drives;
    });
  }

  /** Waits until `hasEnough` says so, and, once, a little for the rest. @throws StartError when they do not come in time. */
  async waitUntil(hasEnough: () => boolean, problems = () => this.problems): Promise<void> {
    // Those that are there have only to be heard out.
    await within(QUIET_MS, hasEnough);
    while (!hasEnough()) {
      if (this.isTimeUp)
        throw new StartError(withNames("too few data nodes are there", problems()));
      await this.waitForMore(withNames("waiting for data nodes", problems()), hasEnough);
    }
    const isFirst = !this.#hasWaitedForRest;
    this.#hasWaitedForRest = true;
    if (isFirst) await within(STRAGGLERS_MS, () => this.areAllPresent);
  }

  /** Waits for a while, less when `isEnough` says so. */
  async waitForMore(words: string, isEnough: () => boolean): Promise<void> {
    this.#onProgress(words);
    await within(PROGRESS_EVERY_MS, isEnough);
  }
}

/** A node may be there without all that is waited for. */
function withNames(words: string, names: string): string {
  return names === "" ? words : `${words}: ${names}`;
}

/** Resolves when `isEnough` says so, or the time is over. */
async function within(timeMs: number, isEnough: () => boolean): Promise<void> {
  const deadline = performance.now() + timeMs;
  while (!isEnough() && performance.now() < deadline) await setTimeout(LOOK_EVERY_MS);
}

/** Opens the way to every node, there or not; the clients are put on the close stack. */
export async function openGatewayNodes(
  options: GatewayNodesOptions,
  closeStack: CloseStack,
): Promise<GatewayNodes> {
  const { urls, clusterSecret: secret, clock, logger, owner, onFenced, onProgress } = options;
  const clients = await Promise.all(
    urls.map((url) => openNodeClient({ url, secret, clock, logger, owner, onFenced })),
  );
  closeStack.add(async () => {
    await Promise.all(clients.map((client) => client.close()));
  });
  return new GatewayNodes(clients, onProgress);
}
