// What a command of the `kintsugi` program is given, and what it has printed.

import type { CommandContext } from "../../src/cli/admin-commands.ts";

export interface CommandScreen {
  readonly context: CommandContext;
  /** What was printed, one writing after the other. */
  readonly printed: readonly string[];
  /** All that was printed until now. */
  readonly text: () => string;
}

export function commandScreen(endpoint: string, key: CommandContext["key"]): CommandScreen {
  const printed: string[] = [];
  const screen = { isTTY: false, write: (text: string) => printed.push(text) > 0 };
  const context: CommandContext = {
    endpoint,
    key,
    isInsecure: false,
    isJson: false,
    stdout: screen,
    stderr: screen,
  };
  return { context, printed, text: () => printed.join("") };
}
