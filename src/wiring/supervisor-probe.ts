// A process that asks folders whether they answer, and may hang in their stead: started by `silentFolders`, which reads
// from its output which folders did, and kills it. Each folder is named on the command line; the thread pool has a
// thread for each, for a call that the kernel does not answer keeps its thread.

import { open, readFile, statfs, unlink } from "node:fs/promises";

/** Where it stands, a folder is a drive, and a file of the probe's own name below it is nobody else's. */
const IDENTITY_FILE = "kintsugi.json";

process.stdout.write("started\n");
process.argv.slice(2).forEach((folder, index) => {
  void ask(folder).then(() => process.stdout.write(`${index}\n`));
});

/** Resolves once the kernel has answered every call, whatever it said: a disk that errs does not hang. */
async function ask(folder: string): Promise<void> {
  const path = `${folder}/${IDENTITY_FILE}`;
  try {
    await statfs(folder);
    await readFile(path);
    // Reads may come from memory: only what is written and synced shows that the disk answers.
    await writeThrough(`${path}.probe-${process.pid}.tmp`);
  } catch {
    // An error is an answer.
  }
}

async function writeThrough(path: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile("probe");
    await file.sync();
  } finally {
    await file.close();
    await unlink(path);
  }
}
