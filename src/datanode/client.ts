// A gateway's way to the drives of one data node. It can be opened while the node is away: what the gateway remembers
// of the node makes its drives known at once, and they answer Unavailable until the node is there.
// Invariant: what a node is, its id and its drives, is learned once; what differs later is refused or reported in
// words, never acted upon.

import type { DriveId } from "../core/ids.ts";
import type { Authority, MemberState } from "../journal/journal-member.ts";
import { silentLogger, type Logger } from "../telemetry/logger.ts";
import { BufferPool } from "../util/buffer-pool.ts";
import { realClock, type Clock } from "../util/clock.ts";
import { parseOwners, parseState } from "./journal-messages.ts";
import { NodeLink } from "./node-link.ts";
import { NODE_LIST_FILE, parseNodeList, renderNodeList, type NodeList } from "./node-list.ts";
import {
  drivePath,
  JOURNAL_PATIENCE_MS,
  OWNERS_PATH,
  parseAnswer,
  type NodeHello,
} from "./protocol.ts";
import { RemoteDrive } from "./remote-drive.ts";
import { ShardError, type ShardStore } from "./shard-store.ts";

const DEADLINE_MS_DEFAULT = 10_000;
const DEADLINE_MS_MAX = 15_000;
const RETRY_MS_DEFAULT = 1_000;
/** Room for the units of several stripes with their checksums. */
const FRAME_BUFFER_BYTES = 320 * 1024;
const FRAME_BUFFERS_IDLE_MAX = 8;

/** What a node is, as a gateway may remember it. */
interface KnownNode {
  readonly nodeId: string;
  readonly driveIds: readonly DriveId[];
  /** What fails together with it; undefined: it alone, as far as it was told. */
  readonly zone?: string | undefined;
}

export interface NodeClientOptions {
  /** `http://host:port`, without a path. */
  readonly url: string;
  /** The cluster secret. */
  readonly secret: string;
  /** What the node was found to be at an earlier time. */
  readonly expected?: KnownNode | undefined;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** How long a call may take, and a write may stand still, in milliseconds: at most 15,000. */
  readonly deadlineMs?: number;
  /** How often a node that is away is asked whether it is back, in milliseconds. */
  readonly retryMs?: number;
  /** For whom shards are written and deleted; undefined: for nobody that could be fenced off. */
  readonly owner?: (() => Authority | undefined) | undefined;
  /** Hears that a drive has promised itself to another gateway: this one must not go on. */
  readonly onFenced?: ((error: ShardError) => void) | undefined;
}

export interface NodeClient {
  readonly url: string;
  /** What the node is; undefined until it was there once, unless it was expected. */
  readonly known: KnownNode | undefined;
  /** One for each drive of the node; empty until they are known. */
  readonly drives: readonly ShardStore[];
  /** Why the node cannot be used, in words; undefined while nothing is known against it. */
  readonly problem: string | undefined;
  /** Resolves to the drives when the node is there; waits for it as long as it takes, until `close`. */
  ready(): Promise<readonly ShardStore[]>;
  /** One of the drives once more, to be closed by itself; undefined: the node has, as far as is known, no such drive. */
  openDrive(driveId: DriveId): ShardStore | undefined;
  /** Calls back once, when the drives are known: at once where they are already. */
  onDrives(listener: (drives: readonly ShardStore[]) => void): void;
  /** To whom each drive of the node is promised that keeps a journal. @throws ShardError */
  owners(): Promise<ReadonlyMap<string, Authority | undefined>>;
  /** What a drive holds of the metadata. @throws ShardError */
  inspectJournal(driveId: DriveId): Promise<MemberState>;
  /** Has a drive that is no member promise itself too. @throws ShardError Fenced */
  promise(driveId: DriveId, authority: Authority): Promise<void>;
  /** Which nodes the cluster has, as a drive was told; undefined: it was told nothing. @throws ShardError */
  readNodeList(driveId: DriveId): Promise<NodeList | undefined>;
  /** Durable when it resolves. @throws ShardError */
  writeNodeList(driveId: DriveId, list: NodeList): Promise<void>;
  /** Cuts off what is under way. */
  close(): Promise<void>;
}

/**
 * Opens the way to a node and asks for it once; resolves whether or not it is there, within a few seconds.
 * @throws RangeError when the secret is too short; TypeError when the URL is none.
 */
export async function openNodeClient(options: NodeClientOptions): Promise<NodeClient> {
  const client = new HttpNodeClient(options);
  await client.greet();
  return client;
}

interface Waiting {
  readonly resolve: (drives: readonly ShardStore[]) => void;
  readonly reject: (error: Error) => void;
}

class HttpNodeClient implements NodeClient {
  readonly url: string;
  readonly #link: NodeLink;
  readonly #logger: Logger;
  readonly #buffers = new BufferPool({
    sizeBytes: FRAME_BUFFER_BYTES,
    idleMax: FRAME_BUFFERS_IDLE_MAX,
  });
  #known: KnownNode | undefined;
  #drives: readonly ShardStore[] = [];
  #present: ReadonlySet<DriveId> = new Set();
  #listeners: ((drives: readonly ShardStore[]) => void)[] = [];
  #waiting: Waiting[] = [];
  #isClosed = false;

  constructor(options: NodeClientOptions) {
    const { clock = realClock, logger = silentLogger, expected, secret } = options;
    this.url = parseNodeUrl(options.url);
    this.#logger = logger;
    this.#link = new NodeLink({
      url: this.url,
      secret,
      clock,
      deadlineMs: Math.min(options.deadlineMs ?? DEADLINE_MS_DEFAULT, DEADLINE_MS_MAX),
      retryMs: options.retryMs ?? RETRY_MS_DEFAULT,
      onHello: (hello) => this.#meet(hello),
      onAway: (problem) => logger.warn({ node: this.url, problem }, "a data node is away"),
      owner: options.owner,
      onFenced: options.onFenced,
    });
    if (expected !== undefined) this.#learn(expected);
  }

  get known(): KnownNode | undefined {
    return this.#known;
  }

  get drives(): readonly ShardStore[] {
    return this.#drives;
  }

  get problem(): string | undefined {
    return this.#link.problem;
  }

  async greet(): Promise<void> {
    await this.#link.greet();
  }

  ready(): Promise<readonly ShardStore[]> {
    if (this.#isClosed) return Promise.reject(closedError(this.url));
    if (this.#link.isUp) return Promise.resolve(this.#drives);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      void this.#link.greet();
    });
  }

  openDrive(driveId: DriveId): ShardStore | undefined {
    return this.#known?.driveIds.includes(driveId) === true ? this.#makeDrive(driveId) : undefined;
  }

  onDrives(listener: (drives: readonly ShardStore[]) => void): void {
    if (this.#known === undefined) this.#listeners.push(listener);
    else listener(this.#drives);
  }

  async owners(): Promise<ReadonlyMap<string, Authority | undefined>> {
    const body = await this.#link.call({ method: "GET", path: OWNERS_PATH });
    return parseAnswer("its owners", () => parseOwners(body));
  }

  async inspectJournal(driveId: DriveId): Promise<MemberState> {
    const path = drivePath("journal", driveId);
    const call = { method: "GET", path, patienceMs: JOURNAL_PATIENCE_MS } as const;
    const body = await this.#link.call(call);
    return parseAnswer("the state of a journal", () => parseState(body));
  }

  async promise(driveId: DriveId, owner: Authority): Promise<void> {
    const path = drivePath("journalPromise", driveId);
    await this.#link.call({ method: "POST", path, owner, patienceMs: JOURNAL_PATIENCE_MS });
  }

  async readNodeList(driveId: DriveId): Promise<NodeList | undefined> {
    const path = drivePath("nodes", driveId);
    try {
      const body = await this.#link.call({ method: "GET", path });
      return parseNodeList(body, `${this.url}, ${NODE_LIST_FILE}`);
    } catch (error) {
      if (error instanceof ShardError && error.code === "NotFound") return undefined;
      if (error instanceof ShardError) throw error;
      // Damaged, or a newer program's.
      const words = `${this.url}: its list of nodes cannot be read: ${String(error)}`;
      throw new ShardError("Unavailable", words, { cause: error });
    }
  }

  async writeNodeList(driveId: DriveId, list: NodeList): Promise<void> {
    const path = drivePath("nodes", driveId);
    await this.#link.call({ method: "POST", path, body: renderNodeList(list) });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const waiting = this.#takeWaiting();
    await this.#link.close();
    for (const { reject } of waiting) reject(closedError(this.url));
  }

  /** Compares what the node says with what is known. @throws ShardError Unavailable when it is another node. */
  #meet(hello: NodeHello): void {
    const { nodeId, driveIds, zone } = hello;
    if (this.#known !== undefined && this.#known.nodeId !== nodeId) {
      throw new ShardError(
        "Unavailable",
        `the node at this address is ${nodeId}, but ${this.#known.nodeId} belongs here: nothing is read from or written to it`,
      );
    }
    const known = this.#known ?? this.#learn({ nodeId, driveIds, zone });
    // What fails together with it may be another thing than it was.
    if (zone !== known.zone) this.#known = { ...known, zone };
    this.#present = new Set(driveIds);
    this.#report(known, driveIds);
    // The link is up once this has returned, and waiters run after that.
    for (const { resolve } of this.#takeWaiting()) resolve(this.#drives);
  }

  #learn(known: KnownNode): KnownNode {
    this.#known = known;
    this.#drives = known.driveIds.map((driveId) => this.#makeDrive(driveId));
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener(this.#drives);
    return known;
  }

  #makeDrive(driveId: DriveId): ShardStore {
    return new RemoteDrive({
      link: this.#link,
      driveId,
      label: `${this.url} drive ${driveId}`,
      buffers: this.#buffers,
      check: () => this.#checkPresent(driveId),
    });
  }

  #report(known: KnownNode, driveIds: readonly DriveId[]): void {
    const missing = known.driveIds.filter((id) => !this.#present.has(id));
    const unknown = driveIds.filter((id) => !known.driveIds.includes(id));
    if (missing.length + unknown.length === 0) {
      this.#logger.info({ node: this.url, nodeId: known.nodeId }, "a data node is there");
    } else {
      this.#logger.warn(
        { node: this.url, nodeId: known.nodeId, missing, unknown },
        "a data node has other drives than it had; unknown ones are not used",
      );
    }
  }

  #checkPresent(driveId: DriveId): void {
    if (this.#link.isUp && !this.#present.has(driveId)) {
      throw new ShardError("Unavailable", `${this.url} no longer has the drive ${driveId}`);
    }
  }

  #takeWaiting(): readonly Waiting[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}

/** @throws TypeError */
function parseNodeUrl(text: string): string {
  const url = new URL(text);
  const isPlain =
    url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (!isPlain || !["http:", "https:"].includes(url.protocol)) {
    throw new TypeError(`a data node's URL is like http://host:port, not ${text}`);
  }
  return url.origin;
}

function closedError(url: string): ShardError {
  return new ShardError("Unavailable", `the connection to ${url} is closed`);
}
