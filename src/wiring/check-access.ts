// Whether this process may use a folder: asked where the system's own error would not say which file it was.

import { access, constants, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoOf, permissionWords } from "./explain-failure.ts";
import { StartError } from "./start-error.ts";

/** @throws StartError when the folder, or the nearest one above it that exists, may not be written to. */
export async function checkMayMake(folder: string): Promise<void> {
  for (let nearest = folder; ; nearest = dirname(nearest)) {
    const problem = await problemOf(nearest);
    if (problem === "ENOENT" && nearest !== dirname(nearest)) continue;
    if (problem === "EACCES") throw new StartError(permissionWords(folder));
    return;
  }
}

/** What is wrong with the folder or a file in it, for an error that did not say; undefined when all may be used. */
export async function findForbidden(folder: string): Promise<StartError | undefined> {
  const names = await readdir(folder).catch(() => []);
  for (const path of [folder, ...names.map((name) => join(folder, name))]) {
    if ((await problemOf(path)) === "EACCES") return new StartError(permissionWords(path));
  }
  return undefined;
}

async function problemOf(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return errnoOf(error)?.code;
  }
}
