// The setting of a data node that says what it fails together with.

import { isZoneName } from "../core/zone-name.ts";
import { setting } from "./setting.ts";
import { UsageError } from "./usage-error.ts";

export const zoneSetting = setting<string | undefined>(
  {
    help: "what the node fails together with, such as a rack; default: it alone",
    placeholder: "NAME",
    roles: ["node"],
    parse: (text) => {
      if (isZoneName(text)) return text;
      throw new UsageError("must have up to 64 letters, digits, dots, dashes or underscores");
    },
  },
  undefined,
);
