// What calls over HTTP said, in the words of a key's history.

import type { LabContext, Outcome } from "./calls.ts";
import { ABSENT, wrote, type KeyState, type Verdict } from "./history.ts";
import type { Write } from "./register.ts";
import { historyOf, type KeyValue, type LabKey } from "./world.ts";

export interface RecordedWrite {
  /** `expectedEtag`: what a condition asked for; null: nothing. */
  readonly end: (outcome: Outcome, expectedEtag: string | null | undefined) => void;
}

export function noteVerdict({ journal }: LabContext, key: LabKey, verdict: Verdict): void {
  if (verdict === "impossible") {
    journal.violation(`no order of these calls is possible; ${historyOf(key)}`);
  } else if (verdict === "too many orders") journal.note("histories with too many orders to try");
}

export function beginWrite(
  context: LabContext,
  key: LabKey,
  { op, value }: Write<KeyValue>,
): RecordedWrite {
  const { history } = key;
  const from = history.begin();
  const target = value === undefined ? ABSENT : op;
  if (value !== undefined) history.name(op, value.etag);
  const conclude = (outcome: Outcome, expected: string | null | undefined): Verdict => {
    const isMet = (state: KeyState): boolean =>
      expected === undefined || (history.etagOf(state) ?? null) === expected;
    const accepted = (state: KeyState): KeyState | undefined => (isMet(state) ? target : undefined);
    if (outcome.kind === "done") {
      return history.end(from, expected === undefined ? wrote(target) : accepted);
    }
    if (outcome.kind === "unknown") {
      history.lose(from, accepted);
      return "possible";
    }
    const isJudged =
      expected !== undefined && ["NoSuchKey", "PreconditionFailed"].includes(outcome.code);
    if (!isJudged) return history.drop();
    return history.end(from, (state) => (isMet(state) ? undefined : state));
  };
  return {
    end: (outcome, expected) => noteVerdict(context, key, conclude(outcome, expected)),
  };
}

/** What a read saw: an operation's value (0: nothing), or an ETag; undefined: it says nothing. */
type Seen = { readonly op: KeyState } | { readonly etag: string } | undefined;

export function beginRead(context: LabContext, key: LabKey): (what: Seen) => void {
  const { history } = key;
  const from = history.begin();
  return (what) => {
    const isIt = (state: KeyState): boolean => {
      if (what === undefined) return true;
      return "op" in what ? state === what.op : history.etagOf(state) === what.etag;
    };
    const verdict =
      what === undefined
        ? history.drop()
        : history.end(from, (state) => (isIt(state) ? state : undefined));
    noteVerdict(context, key, verdict);
  };
}
