// Whether this gateway still is the one that the drives are promised to. It asks the nodes every second. What a gateway
// answers is right only while that holds, so it answers nothing once it has not been confirmed for a while: one that was
// stopped, and wakes after another has taken over, must not tell what was true before.
// Invariant: a gateway that hears of a later one ends; it never takes the drives back while it runs.

import type { DriveId } from "../core/ids.ts";
import type { NodeClient } from "../datanode/client.ts";
import type { Authority } from "../journal/journal-member.ts";
import type { JournalReport } from "../metadata/metadata-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";

type Node = Pick<NodeClient, "owners" | "promise" | "url">;

export interface OwnershipOptions {
  /** The nodes as they are now. */
  readonly clients: () => readonly Node[];
  /** Names this process: 16 hex digits. */
  readonly owner: string;
  /** How the members are doing; undefined while that is not known. */
  readonly report: () => JournalReport | undefined;
  /** Called once, in words: another gateway has taken over. */
  readonly onFenced: (words: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

const ASK_EVERY_MS = 1_000;
/** How long a confirmation holds, in milliseconds: so long an earlier gateway may still answer after a takeover. */
export const CONFIRMATION_MS = 5_000;
/** The question at the start waits no longer for those that hang. */
const FIRST_MS = 3_000;

export class Ownership {
  readonly #options: OwnershipOptions;
  /** When each drive was last asked that said that it is promised to this process, in monotonic milliseconds. */
  readonly #ownAt = new Map<string, number>();
  readonly #asked = new Set<Node>();
  readonly #claimed = new Set<string>();
  #isFenced = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OwnershipOptions) {
    this.#options = options;
  }

  /** Whether requests may be answered now. Never trusts a timer: a process that was stopped finds its timers late. */
  get isConfirmed(): boolean {
    return this.confirmedUntil > this.#options.clock.monotonic();
  }

  /** Until when requests may be answered, as far as is known now, in monotonic milliseconds. */
  get confirmedUntil(): number {
    const report = this.#options.report();
    if (this.#isFenced || report === undefined) return Number.NEGATIVE_INFINITY;
    const times = report.members.map(
      ({ driveId }) => this.#ownAt.get(driveId) ?? Number.NEGATIVE_INFINITY,
    );
    times.sort((one, two) => two - one);
    return (times[neededCount(report) - 1] ?? Number.NEGATIVE_INFINITY) + CONFIRMATION_MS;
  }

  /** What changes of shards are signed with; undefined until the metadata has been opened. */
  get authority(): Authority | undefined {
    const epoch = this.#options.report()?.epoch;
    return epoch === undefined ? undefined : { epoch, owner: this.#options.owner };
  }

  /** Asks now, and every second from then on; resolves when there were answers, or time enough for them. */
  async start(): Promise<void> {
    const answers = this.#askAll();
    this.#timer = setInterval(() => void this.#askAll(), ASK_EVERY_MS);
    this.#timer.unref();
    await Promise.race([answers, delay(FIRST_MS)]);
  }

  /** A drive, or the writer of the metadata, says that another gateway has taken over. */
  fence(words: string): void {
    if (this.#isFenced || this.#isClosed) return;
    this.#isFenced = true;
    this.close();
    this.#options.onFenced(`another gateway has taken over: ${words}`);
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  /** Never rejects. One that hangs is not asked again before it has answered, and holds nobody up. */
  async #askAll(): Promise<void> {
    const idle = this.#options.clients().filter((client) => !this.#asked.has(client));
    await Promise.all(idle.map((client) => this.#ask(client)));
  }

  /** An answer holds from the moment of the question on: then it was still to come. */
  async #ask(client: Node): Promise<void> {
    const askedAt = this.#options.clock.monotonic();
    this.#asked.add(client);
    try {
      for (const [driveId, promised] of await client.owners()) {
        if (this.#isClosed) return;
        if (this.#isOwn(client, promised)) this.#ownAt.set(driveId, askedAt);
        else void this.#claim(client, driveId as DriveId);
      }
    } catch (error) {
      this.#options.logger.debug({ err: error, node: client.url }, "a node names no owner");
    } finally {
      this.#asked.delete(client);
    }
  }

  #isOwn({ url }: Node, promised: Authority | undefined): boolean {
    const { authority } = this;
    if (promised === undefined || authority === undefined) return false;
    if (promised.owner === authority.owner) return true;
    if (promised.epoch > authority.epoch) {
      this.fence(`a drive of ${url} is promised to it for epoch ${promised.epoch}`);
    }
    return false;
  }

  /** Drives that are no members promise themselves too, so that an earlier gateway deletes nothing on them. */
  async #claim(client: Node, driveId: DriveId): Promise<void> {
    const report = this.#options.report();
    const { authority } = this;
    const isMember = report?.members.some((member) => member.driveId === driveId) === true;
    if (authority === undefined || isMember || this.#claimed.has(driveId)) return;
    this.#claimed.add(driveId);
    try {
      await client.promise(driveId, authority);
    } catch (error) {
      // It is asked again in a second; a later gateway makes itself known then.
      this.#options.logger.debug({ err: error, driveId }, "a drive does not promise itself");
    } finally {
      this.#claimed.delete(driveId);
    }
  }
}

/**
 * So many members must say so for no other gateway to have come to the number that a start takes. Two drives can never
 * tell: with one away the other still serves reads.
 */
function neededCount({ members, quorum }: JournalReport): number {
  return members.length <= 2 ? 1 : quorum;
}

function delay(timeMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, timeMs).unref();
  });
}
