// Proves the mirror before it is believed: a writer that syncs nothing, one that forgets the folder, and one that does it
// right, each under the library, each through a power cut. Only the last one's files may be there. Two more do it right, and
// must not confuse the mirror: one syncs a file elsewhere through the number that one of its files had, and one is killed
// while it creates a file on the inode of another whose name is still durable.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { seededRandom, type SeededRandom } from "../../../src/util/seeded-random.ts";
import { PoweredFolder } from "./durable-mirror.ts";

export const WRITERS = [
  "careless",
  "no-folder-sync",
  "right",
  "synchronous",
  "elsewhere",
  "cut-off",
] as const;
export type Writer = (typeof WRITERS)[number];

const FILES = 20;
const CUT_OFF_NAME = "cut-off-file";

/** Plain JavaScript for a bare process. */
const SCRIPT = `
const fs = require("node:fs");
const { join } = require("node:path");
const [, root, kind] = process.argv;
const isRight = kind === "right" || kind === "elsewhere" || kind === "cut-off";
const sync = (path) => { const fd = fs.openSync(path, "r"); fs.fsyncSync(fd); fs.closeSync(fd); };
for (let i = 0; i < ${FILES}; i += 1) {
  const { O_CREAT, O_DSYNC, O_WRONLY } = fs.constants;
  const flags = O_CREAT | O_WRONLY | (kind === "synchronous" ? O_DSYNC : 0);
  const fd = fs.openSync(join(root, "file-" + i), flags, 0o600);
  fs.writeSync(fd, "bytes of " + i);
  if (isRight || kind === "no-folder-sync") fs.fsyncSync(fd);
  fs.closeSync(fd);
  if (isRight || kind === "synchronous") sync(root);
}
for (let i = 0; kind === "elsewhere" && i < ${FILES}; i += 1) {
  fs.closeSync(fs.openSync(join(root, "file-" + i), "r"));
  const fd = fs.openSync(root + "-elsewhere", "w");
  fs.writeSync(fd, "other bytes");
  fs.fsyncSync(fd);
  fs.closeSync(fd);
}
if (kind === "cut-off") {
  const next = join(root, "next");
  fs.writeFileSync(next, "bytes of 0", { flush: true });
  fs.renameSync(next, join(root, "file-0"));
  // Where the file system gives free inodes out again, on that of the first one.
  fs.writeFileSync(join(root, "${CUT_OFF_NAME}"), "");
  process.exit(1);
}
process.kill(process.pid, "SIGKILL");
`;

/** Of a torn cut: the names that were durable, with the bytes that were there in the end. */
const durableNamesLiveBytes: SeededRandom = { below: () => 0 };

/** How many of the writer's files are there, whole, after the cut. */
export async function survivorsOf(library: string, writer: Writer): Promise<number> {
  const folder = await PoweredFolder.make(library);
  try {
    const child = spawn(process.execPath, ["-e", SCRIPT, folder.root, writer], {
      env: { PATH: process.env["PATH"], ...folder.env(), LAB_CRASH_NAME: CUT_OFF_NAME },
      stdio: ["ignore", "ignore", "inherit"],
    });
    const [, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    if (signal !== "SIGKILL")
      throw new Error(`the ${writer} writer was not killed where it should`);
    if (writer === "cut-off") await folder.cut("torn", durableNamesLiveBytes);
    else await folder.cut("strict", seededRandom(1));
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
  elsewhere: FILES,
  "cut-off": FILES,
};
