// What the commands read of `GET /v1/status` (docs/ADMIN.md). The server may say more; what is absent of what may be absent
// was not known.

import type { HealAnswer } from "./heal-answer.ts";

interface Space {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly freeInodes?: number;
  readonly totalInodes?: number;
}

export interface DriveAnswer {
  readonly driveId: string;
  readonly label?: string;
  readonly state: string;
  readonly device?: string;
  readonly space?: Space;
  readonly readMs?: number;
}

interface MemberAnswer {
  readonly label: string;
  readonly state: string;
  readonly sequence: number;
}

export interface StatusAnswer {
  readonly version: string;
  readonly endpoint: string;
  readonly uptimeSeconds: number;
  readonly isWell: boolean;
  readonly isWritable: boolean;
  readonly problems: readonly string[];
  readonly remarks: readonly string[];
  readonly geometry: { readonly dataShards: number; readonly parityShards: number };
  readonly writeQuorum: number;
  readonly disks: {
    readonly count: number;
    readonly mayFailBeforeLoss: number;
    readonly mayFailBeforeOutage: number;
    readonly drivesMayBeLost: number;
  };
  readonly drives: readonly DriveAnswer[];
  readonly totals: {
    readonly buckets: number;
    readonly objects: number;
    readonly objectBytes: number;
    readonly openUploads: number;
    readonly sets: number;
    readonly packs: number;
    readonly degradedSets: number;
    readonly trashedSets: number;
  };
  readonly quotas?: readonly {
    readonly bucket: string;
    readonly quotaBytes: number;
    readonly objectBytes: number;
  }[];
  readonly journal?: {
    readonly epoch: number;
    readonly sequence: number;
    readonly members: readonly MemberAnswer[];
  };
  readonly metadata: { readonly space?: Space };
  readonly workers: readonly { readonly name: string; readonly state: string }[];
  readonly healing?: Pick<HealAnswer, "degraded" | "rateBytes" | "secondsLeft" | "state">;
  readonly jobs: readonly { readonly name: string; readonly startedAt: string }[];
}

/** Whether an answer has what every version's has had. */
export function isStatusAnswer(value: unknown): value is StatusAnswer {
  if (typeof value !== "object" || value === null) return false;
  const lists = ["problems", "remarks", "drives", "workers", "jobs"];
  const objects = ["geometry", "disks", "totals", "metadata"];
  const fields = new Map<string, unknown>(Object.entries(value));
  return (
    lists.every((name) => Array.isArray(fields.get(name))) &&
    objects.every((name) => typeof fields.get(name) === "object" && fields.get(name) !== null) &&
    typeof fields.get("isWell") === "boolean"
  );
}
