// A drive of a data node as a member of the metadata: each method one call to the node. It has a link of its own, for
// it is made, from plain data, in the thread that writes the metadata.

import type { DriveId } from "../core/ids.ts";
import {
  JournalError,
  type Authority,
  type ChainPosition,
  type JournalErrorCode,
  type JournalMember,
  type MemberState,
  type SnapshotInfo,
} from "../journal/journal-member.ts";
import { BufferPool } from "../util/buffer-pool.ts";
import { realClock, type Clock } from "../util/clock.ts";
import {
  parseRecordFrames,
  parseState,
  renderRecords,
  renderRecordsQuery,
  renderSequence,
  renderSnapshotQuery,
  renderTruncation,
} from "./journal-messages.ts";
import { NodeLink, type NodeCall } from "./node-link.ts";
import {
  drivePath,
  JOURNAL_PATIENCE_MS,
  parseAnswer,
  type DRIVE_ROUTES,
  type NodeHello,
} from "./protocol.ts";
import { RemoteShardWriter, writeWhole, type WriteTarget } from "./remote-shard-writer.ts";
import { bodyDigest } from "./rpc-auth.ts";
import { ShardError, type ShardErrorCode } from "./shard-store.ts";
import { SnapshotCheck } from "./snapshot-check.ts";

const DEADLINE_MS_DEFAULT = 10_000;
const PATIENCE_MS = JOURNAL_PATIENCE_MS;
const RETRY_MS = 1_000;
const FRAME_BUFFER_BYTES = 320 * 1024;
const FRAME_BUFFERS_IDLE_MAX = 2;

/** A member on a data node, as plain data. */
export interface RemoteMemberSpec {
  readonly kind: "node";
  /** `http://host:port` */
  readonly url: string;
  /** The cluster secret. */
  readonly secret: string;
  readonly driveId: DriveId;
  readonly label: string;
}

export interface RemoteMemberOptions {
  readonly clock?: Clock | undefined;
  /** How long a call may take, and a snapshot may stand still, in milliseconds. */
  readonly deadlineMs?: number | undefined;
  /** How often a node that is away is asked whether it is back, in milliseconds. */
  readonly retryMs?: number | undefined;
}

/** Returns at once; a node that is away makes its calls fail. @throws RangeError when the secret is too short. */
export function openRemoteMember(
  spec: RemoteMemberSpec,
  options: RemoteMemberOptions = {},
): JournalMember {
  return new RemoteMember(spec, options);
}

const CODES: Readonly<Record<ShardErrorCode, JournalErrorCode>> = {
  Corrupt: "Corrupt",
  Denied: "Unavailable",
  Exists: "Unavailable",
  Fenced: "Fenced",
  Full: "Full",
  NotFound: "Unavailable",
  Unavailable: "Unavailable",
};

type JournalRoute = Extract<keyof typeof DRIVE_ROUTES, `journal${string}`>;
type Call = Omit<NodeCall, "path"> & { readonly query?: string };

class RemoteMember implements JournalMember {
  readonly driveId: DriveId;
  readonly label: string;
  readonly #link: NodeLink;
  readonly #buffers = new BufferPool({
    sizeBytes: FRAME_BUFFER_BYTES,
    idleMax: FRAME_BUFFERS_IDLE_MAX,
  });
  #nodeId: string | undefined;

  constructor({ url, secret, driveId, label }: RemoteMemberSpec, options: RemoteMemberOptions) {
    this.driveId = driveId;
    this.label = label;
    this.#link = new NodeLink({
      url,
      secret,
      clock: options.clock ?? realClock,
      deadlineMs: options.deadlineMs ?? DEADLINE_MS_DEFAULT,
      retryMs: options.retryMs ?? RETRY_MS,
      onHello: (hello) => this.#meet(hello),
      // The gateway's other link to the node says so in the log.
      onAway: () => undefined,
    });
  }

  async inspect(): Promise<MemberState> {
    const body = await this.#call("journal", { method: "GET", patienceMs: PATIENCE_MS });
    return this.#parse("the state of its journal", () => parseState(body));
  }

  async promise(owner: Authority): Promise<MemberState> {
    const call = { method: "POST", owner, patienceMs: PATIENCE_MS } as const;
    const body = await this.#call("journalPromise", call);
    return this.#parse("the state of its journal", () => parseState(body));
  }

  async append(owner: Authority, records: readonly Uint8Array[]): Promise<void> {
    if (records.length === 0) return;
    const body = renderRecords(records);
    const options = { owner, method: "POST", digest: bodyDigest(body) } as const;
    const target = this.#target(this.#path("journalRecords"));
    await this.#translated(() => writeWhole(target, [body], options));
  }

  async read(sequence: number, bytesMax: number): Promise<readonly Uint8Array[]> {
    const query = renderRecordsQuery({ sequence, bytesMax });
    const body = await this.#call("journalRecords", { method: "GET", query });
    return this.#parse("records", () => parseRecordFrames(body));
  }

  async truncate(owner: Authority, position: ChainPosition, clusterId: string): Promise<void> {
    const body = renderTruncation({ position, clusterId });
    const call = { method: "POST", owner, body, patienceMs: PATIENCE_MS } as const;
    await this.#call("journalTruncate", call);
  }

  async cut(owner: Authority, sequence: number): Promise<MemberState> {
    const call = { method: "POST", owner, body: renderSequence(sequence) } as const;
    const body = await this.#call("journalCut", call);
    return this.#parse("the state of its journal", () => parseState(body));
  }

  async writeSnapshot(
    owner: Authority,
    info: SnapshotInfo,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const path = this.#path("journalSnapshot") + renderSnapshotQuery(info);
    await this.#translated(async () => {
      const options = { owner, endPatienceMs: PATIENCE_MS };
      const writer = await RemoteShardWriter.begin(this.#target(path), options);
      try {
        for await (const chunk of bytes) await writer.append([chunk]);
        await writer.finish([]);
      } catch (error) {
        await writer.abort();
        throw error;
      }
    });
  }

  async *readSnapshot(info: SnapshotInfo): AsyncGenerator<Uint8Array> {
    const path = this.#path("journalSnapshot") + renderSnapshotQuery(info);
    const check = new SnapshotCheck(info, this.label);
    try {
      for await (const chunk of this.#link.download({ path, sizeBytes: info.sizeBytes })) {
        check.add(chunk);
        yield chunk;
      }
    } catch (error) {
      throw this.#errorOf(error);
    }
    check.end();
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  #meet({ nodeId, driveIds }: NodeHello): void {
    if (!driveIds.includes(this.driveId)) {
      throw new ShardError("Unavailable", `the node does not have the drive ${this.driveId} now`);
    }
    if (this.#nodeId !== undefined && this.#nodeId !== nodeId) {
      throw new ShardError("Unavailable", `the node at this address is another one: ${nodeId}`);
    }
    this.#nodeId = nodeId;
  }

  #target(path: string): WriteTarget {
    return { link: this.#link, path, buffers: this.#buffers };
  }

  #path(route: JournalRoute): string {
    return drivePath(route, this.driveId);
  }

  #call(route: JournalRoute, { query = "", ...call }: Call): Promise<Uint8Array> {
    return this.#translated(() => this.#link.call({ ...call, path: this.#path(route) + query }));
  }

  #parse<Value>(what: string, parse: () => Value): Value {
    try {
      return parseAnswer(what, parse);
    } catch (error) {
      throw this.#errorOf(error);
    }
  }

  async #translated<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw this.#errorOf(error);
    }
  }

  /** Other errors are bugs, or those of whoever makes the bytes of a snapshot, and stay themselves. */
  #errorOf(error: unknown): unknown {
    if (!(error instanceof ShardError)) return error;
    const words = `${this.label}: ${error.message}`;
    return new JournalError(CODES[error.code], words, { cause: error });
  }
}
