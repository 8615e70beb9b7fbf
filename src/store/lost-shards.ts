// Notes lost shards in the metadata, which is the queue of repair. A note that is under way is not made a second time: of
// a thousand requests that meet the same bad shard one writes. Bounded: what is not noted now is met again.

import type { SetId } from "../core/ids.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { Logger } from "../telemetry/logger.ts";

/** Notes under way: requests wait in the same queue. */
const NOTES_MAX = 200;

export interface LostShardsOptions {
  readonly metadata: MetadataStore;
  readonly logger: Logger;
}

export class LostShards {
  readonly #options: LostShardsOptions;
  readonly #underWay = new Map<string, Promise<void>>();
  #whenNoted: () => void = () => undefined;

  constructor(options: LostShardsOptions) {
    this.#options = options;
  }

  /** Calls back whenever one has been noted. */
  onNoted(listener: () => void): void {
    this.#whenNoted = listener;
  }

  /** Somebody else has noted some. */
  announce(): void {
    this.#whenNoted();
  }

  note(setId: SetId, index: number): void {
    const key = `${setId}.${index}`;
    if (this.#underWay.has(key) || this.#underWay.size >= NOTES_MAX) return;
    const { logger, metadata } = this.#options;
    const noting = metadata.noteMissing(setId, [index]).then(
      () => this.#whenNoted(),
      (err: unknown) => {
        logger.error({ err, setId, shard: index }, "a lost shard could not be noted");
      },
    );
    this.#underWay.set(
      key,
      noting.finally(() => this.#underWay.delete(key)),
    );
  }

  /** Resolves when all that is under way is noted. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }
}
