// Repair, as the admin API sees it.

import type { RepairStatus } from "../repair/repair-status.ts";

export interface AdminHealing {
  status(): RepairStatus;
  /** Looks at everything again now; `isUnthrottled`: and works as fast as it goes until all is done. */
  hurry(isUnthrottled: boolean): void;
}
