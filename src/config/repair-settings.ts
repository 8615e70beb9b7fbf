// The settings of repair and scrub: rows of the settings table, and what they come to.

import { setting, type Role } from "./setting.ts";
import { integerBetween } from "./value-parsers.ts";

const ROLES: readonly Role[] = ["server", "gateway"];
const RATE_MAX = 100_000;
const SCRUB_DAYS_MAX = 3_650;

export const REPAIR_SETTINGS = {
  repairRate: setting(
    {
      help: "MiB a second that repair may write beside requests, and the scrub read; five times that while there are none",
      placeholder: "MIB_PER_S",
      roles: ROLES,
      parse: integerBetween(1, RATE_MAX),
    },
    12,
  ),
  scrubDays: setting(
    {
      help: "days in which the scrub reads everything once; 0 turns it off",
      placeholder: "DAYS",
      roles: ROLES,
      parse: integerBetween(0, SCRUB_DAYS_MAX),
    },
    14,
  ),
};

export interface RepairSettings {
  /** MiB a second beside requests. */
  readonly repairRate: number;
  /** 0: there is no scrub. */
  readonly scrubDays: number;
}
