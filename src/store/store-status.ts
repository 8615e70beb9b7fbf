// How the store is doing, for the admin API: drives, what may still fail, what the metadata counts. Every drive is asked
// whether it is there, with a deadline: on an idle server nobody else would notice that one is gone.

import type { DriveId } from "../core/ids.ts";
import type { SpaceInfo } from "../datanode/shard-store.ts";
import type { JournalReport, MetadataTotals } from "../metadata/metadata-store.ts";
import { withDeadline } from "../util/deadline.ts";
import type { BucketView } from "./bucket-view.ts";
import type { Drive, DriveCalls } from "./drive.ts";
import { toleranceOf, type Tolerance } from "./loss-tolerance.ts";
import { newGeometry } from "./new-geometry.ts";
import type { StoreContext } from "./store-context.ts";
import { quorumOfWrite } from "./write-quorum.ts";

/**
 * "short": no more than its reserve is left, it takes no new bytes. "slow": others were faster a moment ago, it is read
 * last. "away": it does not answer, or errs. "absent": the layout names it, and it has not been seen since the start.
 */
export type DriveState = "absent" | "away" | "good" | "short" | "slow";

export interface DriveStatus {
  readonly driveId: DriveId;
  /** A folder, or a node's address and slot; undefined for one that is absent. */
  readonly label: string | undefined;
  readonly state: DriveState;
  /** Drives of one device fail together; undefined while it is not known. */
  readonly device: string | undefined;
  /** The last that it said. */
  readonly space: SpaceInfo | undefined;
  readonly calls: DriveCalls | undefined;
  /** What one read in twenty takes longer than, in milliseconds. */
  readonly readMs: number | undefined;
}

/** How full a bucket is that has a quota. */
export interface QuotaStatus {
  readonly bucket: string;
  readonly quotaBytes: number;
  readonly objectBytes: number;
}

export interface StoreStatus {
  /** Of new sets. */
  readonly geometry: { readonly dataShards: number; readonly parityShards: number };
  readonly drives: readonly DriveStatus[];
  /** Whether enough drives answer, and have room, to take writes. */
  readonly isWritable: boolean;
  /** How many drives a write takes now. */
  readonly writeQuorum: number;
  readonly tolerance: Tolerance;
  readonly totals: MetadataTotals;
  /** The fullest first, and no more than a screen can show. */
  readonly quotas: readonly QuotaStatus[];
  /** Undefined where the metadata is one copy. */
  readonly journal: JournalReport | undefined;
  readonly metadata: {
    readonly isWritable: boolean;
    /** Of the disk that it lies on, where that is known. */
    readonly space: SpaceInfo | undefined;
    readonly isShort: boolean;
  };
  readonly openReadings: number;
  /** Shards of failed writes that wait for their drive to be removed. */
  readonly litter: number;
}

const DEVICE_MS_MAX = 1_000;
const QUOTAS_SHOWN_MAX = 100;

/** Looks at one store, again and again. */
export class StoreInspector {
  readonly #context: StoreContext;
  /** A mounted drive stays on its device for as long as the process has it. */
  readonly #devices = new Map<DriveId, string>();

  constructor(context: StoreContext) {
    this.#context = context;
  }

  async inspect(): Promise<StoreStatus> {
    const { metadata, metadataSpace, drives, litter, readings } = this.#context;
    const geometry = newGeometry(this.#context);
    const [totals, limited] = await Promise.all([
      metadata.totals(),
      metadata.listQuotas(QUOTAS_SHOWN_MAX),
      ...drives.all.map((drive) => this.#ask(drive)),
    ]);
    const journal = metadata.journalReport();
    const writeQuorum = quorumOfWrite(geometry, drives.awayCount);
    const { dataShards, parityShards } = geometry;
    return {
      geometry: { dataShards, parityShards },
      drives: [
        ...drives.all.map((drive) => this.#statusOf(drive)),
        ...drives.absent.map((driveId) => absentDrive(driveId)),
      ],
      isWritable: metadata.isWritable() && (await drives.confirmReachable(writeQuorum)),
      writeQuorum,
      tolerance: await toleranceOf(this.#context, this.#devices),
      totals,
      quotas: limited.flatMap((bucket) => quotaStatusOf(bucket) ?? []),
      journal,
      metadata: {
        isWritable: metadata.isWritable(),
        space: metadataSpace?.last,
        isShort: metadataSpace?.isShort ?? false,
      },
      openReadings: readings.count,
      litter: litter.count,
    };
  }

  #statusOf(drive: Drive): DriveStatus {
    const { store, space, calls, latency } = drive;
    return {
      driveId: store.driveId,
      label: store.label,
      state: stateOf(drive),
      device: this.#devices.get(store.driveId),
      space,
      calls,
      readMs: latency.p95,
    };
  }

  /** Whether it is there, and on which device. Never rejects. */
  async #ask(drive: Drive): Promise<void> {
    const { store } = drive;
    if (!(await drive.confirm(0)) || this.#devices.has(store.driveId)) return;
    try {
      const device = await withDeadline(store.device(), {
        timeoutMs: DEVICE_MS_MAX,
        onTimeout: () => new Error("the drive does not say where it is"),
      });
      this.#devices.set(store.driveId, device);
    } catch {
      // Asked for again the next time; until then nothing good is assumed of it.
    }
  }
}

/** Undefined for a bucket without a quota. */
function quotaStatusOf(bucket: BucketView): QuotaStatus | undefined {
  const { name, quotaBytes, objectBytes } = bucket;
  return quotaBytes === undefined ? undefined : { bucket: name, quotaBytes, objectBytes };
}

function stateOf(drive: Drive): DriveState {
  if (drive.isAway) return "away";
  if (drive.isShort) return "short";
  return drive.isSlow ? "slow" : "good";
}

function absentDrive(driveId: DriveId): DriveStatus {
  return {
    driveId,
    label: undefined,
    state: "absent",
    device: undefined,
    space: undefined,
    calls: undefined,
    readMs: undefined,
  };
}
