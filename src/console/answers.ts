// What the page reads of the admin API's answers. The page imports nothing from the server; a test compares these types
// with the server's own, and docs/ADMIN.md names the OpenAPI document that says all of it.

export interface Space {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface DriveAnswer {
  readonly driveId: string;
  readonly label?: string | undefined;
  readonly state: string;
  readonly device?: string | undefined;
  readonly space?: Space | undefined;
  readonly calls?:
    | { readonly errorCount: number; readonly lastError?: string | undefined }
    | undefined;
  readonly readMs?: number | undefined;
}

/** How drives come and go. */
export interface DrivesAnswer {
  readonly drives: readonly {
    readonly driveId: string;
    readonly role: string;
    readonly sharePerMille: number;
  }[];
  readonly change: {
    readonly phase: string;
    readonly seenSets: number;
    readonly totalSets: number;
    readonly movedShards: number;
    readonly rateBytes: number;
    readonly waitingSets: number;
    readonly problem?: string | undefined;
  };
}

export interface HealingAnswer {
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
    readonly first: readonly { readonly setId: string; readonly words: string }[];
  };
  readonly done: { readonly sets: number; readonly writtenBytes: number };
  readonly rateBytes: number;
  readonly secondsLeft?: number | undefined;
  readonly renewedDrives: readonly {
    readonly driveId: string;
    readonly label?: string | undefined;
    readonly setCount: number;
    readonly isDone: boolean;
  }[];
  readonly scrub: {
    readonly isOff?: boolean | undefined;
    readonly startedAt?: number | undefined;
    readonly lookedAtSets: number;
    readonly passCount: number;
    readonly lostShards: number;
  };
}

export interface MemberAnswer {
  readonly label: string;
  readonly state: string;
  readonly sequence: number;
  readonly problem?: string | undefined;
}

export interface StatusAnswer {
  readonly version: string;
  readonly endpoint: string;
  readonly uptimeSeconds: number;
  readonly isWell: boolean;
  readonly problems: readonly string[];
  readonly remarks: readonly string[];
  readonly isWritable: boolean;
  readonly disks: {
    readonly count: number;
    readonly mayFailBeforeLoss: number;
    readonly mayFailBeforeOutage: number;
    readonly drivesMayBeLost: number;
  };
  readonly geometry: { readonly dataShards: number; readonly parityShards: number };
  readonly drives: readonly DriveAnswer[];
  readonly totals: {
    readonly buckets: number;
    readonly objects: number;
    readonly objectBytes: number;
    readonly openUploads: number;
    readonly sets: number;
    readonly degradedSets: number;
  };
  readonly quotas: readonly {
    readonly bucket: string;
    readonly quotaBytes: number;
    readonly objectBytes: number;
  }[];
  readonly journal?:
    | { readonly sequence: number; readonly members: readonly MemberAnswer[] }
    | undefined;
  readonly workers: readonly {
    readonly name: string;
    readonly state: string;
    readonly failureCount: number;
    readonly lastError?: string | undefined;
  }[];
  readonly healing?: HealingAnswer | undefined;
  readonly jobs: readonly {
    readonly name: string;
    readonly startedAt: string;
    readonly progress?: object | undefined;
  }[];
}

export interface BucketAnswer {
  readonly name: string;
  readonly createdAt: string;
  readonly objectCount: number;
  readonly objectBytes: number;
  readonly quotaBytes?: number | undefined;
  readonly versioning: string;
  readonly hasLock: boolean;
  readonly defaultRetention?:
    | { readonly mode: string; readonly unit: string; readonly count: number }
    | undefined;
}

export interface BucketsAnswer {
  readonly buckets: readonly BucketAnswer[];
  readonly next?: string | undefined;
}

export interface PrefixAnswer {
  readonly kind: "prefix";
  readonly prefix: string;
}

interface EntryAnswer {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedAt: string;
  readonly storageClass: string;
}

export interface ObjectAnswer extends EntryAnswer {
  readonly kind: "object";
}

export interface VersionAnswer extends EntryAnswer {
  readonly kind: "delete-marker" | "object";
  readonly versionId: string;
  readonly isLatest: boolean;
}

export interface ObjectsAnswer {
  readonly entries: readonly (ObjectAnswer | PrefixAnswer)[];
  readonly next?: string | undefined;
}

export interface VersionsAnswer {
  readonly entries: readonly (PrefixAnswer | VersionAnswer)[];
  readonly next?:
    | { readonly after: string; readonly afterVersion?: string | undefined }
    | undefined;
}
