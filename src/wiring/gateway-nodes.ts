// A gateway's data nodes at its start: asked all at once, waited for in vain only so long. The first start needs every
// node, for it is then settled which drives there are; later ones need as many drives as it takes to read.

import type { DriveId } from "../core/ids.ts";
import { openNodeClient, type NodeClient } from "../datanode/client.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import type { CloseStack } from "./close-stack.ts";
import { StartError } from "./start-error.ts";

export interface GatewayNodesOptions {
  readonly urls: readonly string[];
  readonly clusterSecret: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The layout that stands; undefined at the first start. */
  readonly layout: LayoutRecord | undefined;
  /** How many of the layout's drives reading takes. */
  readonly neededCount: number;
  /** Called with a sentence while the start waits. */
  readonly onProgress: (words: string) => void;
}

/** Health checks of container engines have given up by then. */
const WAIT_MS_MAX = 90_000;
const PROGRESS_EVERY_MS = 5_000;
/** Once there are enough, how long the others may still come before the start goes on without them. */
const STRAGGLERS_MS = 1_500;

/**
 * Opens the way to every node; the clients are put on the close stack.
 * @throws StartError when too few are there in time.
 */
export async function openGatewayNodes(
  options: GatewayNodesOptions,
  closeStack: CloseStack,
): Promise<readonly NodeClient[]> {
  const { urls, clusterSecret: secret, clock, logger } = options;
  const clients = await Promise.all(
    urls.map((url) => openNodeClient({ url, secret, clock, logger })),
  );
  closeStack.add(async () => {
    await Promise.all(clients.map((client) => client.close()));
  });
  await waitForEnough(clients, options);
  return clients;
}

/** The drives that are known by now. @throws StartError when two nodes serve the same drive. */
export function knownDrives(clients: readonly NodeClient[]): readonly ShardStore[] {
  const byId = new Map<DriveId, string>();
  return clients.flatMap((client) => {
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

async function waitForEnough(
  clients: readonly NodeClient[],
  options: GatewayNodesOptions,
): Promise<void> {
  const all = Promise.all(clients.map((client) => client.ready()));
  // Those that are closed while they are waited for reject; nobody may be listening any more.
  all.catch(() => undefined);
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!hasEnough(clients, options)) {
    if (performance.now() > deadline) {
      throw new StartError(`too few data nodes are there: ${problemsOf(clients)}`);
    }
    options.onProgress(`waiting for data nodes: ${problemsOf(clients)}`);
    await within(all, PROGRESS_EVERY_MS, () => hasEnough(clients, options));
  }
  await within(all, STRAGGLERS_MS, () => false);
}

function hasEnough(
  clients: readonly NodeClient[],
  { layout, neededCount }: GatewayNodesOptions,
): boolean {
  const present = clients.filter((client) => client.problem === undefined);
  if (layout === undefined) return present.length === clients.length;
  const named = new Set(layout.drives);
  const drives = present.flatMap((client) => client.drives);
  return drives.filter(({ driveId }) => named.has(driveId)).length >= neededCount;
}

function problemsOf(clients: readonly NodeClient[]): string {
  return clients
    .flatMap(({ url, problem }) => (problem === undefined ? [] : `${url} (${problem})`))
    .join(", ");
}

const LOOK_EVERY_MS = 50;

/** Resolves when all came, `isEnough` says so, or the time is over. */
function within(all: Promise<unknown>, timeMs: number, isEnough: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearInterval(looking);
      clearTimeout(timer);
      resolve();
    };
    const looking = setInterval(() => {
      if (isEnough()) end();
    }, LOOK_EVERY_MS);
    const timer = setTimeout(end, timeMs);
    all.then(end, end);
  });
}
