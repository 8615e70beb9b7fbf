// The faults of tier B that the laboratory tries one by one (docs/FAULTS.md), each by its number.

import { killNodes, partNetwork } from "./cluster-trials.ts";
import { emptyBucket } from "./emptied-bucket.ts";
import type { Trial } from "./fault-trial.ts";
import { fillMetadataDisk } from "./full-metadata-disk.ts";
import { keepIdleClients } from "./idle-clients.ts";
import { loseAfterSync } from "./lost-after-sync.ts";
import { dieTakingOver } from "./old-version.ts";
import { meddle } from "./operators-hand.ts";
import { silenceConnections } from "./silent-wire.ts";
import { readAroundSlowDrives, stallAllDrives } from "./slow-drives.ts";
import { stopAmidUploads } from "./stop-amid-uploads.ts";
import { turnBitsBeforeChecksums } from "./wrong-encoding.ts";

export const FAULT_TRIALS = {
  F15: dieTakingOver,
  F17: killNodes,
  F18: stopAmidUploads,
  F32: turnBitsBeforeChecksums,
  F45: fillMetadataDisk,
  F47: readAroundSlowDrives,
  F48: stallAllDrives,
  F49: meddle,
  F52: loseAfterSync,
  F53: partNetwork,
  F54: silenceConnections,
  F70: keepIdleClients,
  F72: emptyBucket,
} as const satisfies Readonly<Record<string, (trial: Trial) => Promise<void>>>;

export type FaultName = keyof typeof FAULT_TRIALS;
