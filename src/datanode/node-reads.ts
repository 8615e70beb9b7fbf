// The reads of one node: the channels of each of its drives.

import type { ReadChannel, ShardRead } from "./read-channel.ts";
import { ReadChannels, type ReadChannelsOptions } from "./read-channels.ts";

export interface NodeReadsOptions extends Omit<ReadChannelsOptions, "open"> {
  /** Opens the channel that a path names. @throws ShardError */
  readonly open: (path: string, onClose: (channel: ReadChannel) => void) => Promise<ReadChannel>;
}

export class NodeReads {
  readonly #options: NodeReadsOptions;
  readonly #byPath = new Map<string, ReadChannels>();

  constructor(options: NodeReadsOptions) {
    this.#options = options;
  }

  /** @throws ShardError */
  read(path: string, read: ShardRead): Promise<void> {
    let channels = this.#byPath.get(path);
    if (channels === undefined) {
      const open: ReadChannelsOptions["open"] = (onClose) => this.#options.open(path, onClose);
      channels = new ReadChannels({ ...this.#options, open });
      this.#byPath.set(path, channels);
    }
    return channels.read(read);
  }

  /** Closes what is not in use, and ends what waits. */
  renew(): void {
    for (const channels of this.#byPath.values()) channels.renew();
  }

  /** Cuts off everything. */
  close(): void {
    for (const channels of this.#byPath.values()) channels.close();
  }
}
