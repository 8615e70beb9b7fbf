// What the laboratory asks of a server's admin API: that everything is whole, and that nothing is left over.

import { setTimeout as sleep } from "node:timers/promises";
import { AdminClient, AdminRefusal, type AdminLine } from "../../src/cli/admin-client.ts";
import { LAB_KEYS } from "./lab-server.ts";
import type { Journal } from "./world.ts";

const FINDINGS_SHOWN = 3;
/** Longer than the grace of orphans in the laboratory. */
const GRACE_MS = 1_200;
const SWEEPS_MAX = 4;
const HEAL_MS_MAX = 30_000;
const HEAL_POLL_MS = 100;
/** After so many it is asked for once more. */
const HEAL_POLLS = 20;

/** A server, or a gateway, with an admin API. */
interface Administered {
  readonly process: { readonly adminEndpoint: string };
}

function clientOf({ process }: Administered): AdminClient {
  return new AdminClient({ endpoint: process.adminEndpoint, key: LAB_KEYS, isInsecure: false });
}

/** The findings of a verification of everything, into `findings` as they come. */
export async function verify(
  server: Administered,
  findings: AdminLine[] = [],
): Promise<readonly AdminLine[]> {
  const report = await clientOf(server).run("/v1/verify", {}, (line) => {
    if (line.type === "finding") findings.push(line);
  });
  return report["isComplete"] === true ? findings : [...findings, report];
}

/** Every shard of every object, and the metadata, are whole: else a violation for each of the first findings. */
export async function requireClean(server: Administered, journal: Journal): Promise<void> {
  const findings = (await verify(server)).map((line) => JSON.stringify(line));
  journal.note("verifications");
  if (findings.length === 0) return;
  journal.violation(
    `verify: ${findings.length} findings, ${findings.slice(0, FINDINGS_SHOWN).join("; ")}`.slice(
      0,
      1_500,
    ),
  );
}

/** What the laboratory wants to know of how a server is. */
interface ServerStatus {
  readonly workers: readonly { readonly name: string; readonly state: string }[];
  readonly healing: {
    readonly state: string;
    readonly done: { readonly sets: number; readonly rebuiltShards: number };
    readonly scrub: { readonly lookedAtSets: number; readonly passCount: number };
  };
}

/** Undefined when it does not answer any more. */
export async function findStatus(server: Administered): Promise<ServerStatus | undefined> {
  try {
    return (await clientOf(server).get("/v1/status")) as ServerStatus;
  } catch (error) {
    if (error instanceof AdminRefusal) return undefined;
    throw error;
  }
}

/** What a drive in the place of another is to keep of the metadata is brought there beside the rest: that is waited for. */
export async function untilClean(server: Administered): Promise<void> {
  const giveUpAt = performance.now() + HEAL_MS_MAX;
  while ((await verify(server)).length > 0 && performance.now() < giveUpAt)
    await sleep(HEAL_POLL_MS);
}

/** All that lacks shards is made whole, as fast as it goes. */
export async function healAll(server: Administered, journal: Journal): Promise<void> {
  const client = clientOf(server);
  const giveUpAt = performance.now() + HEAL_MS_MAX;
  for (let poll = 0; ; poll += 1) {
    // Who has just asked is told that it is looking. What failed meanwhile is to be tried again soon.
    if (poll % HEAL_POLLS === 0) {
      await client.run("/v1/heal", { unthrottled: true }, () => undefined);
    }
    await sleep(HEAL_POLL_MS);
    const answer = (await client.get("/v1/heal")) as { readonly state: string };
    if (answer.state === "idle") break;
    if (performance.now() < giveUpAt) continue;
    journal.violation(`heal: ${JSON.stringify(answer).slice(0, 1_000)}`);
    return;
  }
  journal.note("healings");
}

/** After sweeps nothing is left where it lay before drives came or went. None may be coming or going. */
export async function requireNoStrays(server: Administered, journal: Journal): Promise<void> {
  for (let sweeps = 0; ; sweeps += 1) {
    const { waitingShards } = await clientOf(server).run("/v1/sweep", {}, () => undefined);
    if (waitingShards === 0) break;
    if (sweeps >= SWEEPS_MAX) {
      journal.violation(`sweeps leave ${String(waitingShards)} shards where nothing lies any more`);
      return;
    }
    await sleep(GRACE_MS);
  }
  journal.note("sweeps that left no old copy");
}

/** After a sweep no shard is left that nothing names, but for those of processes that still run. */
export async function requireNoOrphans(
  server: Administered,
  journal: Journal,
  graceMs = GRACE_MS,
): Promise<void> {
  const client = clientOf(server);
  const sweep = (isDryRun: boolean): Promise<AdminLine> =>
    client.run("/v1/sweep", { dryRun: isDryRun }, () => undefined);
  for (let sweeps = 0; sweeps < SWEEPS_MAX; sweeps += 1) {
    const { removedShards } = await sweep(false);
    journal.note("orphan shards swept", Number(removedShards));
    const left = await sweep(true);
    if (left["orphanSets"] === 0 && left["refusal"] === undefined) {
      if (left["unknownSets"] !== 0) journal.violation(`sweep: ${JSON.stringify(left)}`);
      journal.note("sweeps that left nothing");
      return;
    }
    if (sweeps === SWEEPS_MAX - 1) journal.violation(`sweep leaves ${JSON.stringify(left)}`);
    await sleep(graceMs);
  }
}

/** Rewrites all packs that have anything dead in them. What the server refuses is its affair. */
export async function compactAll(server: Administered): Promise<void> {
  await clientOf(server).run("/v1/compact", { all: true }, () => undefined);
}

export async function sweepOnce(server: Administered): Promise<void> {
  await clientOf(server).run("/v1/sweep", { dryRun: false }, () => undefined);
}
