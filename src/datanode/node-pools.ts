// The connections to one data node for what is asked in HTTP: one pool for calls, one for downloads, which each keep a connection
// for as long as they last, and one connection for hellos: a node is not away because its drives are slow.

import { Pool } from "undici";

const CONNECT_TIMEOUT_MS = 2_000;
const CALL_CONNECTIONS = 64;
const DOWNLOAD_CONNECTIONS = 16;
/** Shorter than the node's, so that it is never the node that closes an idle connection first. */
const KEEP_ALIVE_MS = 30_000;

export class NodePools {
  readonly hellos: Pool;
  #calls: Pool;
  #downloads: Pool;
  readonly #url: string;
  readonly #onDisconnect: () => void;
  readonly #retired = new Set<Pool>();

  /** `onDisconnect` is called whenever a connection ends. */
  constructor(url: string, onDisconnect: () => void) {
    this.#url = url;
    this.#onDisconnect = onDisconnect;
    this.hellos = this.#makePool(1);
    this.#calls = this.#makePool(CALL_CONNECTIONS);
    this.#downloads = this.#makePool(DOWNLOAD_CONNECTIONS);
  }

  get calls(): Pool {
    return this.#calls;
  }

  get downloads(): Pool {
    return this.#downloads;
  }

  /**
   * Gives idle connections back; those in use end with what they are used for. undici opens a connection anew when
   * the request on it was given up, and a node that is away should not collect those.
   */
  renew(): void {
    for (const pool of [this.#calls, this.#downloads]) {
      this.#retired.add(pool);
      const forget = (): void => void this.#retired.delete(pool);
      pool.close().then(forget, forget);
    }
    this.#calls = this.#makePool(CALL_CONNECTIONS);
    this.#downloads = this.#makePool(DOWNLOAD_CONNECTIONS);
  }

  /** Cuts off everything. */
  async destroy(): Promise<void> {
    const pools = [this.hellos, this.#calls, this.#downloads, ...this.#retired];
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  #makePool(connections: number): Pool {
    const pool = new Pool(this.#url, {
      connections,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      connect: { timeout: CONNECT_TIMEOUT_MS },
    });
    pool.on("disconnect", this.#onDisconnect);
    return pool;
  }
}
