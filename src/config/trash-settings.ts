// The setting of the trash: a row of the settings table.

import { setting } from "./setting.ts";
import { UsageError } from "./usage-error.ts";

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const MS_MAX = 3_650 * UNITS_MS.d;

export const TRASH_SETTINGS = {
  keepTrash: setting(
    {
      help: "how long bytes of what was deleted are kept for kintsugi restore --at, such as 36h or 7d; 0: not at all",
      placeholder: "DURATION",
      roles: ["server", "gateway"],
      parse: duration,
      show: renderDuration,
    },
    0,
  ),
};

/** In milliseconds. @throws UsageError in words that follow the setting's name */
function duration(text: string): number {
  if (text === "0") return 0;
  const [, count = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const value = isUnit(unit) ? Number(count) * UNITS_MS[unit] : Number.NaN;
  if (value <= MS_MAX) return value;
  throw new UsageError("must be a number of seconds, minutes, hours or days, such as 36h or 7d");
}

function isUnit(text: string): text is keyof typeof UNITS_MS {
  return text in UNITS_MS;
}

/** In the largest unit that it is a whole number of. */
function renderDuration(durationMs: number): string {
  for (const unit of ["d", "h", "m", "s"] as const) {
    const count = durationMs / UNITS_MS[unit];
    if (count >= 1 && Number.isInteger(count)) return `${count}${unit}`;
  }
  return "0";
}
