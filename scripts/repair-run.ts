// `npm run repair-run`: a drive of six is emptied while the server runs. How soon repair begins, how fast it goes (without
// limits; with every drive held to a rate), what it costs requests that come meanwhile, and that verify finds nothing.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startOwnServer } from "../bench/own-server.ts";
import { Musts } from "./support/musts.ts";
import { p99Ratio } from "./support/load-beside-repair.ts";
import { RepairLab, type Filling } from "./support/repair-lab.ts";
import { shapeDrives } from "./support/shaped-drives.ts";

const USAGE = `npm run repair-run -- [options]

  --part free|held|load|all   without limits, drives held to a rate, beside requests (all)
  --large N --large-size MIB  objects that are cut into sets of their own (128 of 32: 6 GiB)
  --small N --small-size KIB  objects that lie in packs (0 of 100)
  --drive-rate MB             of each drive's reads, and of its writes, in part held (100)
  --runs N --seconds S        of part load, each once without and once beside repair (5 runs of 20)
  --load-size KIB --puts PERCENT --connections N   of its requests (64, 30, 32)
  --workers N --server-args="..."                  of the server
  --folder DIR                the data goes to a folder of its own in it (default: /dev/shm)
  --seed N`;

const MB = 1_000_000;
const MIB = 1024 * 1024;
const KIB = 1024;
const DRIVES = 6;
const EMPTIED = "drive-4";
const MUST = { startSeconds: 60, freeRate: 250, heldRate: 80, p99Ratio: 2 };

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    help: { type: "boolean" },
    part: text,
    large: text,
    "large-size": text,
    small: text,
    "small-size": text,
    "drive-rate": text,
    runs: text,
    seconds: text,
    "load-size": text,
    puts: text,
    connections: text,
    workers: text,
    "server-args": text,
    folder: text,
    seed: text,
  },
});

const seed = Number(values.seed ?? Date.now() % 1_000_000);
const part = values.part ?? "all";
const parent = values.folder ?? (existsSync("/dev/shm") ? "/dev/shm" : tmpdir());
const fillings: readonly Filling[] = [
  {
    bucket: "large",
    objects: Number(values.large ?? 128),
    sizeBytes: Number(values["large-size"] ?? 32) * MIB,
  },
  {
    bucket: "small",
    objects: Number(values.small ?? 0),
    sizeBytes: Number(values["small-size"] ?? 100) * KIB,
  },
];
const musts = new Musts();

type Environment = Readonly<Record<string, string>>;

const notHeld = async (): Promise<Environment> => ({});

/** A server of six drives in a folder of its own, filled. */
async function withLab(
  envOf: (folder: string, scratch: string) => Promise<Environment>,
  work: (lab: RepairLab) => Promise<void>,
): Promise<void> {
  const scratch = mkdtempSync(join(parent, "kintsugi-repair-"));
  const folder = join(scratch, "data");
  try {
    const given = values["server-args"]?.split(" ").filter((word) => word !== "") ?? [];
    const workers = values.workers === undefined ? [] : ["--workers", values.workers];
    const env = await envOf(folder, scratch);
    const server = await startOwnServer({ folder, args: [...workers, ...given], env });
    try {
      const lab = new RepairLab(server);
      for (const filling of fillings) if (filling.objects > 0) await lab.put(filling);
      await work(lab);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Without requests: how fast. */
async function measureRate(lab: RepairLab, leastMb: number): Promise<void> {
  const seconds = await lab.empty(EMPTIED);
  const limit = MUST.startSeconds;
  musts.check({ what: "seconds until repair begins", figure: seconds, limit, isMost: true });
  const { writtenBytes, seconds: took, cpuSeconds } = await lab.finish();
  const cpu = (cpuSeconds * 1_000) / (writtenBytes / MIB);
  console.log(
    `${(writtenBytes / MIB).toFixed(0)} MiB in ${took.toFixed(1)} s, ${cpu.toFixed(2)} ms of CPU a MiB`,
  );
  const figure = writtenBytes / MB / took;
  musts.check({ what: "MB of shards a second", figure, limit: leastMb, isMost: false });
  await verify(lab);
}

async function verify(lab: RepairLab): Promise<void> {
  musts.check({ what: "findings of verify", figure: await lab.verify(), limit: 0, isMost: true });
}

async function measureLoad(lab: RepairLab): Promise<void> {
  const figure = await p99Ratio(lab, {
    sizeBytes: Number(values["load-size"] ?? 64) * KIB,
    seconds: Number(values.seconds ?? 20),
    runs: Number(values.runs ?? 5),
    connections: Number(values.connections ?? 32),
    putShare: Number(values.puts ?? 30),
    emptied: EMPTIED,
    seed,
  });
  const limit = MUST.p99Ratio;
  musts.check({ what: "median p99, beside and without", figure, limit, isMost: true });
  await verify(lab);
}

if (values.help === true) console.log(USAGE);
else {
  console.log(`seed ${seed}, ${new Date().toISOString()}`);
  if (part === "free" || part === "all") {
    await withLab(notHeld, (lab) => measureRate(lab, MUST.freeRate));
  }
  if (part === "held" || part === "all") {
    const bytesPerSecond = Number(values["drive-rate"] ?? 100) * MB;
    const held = (folder: string, scratch: string): Promise<Environment> => {
      const folders = Array.from({ length: DRIVES }, (_, at) => join(folder, `drive-${at + 1}`));
      return shapeDrives({ folders, bytesPerSecond, scratch });
    };
    await withLab(held, (lab) => measureRate(lab, MUST.heldRate));
  }
  if (part === "load" || part === "all") await withLab(notHeld, measureLoad);
  musts.end();
}
