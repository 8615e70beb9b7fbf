// `npm run idle-run`: what a server takes of the processor that holds very many objects, and that nobody asks for anything: the
// scrub at its default rate and all other work in the background included.

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startOwnServer } from "../bench/own-server.ts";
import { measureRest } from "./support/measure-rest.ts";
import { Musts } from "./support/musts.ts";
import { NumberedLoader } from "./support/numbered-loader.ts";

const USAGE = `npm run idle-run -- [options]

  --objects N       (1000000)     --size BYTES    of each (17000; what is no larger than 16 KiB lies in the metadata)
  --minutes M       that are measured (10)        --settle SECONDS   after the start, before that (60)
  --connections N   (64)          --folder DIR    the data goes to a folder of its own in it (default: the current one)
  --server-args="..."             of the server that is measured`;

const BUCKET = "idle";

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    help: { type: "boolean" },
    objects: text,
    size: text,
    minutes: text,
    settle: text,
    connections: text,
    folder: text,
    "server-args": text,
  },
});

const objects = Number(values.objects ?? 1_000_000);
const minutes = Number(values.minutes ?? 10);
const settleMs = Number(values.settle ?? 60) * 1_000;
const args = values["server-args"]?.split(" ").filter((word) => word !== "") ?? [];
const musts = new Musts();

async function fill(folder: string): Promise<void> {
  const loader = new NumberedLoader({
    bucket: BUCKET,
    sizeBytes: Number(values.size ?? 17_000),
    connections: Number(values.connections ?? 64),
    processes: 1,
  });
  const server = await startOwnServer({ folder });
  try {
    await loader.makeBucket(server);
    await loader.fill(server, objects);
  } finally {
    loader.stop();
    await server.stop();
  }
}

if (values.help === true) console.log(USAGE);
else {
  console.log(`${objects} objects, ${minutes} minutes, ${new Date().toISOString()}`);
  const folder = mkdtempSync(join(values.folder ?? ".", "kintsugi-idle-"));
  try {
    await fill(folder);
    await measureRest({ folder, minutes, settleMs, args, musts });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  musts.end();
}
