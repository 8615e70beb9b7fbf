// What `kintsugi heal` reads of `GET /v1/heal` (docs/ADMIN.md). The server may say more.

export interface HealAnswer {
  readonly state: string;
  readonly isUnthrottled: boolean;
  readonly degraded: {
    readonly sets: number;
    readonly bytes: number;
    readonly bySpare: readonly { readonly spareCount: number; readonly sets: number }[];
    readonly isMore: boolean;
  };
  readonly waitingSets: number;
  readonly failing: {
    readonly sets: number;
    readonly first: readonly {
      readonly setId: string;
      readonly kind: string;
      readonly words: string;
      readonly triedCount: number;
      readonly secondsLeft: number;
    }[];
  };
  readonly done: {
    readonly sets: number;
    readonly rebuiltShards: number;
    readonly writtenBytes: number;
  };
  readonly rateBytes: number;
  readonly secondsLeft?: number;
  readonly renewedDrives: readonly {
    readonly driveId: string;
    readonly label?: string;
    readonly setCount: number;
    readonly missingCount: number;
    readonly isDone: boolean;
  }[];
  readonly scrub: {
    readonly isOff?: boolean;
    readonly startedAt?: number;
    readonly lookedAtSets: number;
    readonly passCount: number;
    readonly lostShards: number;
    readonly problemSets: number;
  };
}

/** Whether an answer has what every version's has. */
export function isHealAnswer(value: unknown): value is HealAnswer {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const objects = ["degraded", "done", "failing", "scrub"];
  return (
    objects.every((name) => typeof fields.get(name) === "object" && fields.get(name) !== null) &&
    Array.isArray(fields.get("renewedDrives")) &&
    typeof fields.get("state") === "string"
  );
}
