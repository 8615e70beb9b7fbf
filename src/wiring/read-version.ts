// The version of this program, from its package.

import { readFile } from "node:fs/promises";
import { codeRoot } from "../util/code-root.ts";

/** As package.json has it. */
export async function readVersion(): Promise<string> {
  const text = await readFile(new URL("../package.json", codeRoot(import.meta.url)), "utf8");
  const content: unknown = JSON.parse(text);
  const hasVersion = typeof content === "object" && content !== null && "version" in content;
  return hasVersion ? String(content.version) : "unknown";
}
