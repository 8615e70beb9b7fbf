// What the lead and a worker beside it say to each other over control.sock: frames of structured clones, as on the
// writer's own socket. The side says the token first.

import type { Config } from "../config.ts";
import type { DriveId, Incarnation } from "../core/ids.ts";
import type { Authority } from "../journal/journal-member.ts";
import type { DriveCalls } from "../store/drive.ts";
import type { CountsView } from "../telemetry/summed-counts.ts";
import type { ProcessFigures } from "../telemetry/process-figures.ts";
import type { Geometry } from "../erasure/geometry.ts";
import type { SideReport } from "../store/side-workers.ts";
import type { GivenEncryption } from "./master-keyring.ts";
import type { DriveAt } from "./open-drives.ts";

/** Below the folder of orders. */
export const CONTROL_SOCKET = "control.sock";
export const WRITES_SOCKET = "writes.sock";

/** What a gateway's side needs to use the drives of data nodes as its lead does. */
export interface SideNodes {
  readonly clusterSecret: string;
}

/** Of a gateway's drives; needs no answer. */
export interface SideConfirmation {
  /** Until then, in the machine's time, they are promised to the lead for certain. */
  readonly until: number;
  /** To whom they are promised: with its epoch of now. */
  readonly authority: Authority;
}

/** What a side serves from, as the lead found it. */
export interface SideWelcome {
  /** As the lead read it: what has changed since waits for the next start. */
  readonly config: Pick<Config, "operands" | "origins" | "settings">;
  readonly encryption: GivenEncryption | undefined;
  readonly clusterId: string;
  /** Of the layout, there or not. */
  readonly driveCount: number;
  readonly geometry: Geometry;
  /** Drives that are there: folders, or URLs of data nodes. */
  readonly places: readonly DriveAt[];
  /** Where drives are those of data nodes. */
  readonly nodes?: SideNodes;
  /** Where the database lies, and of which drive that folder is. */
  readonly metadata: { readonly driveId: DriveId | undefined; readonly folder: string };
}

/** What is added up over all workers when somebody asks how the server is doing. */
export interface SideFigures {
  readonly counts: CountsView;
  /** What became of its calls to drives. */
  readonly calls: ReadonlyMap<DriveId, DriveCalls>;
  readonly process: ProcessFigures;
}

export type FromSide =
  | { readonly kind: "report"; readonly report: SideReport; readonly figures: SideFigures }
  /** The answer to whatever has an id. */
  | { readonly kind: "done"; readonly id: number };

export type ToSide =
  | {
      readonly kind: "welcome";
      readonly welcome: SideWelcome;
      /** What it writes as. */
      readonly incarnation: Incarnation;
    }
  /** A report, now. */
  | { readonly kind: "ask"; readonly id: number }
  /** What the metadata says of the master key has changed. */
  | { readonly kind: "keys"; readonly id: number }
  /** The pack that is open is to be sealed, so that it can be emptied. */
  | { readonly kind: "seal"; readonly id: number }
  /** Drives have come or gone, or the layout has changed: these are there now. */
  | { readonly kind: "drives"; readonly id: number; readonly places: readonly DriveAt[] }
  | ({ readonly kind: "confirmed" } & SideConfirmation);

/** What a side is asked to do, and answers when it is done. */
export type SideQuestion = Exclude<ToSide, { kind: "confirmed" | "drives" | "welcome" }>["kind"];

/** How often a side reports of itself. */
export const REPORT_MS = 1_000;
