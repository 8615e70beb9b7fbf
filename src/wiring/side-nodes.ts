// The drives of data nodes, as a worker beside a gateway's lead opens them: by ways of its own to the nodes, one each, for the one
// that the drives are promised to. A node that is away is asked again by its way; its drives are opened once it is there.

import { openNodeClient, type NodeClient } from "../datanode/client.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import type { Authority } from "../journal/journal-member.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import type { DriveAt } from "./open-drives.ts";
import type { PlaceOpener } from "./side-drives.ts";

export interface NodeDrivesOptions {
  readonly clusterSecret: string;
  /** To whom the drives are promised; undefined until that is known: nothing is changed before. */
  readonly owner: () => Authority | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The drives are another's now. */
  readonly onFenced: () => void;
}

export class NodeDrives implements PlaceOpener {
  readonly #options: NodeDrivesOptions;
  readonly #clients = new Map<string, NodeClient>();
  #isClosed = false;

  constructor(options: NodeDrivesOptions) {
    this.#options = options;
  }

  async open(wanted: readonly DriveAt[]): Promise<readonly ShardStore[]> {
    const urls = [...new Set(wanted.map(({ path }) => path))];
    const opened = await Promise.allSettled(
      urls.map((url) =>
        this.#openNode(
          url,
          wanted.filter(({ path }) => path === url),
        ),
      ),
    );
    return opened.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
  }

  /** Gives up the ways to nodes that none of these is on. */
  async retain(places: readonly DriveAt[]): Promise<void> {
    const urls = new Set(places.map(({ path }) => path));
    const left = [...this.#clients.keys()].filter((url) => !urls.has(url));
    await Promise.all(left.map((url) => this.#leave(url)));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.retain([]);
  }

  async #openNode(url: string, wanted: readonly DriveAt[]): Promise<readonly ShardStore[]> {
    const client = await this.#wayTo(url, wanted);
    return wanted.flatMap(({ driveId }) => client.openDrive(driveId) ?? []);
  }

  async #wayTo(url: string, wanted: readonly DriveAt[]): Promise<NodeClient> {
    const standing = this.#clients.get(url);
    const ids = standing?.known?.driveIds;
    const isOther = ids !== undefined && wanted.every(({ driveId }) => !ids.includes(driveId));
    if (standing !== undefined && !isOther) return standing;
    // Another node is there now.
    await this.#leave(url);
    const { clusterSecret: secret, owner, clock, logger, onFenced } = this.#options;
    const client = await openNodeClient({ url, secret, clock, logger, owner, onFenced });
    if (this.#isClosed) await client.close();
    else this.#clients.set(url, client);
    return client;
  }

  async #leave(url: string): Promise<void> {
    const client = this.#clients.get(url);
    this.#clients.delete(url);
    await client?.close();
  }
}
