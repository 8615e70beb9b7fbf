// The operands of `kintsugi drive`. Folders are named as they are on this machine, which is the server's.

import { resolve } from "node:path";
import type { DriveRequest } from "../cli/drive-command.ts";
import { UsageError } from "../config/usage-error.ts";

/** @throws UsageError */
export function readDriveRequest(verb: string, operands: readonly string[]): DriveRequest {
  const [first, second] = operands;
  const require = (isRight: boolean, words: string): void => {
    if (!isRight) throw new UsageError(`kintsugi drive ${verb} takes ${words}`);
  };
  switch (verb) {
    case "list":
      require(operands.length === 0, "no operand");
      return { verb };
    case "add":
      require(operands.length > 0, "the FOLDER of each new drive");
      return { verb, folders: operands.map((folder) => resolve(folder)) };
    case "drain":
    case "remove":
      require(operands.length === 1, "a DRIVE");
      return { verb, drive: first ?? "" };
    case "replace":
      require(operands.length === 2, "a DRIVE and the FOLDER that takes its place");
      return { verb, drive: first ?? "", folder: resolve(second ?? "") };
    default:
      throw new UsageError(`kintsugi drive knows no ${verb}: list, add, drain, replace or remove`);
  }
}
