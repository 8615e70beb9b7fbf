// Writes docs/S3_COMPATIBILITY.md: `npm run docs`.

import { writeFileSync } from "node:fs";
import { PAGE_PATH, renderCompatibilityPage } from "./compatibility-page.ts";

writeFileSync(PAGE_PATH, renderCompatibilityPage());
