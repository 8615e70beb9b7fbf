// The members of the metadata as the writer has them open, whether or not they have a say now.

import type { DriveId } from "../../core/ids.ts";
import type { JournalMember } from "../../journal/journal-member.ts";
import type { MemberGroup } from "../members/member-group.ts";
import { openMember, type MemberSpec } from "../members/member-spec.ts";
import { isSameRoster, nextRoster, type Roster } from "../members/roster.ts";
import type { MembersChange } from "./write-protocol.ts";

type MembersState = "behind" | "ready" | "same";

type OpenMember = (spec: MemberSpec) => Promise<JournalMember>;

/** How long a drive that is to be a member is brought up to date for; then it is asked for again. */
const LEARN_MS_MAX = 10 * 60_000;
const LEARN_EVERY_MS = 100;

export class HostMembers {
  readonly #open: OpenMember;
  #members: readonly JournalMember[] = [];
  #specs: readonly MemberSpec[] = [];
  /** One change after the other: each opens and lets go of members by what there is. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(open: OpenMember = openMember) {
    this.#open = open;
  }

  get all(): readonly JournalMember[] {
    return this.#members;
  }

  get specs(): readonly MemberSpec[] {
    return this.#specs;
  }

  /** In the order of the drives; others last. */
  inOrder(drives: readonly DriveId[]): readonly JournalMember[] {
    const order = new Map(drives.map((driveId, index) => [driveId, index]));
    const placeOf = ({ driveId }: JournalMember): number => order.get(driveId) ?? order.size;
    return this.#members.toSorted((a, b) => placeOf(a) - placeOf(b));
  }

  /** Undefined when it is there already. */
  async add(spec: MemberSpec): Promise<JournalMember | undefined> {
    if (this.#specs.some(({ driveId }) => driveId === spec.driveId)) return undefined;
    this.#specs = [...this.#specs, spec];
    const member = await this.#open(spec);
    this.#members = [...this.#members, member];
    return member;
  }

  /**
   * Drives have come or gone. "same": whoever has a say has it still. "ready": those that are to have one in the next epoch
   * hold what the group holds. "behind": they do not in time, or `hasEnded` says that nobody wants it any more.
   */
  change(
    group: MemberGroup,
    change: MembersChange,
    hasEnded: () => boolean,
  ): Promise<MembersState> {
    const changing = this.#changing.then(() => this.#change(group, change, hasEnded));
    this.#changing = changing.catch(() => undefined);
    return changing;
  }

  async #change(
    group: MemberGroup,
    { drives, specs, toleratedCount }: MembersChange,
    hasEnded: () => boolean,
  ): Promise<MembersState> {
    if (hasEnded()) return "behind";
    for (const spec of specs) {
      const member = await this.#take(spec, group);
      if (member !== undefined) group.add(member, undefined);
    }
    await this.#leaveOut(group, new Set(specs.map(({ driveId }) => driveId)));
    const present = new Set(specs.map(({ driveId }) => driveId));
    const roster = nextRoster(group.roster, drives, present, toleratedCount);
    if (isSameRoster(roster, group.roster)) return "same";
    return (await this.#learn(group, roster, hasEnded)) ? "ready" : "behind";
  }

  /** As `add`; one that is reached in another way than before is opened anew. */
  async #take(spec: MemberSpec, group: MemberGroup): Promise<JournalMember | undefined> {
    const known = this.#specs.find(({ driveId }) => driveId === spec.driveId);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(spec)) {
      const old = this.#members.find(({ driveId }) => driveId === spec.driveId);
      this.#specs = this.#specs.filter((each) => each !== known);
      this.#members = this.#members.filter((each) => each !== old);
      group.drop(spec.driveId);
      await old?.close().catch(() => undefined);
    }
    return this.add(spec);
  }

  /** Drives that were taken out, and have no say, are let go of. */
  async #leaveOut(group: MemberGroup, stay: ReadonlySet<DriveId>): Promise<void> {
    const isGone = ({ driveId }: { readonly driveId: DriveId }): boolean =>
      !stay.has(driveId) && !group.roster.members.includes(driveId);
    const gone = this.#members.filter(isGone);
    this.#specs = this.#specs.filter((spec) => !isGone(spec));
    this.#members = this.#members.filter((member) => !isGone(member));
    for (const { driveId } of gone) group.drop(driveId);
    await Promise.allSettled(gone.map((member) => member.close()));
  }

  async #learn(group: MemberGroup, { members }: Roster, hasEnded: () => boolean): Promise<boolean> {
    for (const member of this.#members) if (members.includes(member.driveId)) group.learn(member);
    for (let waitedMs = 0; !hasEnded() && waitedMs < LEARN_MS_MAX; waitedMs += LEARN_EVERY_MS) {
      if (members.every((driveId) => group.isUpToDate(driveId))) return true;
      await new Promise((resolve) => void setTimeout(resolve, LEARN_EVERY_MS).unref());
    }
    return false;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#members.map((member) => member.close()));
  }
}
