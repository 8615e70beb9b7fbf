// Loaded anew before each file with tests (vitest.config.ts).

import { afterAll } from "vitest";
import { endFile } from "./at-file-end.ts";

afterAll(endFile);
