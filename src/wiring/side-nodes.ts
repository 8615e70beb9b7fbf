// The drives of data nodes, as a worker beside a gateway's lead opens them: by ways of its own to the nodes, for the one that the
// drives are promised to.

import { openNodeClient, type NodeClient } from "../datanode/client.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import type { DriveAt } from "./open-drives.ts";
import type { SideNodes } from "./side-protocol.ts";

export interface NodeDrivesOptions extends SideNodes {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The drives are another's now. */
  readonly onFenced: () => void;
}

export class NodeDrives {
  readonly #options: NodeDrivesOptions;
  #clients: readonly NodeClient[] = [];

  constructor(options: NodeDrivesOptions) {
    this.#options = options;
  }

  /** Those of `wanted` whose nodes are there. Ways to nodes that none of `all` is on any more are given up. */
  async open(wanted: readonly DriveAt[], all: readonly DriveAt[]): Promise<readonly ShardStore[]> {
    await this.#leave(({ url }) => all.every(({ path }) => path !== url));
    const urls = new Set(wanted.map(({ path }) => path));
    const opened = await Promise.allSettled([...urls].map((url) => this.#openNode(url, wanted)));
    return opened.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
  }

  close(): Promise<void> {
    return this.#leave(() => true);
  }

  async #openNode(url: string, wanted: readonly DriveAt[]): Promise<readonly ShardStore[]> {
    const { authority, clusterSecret: secret, clock, logger, onFenced } = this.#options;
    const owner = () => authority;
    const client = await openNodeClient({ url, secret, clock, logger, owner, onFenced });
    const drives = client.drives.filter(({ driveId }) =>
      wanted.some((place) => place.driveId === driveId && place.path === url),
    );
    if (drives.length > 0) this.#clients = [...this.#clients, client];
    else await client.close();
    return drives;
  }

  async #leave(isLeft: (client: NodeClient) => boolean): Promise<void> {
    const left = this.#clients.filter(isLeft);
    this.#clients = this.#clients.filter((client) => !isLeft(client));
    await Promise.all(left.map((client) => client.close()));
  }
}
