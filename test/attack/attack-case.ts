// One row of the table of hostile inputs, and the test that runs a table: each case is sent to a real server, its
// status and code compared, and the state afterwards compared with the state before.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorCode, type RawAnswer } from "../support/raw-http.ts";
import { type AttackLab, KEPT, startAttackLab, VICTIM } from "./attack-lab.ts";

export interface AttackCase {
  /** The row: S01 to S99. */
  readonly row: string;
  readonly name: string;
  /** The statuses and codes that are right; an empty code is not compared. */
  readonly answers: readonly (readonly [status: number, code: string])[];
  readonly send: (lab: AttackLab) => Promise<RawAnswer>;
  /** What else the answer must be. */
  readonly check?: (answer: RawAnswer, lab: AttackLab) => void;
}

/** The bytes that `putWith` sends, for headers that speak of them. */
export const OVERWRITING = "overwritten";

/** A signed overwrite of the object that must stay, with headers that must keep it from being one. */
export function putWith(
  row: string,
  name: string,
  answers: AttackCase["answers"],
  headers: Readonly<Record<string, string>>,
): AttackCase {
  const put = { method: "PUT", path: `/${VICTIM}/${KEPT}`, body: OVERWRITING, headers };
  return { row, name, answers, send: (lab) => lab.send(put) };
}

export function attackSuite(title: string, cases: readonly AttackCase[]): void {
  describe(title, () => {
    let lab: AttackLab;
    let before: unknown;
    beforeAll(async () => {
      lab = await startAttackLab();
      before = await lab.state();
    });
    afterAll(() => lab.stop());

    test.each(cases)("$row: $name", async ({ send, answers, check }) => {
      const answer = await send(lab);

      const found = `${answer.status} ${errorCode(answer)}`;
      const right = answers.map(([status, code]) =>
        code === "" ? `${status} ${errorCode(answer)}` : `${status} ${code}`,
      );
      expect(right, answer.body.slice(0, 500)).toContain(found);
      expect(answer.headers.get("x-amz-request-id")).toBeTruthy();
      check?.(answer, lab);
      expect(await lab.state()).toEqual(before);
    });
  });
}
