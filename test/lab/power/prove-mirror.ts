// Proves the mirror before it is believed: a writer that syncs nothing, one that forgets the folder, and one that does it
// right, each under the library, each through a power cut. Only the last one's files may be there.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { PoweredFolder } from "./durable-mirror.ts";

export const WRITERS = ["careless", "no-folder-sync", "right", "synchronous"] as const;
export type Writer = (typeof WRITERS)[number];

const FILES = 20;

/** Plain JavaScript for a bare process. */
const SCRIPT = `
const fs = require("node:fs");
const { join } = require("node:path");
const [, root, kind] = process.argv;
const sync = (path) => { const fd = fs.openSync(path, "r"); fs.fsyncSync(fd); fs.closeSync(fd); };
for (let i = 0; i < ${FILES}; i += 1) {
  const { O_CREAT, O_DSYNC, O_WRONLY } = fs.constants;
  const flags = O_CREAT | O_WRONLY | (kind === "synchronous" ? O_DSYNC : 0);
  const fd = fs.openSync(join(root, "file-" + i), flags, 0o600);
  fs.writeSync(fd, "bytes of " + i);
  if (kind === "right" || kind === "no-folder-sync") fs.fsyncSync(fd);
  fs.closeSync(fd);
  if (kind === "right" || kind === "synchronous") sync(root);
}
process.kill(process.pid, "SIGKILL");
`;

/** How many of the writer's files are there, whole, after the cut. */
export async function survivorsOf(library: string, writer: Writer): Promise<number> {
  const folder = await PoweredFolder.make(library);
  try {
    const child = spawn(process.execPath, ["-e", SCRIPT, folder.root, writer], {
      env: { PATH: process.env["PATH"], ...folder.env() },
      stdio: ["ignore", "ignore", "inherit"],
    });
    await once(child, "close");
    await folder.cut("strict", seededRandom(1));
    const names = await readdir(folder.root);
    const texts = await Promise.all(
      names.map(async (name) => [name, await readFile(join(folder.root, name), "utf8")] as const),
    );
    return texts.filter(([name, text]) => text === `bytes of ${name.slice("file-".length)}`).length;
  } finally {
    await folder.remove();
  }
}

export const EXPECTED_SURVIVORS: Readonly<Record<Writer, number>> = {
  careless: 0,
  "no-folder-sync": 0,
  right: FILES,
  synchronous: FILES,
};
