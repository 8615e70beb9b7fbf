// The table of docs/OPERATIONS.md, "Durability", made from the model, so that no figure in it is written by hand.

import { REPAIR_SETTINGS } from "../../src/config/repair-settings.ts";
import { geometryFor } from "../../src/erasure/geometry.ts";
import { hoursUntilWhole, lossChances, type DriveAssumptions } from "./durability-model.ts";

export const DURABILITY_PAGE = "docs/OPERATIONS.md";

const BEGIN = "<!-- what `npm run durability` writes -->";
const END = "<!-- until here -->";

const MIB = 1024 * 1024;
const HOURS_A_DAY = 24;

/** What all rows share: pessimistic on purpose. */
const COMMON = {
  driveBytes: 4e12,
  /** What repair takes beside requests, all the time. */
  repairBytes: REPAIR_SETTINGS.repairRate.fallback("server") * MIB,
  badPlacesAYear: 0.1,
  scrubDays: REPAIR_SETTINGS.scrubDays.fallback("server"),
};

/** What differs from column to column. */
const COLUMNS = [
  { failuresAYear: 0.015, replaceHours: HOURS_A_DAY },
  { failuresAYear: 0.015, replaceHours: 7 * HOURS_A_DAY },
  { failuresAYear: 0.05, replaceHours: 7 * HOURS_A_DAY },
];

interface Row {
  readonly driveCount: number;
  /** Asked for with `kintsugi reshape`; undefined: as so many drives are laid out by themselves. */
  readonly cut?: { readonly dataShards: number; readonly parityShards: number };
}

const ROWS: readonly Row[] = [
  { driveCount: 1 },
  { driveCount: 2 },
  { driveCount: 3 },
  { driveCount: 4 },
  { driveCount: 6 },
  { driveCount: 8 },
  { driveCount: 9, cut: { dataShards: 6, parityShards: 3 } },
  { driveCount: 12 },
];

/** The page with the table that belongs there. @throws Error where it has no place for one */
export function withDurabilityTable(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`${DURABILITY_PAGE} has no place for the table`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${renderTable()}\n\n${page.slice(end)}`;
}

function renderTable(): string {
  const hours = hoursUntilWhole(assumed({ driveCount: 1 }));
  const { driveBytes, repairBytes, badPlacesAYear, scrubDays } = COMMON;
  const heads = COLUMNS.map(
    ({ failuresAYear, replaceHours }) =>
      `${percent(failuresAYear)} fail a year, replaced in ${daysOf(replaceHours)}`,
  );
  return [
    `Drives of ${driveBytes / 1e12} TB that are full; repair at ${repairBytes / MIB} MiB/s, which makes one whole again in ` +
      `${daysOf(hours)}; ${badPlacesAYear} unreadable places a drive a year, found within ${scrubDays} days. Each cell: the chance within a ` +
      "year that more drives are gone than parity replaces / that a bad place takes an object while parity is used up.",
    "",
    `| drives | cut as | may be lost | ${heads.join(" | ")} |`,
    `| --- | --- | --- |${" --- |".repeat(COLUMNS.length)}`,
    ...ROWS.map(renderRow),
  ].join("\n");
}

function renderRow(row: Row): string {
  const usual = assumed(row);
  const cells = COLUMNS.map((column) => {
    const { drives, place } = lossChances({ ...usual, ...column });
    return `${oneIn(drives)} / ${oneIn(place)}`;
  });
  const { driveCount, dataShards, parityShards } = usual;
  const how = row.cut === undefined ? "" : " (`kintsugi reshape`)";
  return `| ${driveCount} | ${dataShards}+${parityShards}${how} | ${parityShards} | ${cells.join(" | ")} |`;
}

function assumed({ driveCount, cut = geometryFor(driveCount, 1) }: Row): DriveAssumptions {
  const { dataShards, parityShards } = cut;
  return { ...COMMON, driveCount, dataShards, parityShards, failuresAYear: 0, replaceHours: 0 };
}

/** Below that other things than drives decide. */
const CHANCE_MIN = 1e-9;

/** Two digits: the assumptions carry no more. */
function oneIn(chance: number): string {
  if (chance < CHANCE_MIN) return "below 1 in a billion";
  const count = Number((1 / chance).toPrecision(2));
  return `1 in ${count.toLocaleString("en-US")}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))}%`;
}

function daysOf(hours: number): string {
  const days = Number((hours / HOURS_A_DAY).toPrecision(2));
  return days === 1 ? "a day" : `${days} days`;
}
