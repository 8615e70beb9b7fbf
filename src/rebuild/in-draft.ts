// A draft of the metadata and what is gathered for it, open for as long as a piece of work takes.

import { ClaimStage } from "../metadata/sqlite/rebuild/claim-stage.ts";
import { DraftDatabase } from "../metadata/sqlite/rebuild/draft-database.ts";

export interface OpenDraft {
  readonly draft: DraftDatabase;
  readonly stage: ClaimStage;
}

/** When it resolves the draft is whole, durable and closed; what was gathered is removed, however the work ends. */
export async function inDraft<Result>(
  path: string,
  work: (open: OpenDraft) => Promise<Result>,
): Promise<Result> {
  const stage = new ClaimStage(`${path}.claims`);
  try {
    const draft = new DraftDatabase(path);
    try {
      const result = await work({ draft, stage });
      await draft.finish();
      return result;
    } catch (error) {
      draft.close();
      throw error;
    }
  } finally {
    stage.close();
  }
}
