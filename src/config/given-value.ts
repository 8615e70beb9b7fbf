// A setting's text as someone gave it, and where.

import type { SettingKey } from "./settings-table.ts";

export interface GivenValue {
  readonly text: string;
  /** For messages and `kintsugi config`: a flag, a variable, or a file. */
  readonly origin: string;
}

export type GivenValues = ReadonlyMap<SettingKey, GivenValue>;
