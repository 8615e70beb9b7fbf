// Writes the table of docs/OPERATIONS.md, "Durability": `npm run durability`.

import { readFileSync, writeFileSync } from "node:fs";
import { DURABILITY_PAGE, withDurabilityTable } from "./support/durability-table.ts";

writeFileSync(DURABILITY_PAGE, withDurabilityTable(readFileSync(DURABILITY_PAGE, "utf8")));
