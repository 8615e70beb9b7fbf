// A drive of this node as a member of the metadata, and the fence around its shards: once the drive has promised itself
// to a gateway, changes that another one asks for are refused, until a higher epoch comes along.
// Invariant: the journal's calls come one at a time, whatever gateways do; as long as it is unknown to whom the drive is
// promised, nothing on it is changed.

import {
  JournalError,
  type Authority,
  type JournalMember,
  type MemberState,
} from "../journal/journal-member.ts";
import type { Clock } from "../util/clock.ts";
import { Limiter, LimiterFullError } from "../util/limiter.ts";
import { ShardError } from "./shard-store.ts";

/** Calls that wait for their turn: those of one gateway, and of another one that takes over. */
const QUEUE_MAX = 64;
/** How soon a journal that could not be read is looked at again. */
const RETRY_MS = 1_000;

/** What a node needs to have a drive of it be a member. */
export interface DriveJournal {
  readonly member: JournalMember;
  /** To whom it is promised: quicker to find out than by an inspection. @throws when that cannot be read. */
  readonly readPromised?: (() => Promise<Authority | undefined>) | undefined;
  /** Where the drive keeps which nodes the cluster has. */
  readonly nodeList?: NodeListFile | undefined;
}

/** A file of the drive. */
export interface NodeListFile {
  /** Undefined where there is none. */
  readonly read: () => Promise<Uint8Array | undefined>;
  /** Replaces it; durable when it resolves. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

export class NodeJournal {
  /** For reading, and for snapshots, which may be written beside other calls. */
  readonly member: JournalMember;
  readonly nodeList: NodeListFile | undefined;
  readonly #readPromised: () => Promise<Authority | undefined>;
  readonly #clock: Clock;
  readonly #turns = new Limiter({ concurrency: 1, queueMax: QUEUE_MAX });
  /** To whom the drive is promised, durably. */
  #promised: Authority | undefined;
  /** The highest epoch of which it has heard: it may be ahead of what is promised while a member is behind. */
  #heard: Authority | undefined;
  #isKnown = false;
  #learning: Promise<void> | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  #problem = "";

  constructor({ member, nodeList, readPromised }: DriveJournal, clock: Clock) {
    this.member = member;
    this.nodeList = nodeList;
    this.#readPromised = readPromised ?? (async () => (await member.inspect()).promised);
    this.#clock = clock;
  }

  /** Undefined: to nobody yet. @throws ShardError Unavailable when that cannot be found out. */
  async promised(): Promise<Authority | undefined> {
    await this.#known();
    return this.#promised;
  }

  /**
   * Whether the owner that a request names may change the drive's shards: no promise when it may, and is known to.
   * @throws ShardError Fenced, or Unavailable when it cannot be told.
   */
  admit(owner: Authority | undefined): Promise<void> | undefined {
    if (!this.#isKnown) return this.#known().then(() => this.#admit(owner));
    this.#admit(owner);
    return undefined;
  }

  inspect(): Promise<MemberState> {
    return this.turn(async () => this.#note(await this.member.inspect()));
  }

  promise(authority: Authority): Promise<MemberState> {
    return this.turn(async () => this.#note(await this.member.promise(authority)));
  }

  /** Runs a call of the journal when its turn has come. @throws JournalError Unavailable when too many wait. */
  async turn<Value>(call: () => Promise<Value>): Promise<Value> {
    try {
      return await this.#turns.run(call);
    } catch (error) {
      if (!(error instanceof LimiterFullError)) throw error;
      const words = `${this.member.label}: too many calls wait for its journal`;
      throw new JournalError("Unavailable", words, { cause: error });
    }
  }

  #admit(owner: Authority | undefined): void {
    const standing = this.#heard ?? this.#promised;
    if (owner === undefined && standing === undefined) return;
    const isOlder = owner === undefined || owner.epoch < (standing?.epoch ?? 0);
    const isOther = standing !== undefined && owner?.owner !== standing.owner;
    if (isOther && (isOlder || owner.epoch === standing.epoch)) throw fenced(standing);
    if (!isOlder) this.#heard = owner;
  }

  #note(state: MemberState): MemberState {
    this.#notePromised(state.promised);
    return state;
  }

  #notePromised(promised: Authority | undefined): void {
    this.#promised = promised;
    if ((promised?.epoch ?? 0) >= (this.#heard?.epoch ?? 0)) this.#heard = promised;
    this.#isKnown = true;
  }

  #known(): Promise<void> {
    if (this.#isKnown) return Promise.resolve();
    this.#learning ??= this.#learn().finally(() => (this.#learning = undefined));
    return this.#learning;
  }

  async #learn(): Promise<void> {
    if (this.#clock.monotonic() - this.#failedAt >= RETRY_MS) {
      try {
        await this.turn(async () => this.#notePromised(await this.#readPromised()));
        return;
      } catch (error) {
        this.#failedAt = this.#clock.monotonic();
        this.#problem = error instanceof Error ? error.message : String(error);
      }
    }
    const words = `it is unknown to which gateway the drive is promised: ${this.#problem}`;
    throw new ShardError("Unavailable", words);
  }
}

function fenced({ epoch }: Authority): ShardError {
  return new ShardError("Fenced", `another gateway has taken over, with epoch ${epoch}`);
}
