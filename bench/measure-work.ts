// Measures one work on several servers: what it needs is put, each server is warmed up, and then rounds alternate, so
// that a noisy minute hits all of them.

import { Crowd } from "./crowd.ts";
import type { Generator } from "./generator.ts";
import type { Job, Outcome } from "./load-generator.ts";
import type { Result, Round } from "./results.ts";
import { untilRoom } from "./room.ts";
import { warmRoom } from "./warm-room.ts";
import { metered, untilAtRest, type Usage } from "./server-meter.ts";
import type { Session } from "./subjects/subject.ts";
import { workOf } from "./works/work-of.ts";

export interface Measurement {
  readonly section: string;
  readonly work: string;
  readonly x?: number | undefined;
  readonly connections: number;
  readonly keys: number;
  readonly seconds: number;
  readonly rounds: number;
  /** Servers are ended and started again before each round. */
  readonly isRestarted?: boolean;
  /** Each round also with so many slow readers, and as many slow writers, beside it. */
  readonly crowd?: number;
}

export interface Lab {
  readonly generator: Generator;
  /** Where the servers keep their data. */
  readonly folder: string;
  /** What lies on which server already. */
  readonly filled: Set<string>;
  readonly say: (line: string) => void;
}

const CROWD_WORK = "get-16m";
const CROWD_OBJECT_BYTES = 16 * 1024 ** 2;
const ROUND_BYTES_MAX = 2 * 1024 ** 3;
/** Shards are half as large again as what they hold, and a filling comes on top. */
const ROOM_BYTES = 4 * 1024 ** 3;
/** More than any server here takes, and what it writes at most of each of its bytes, parity and all. */
const PUTS_PER_SECOND_MAX = 4_000;
const WRITTEN_SHARE = 1.5;
/** What a small object costs beside its bytes. */
const SMALL_WRITE_BYTES = 16 * 1024;
const WARM_UP_SECONDS_MAX = 1;
const HUGE_BYTES = 1024 ** 3;

interface Contender {
  readonly session: Session;
  readonly crowd: number;
  readonly rounds: Round[];
  more: Result["more"];
  error: string | undefined;
}

export async function measureWork(
  lab: Lab,
  sessions: readonly Session[],
  measurement: Measurement,
): Promise<readonly Result[]> {
  const { crowd = 0, rounds, seconds } = measurement;
  const contenders = sessions.flatMap((session) =>
    (crowd > 0 ? [0, crowd] : [0]).map((size): Contender => ({
      session,
      crowd: size,
      rounds: [],
      more: undefined,
      error: undefined,
    })),
  );
  const fillsEachRound = workOf(measurement.work).fillsEachRound === true;
  // The largest objects need no warm code, and leave no room for more of them.
  const isWarmedUp = !fillsEachRound && workOf(measurement.work).bytes < HUGE_BYTES;
  const warmUp = Math.min(WARM_UP_SECONDS_MAX, seconds / 3);
  for (const contender of contenders) {
    await attempt(lab, measurement, contender, async () => {
      await fill(lab, measurement, contender);
      if (measurement.isRestarted === true || !isWarmedUp) return;
      await run(lab, measurement, { contender, round: 0, seconds: warmUp });
    });
  }
  for (let round = 1; round <= rounds; round += 1) {
    // Who is first changes, too.
    const turn = round % contenders.length;
    for (const contender of [...contenders.slice(turn), ...contenders.slice(0, turn)]) {
      await attempt(lab, measurement, contender, async () => {
        const measured = await run(lab, measurement, { contender, round, seconds });
        contender.rounds.push(measured);
        const rate = measured.operationsPerSecond.toFixed(
          measured.operationsPerSecond < 100 ? 1 : 0,
        );
        lab.say(`${titleOf(measurement, contender)} ${round}/${rounds}: ${rate}/s`);
      });
    }
  }
  return contenders.map((contender) => resultOf(measurement, contender));
}

function titleOf({ section, work, x }: Measurement, { session, crowd }: Contender): string {
  const varied = x === undefined ? "" : ` ${x}`;
  return `${section} ${work}${varied} ${session.subject.name}${crowd > 0 ? " beside slow clients" : ""}`;
}

/** One server's failure is kept as its result, and the others go on. */
async function attempt(
  lab: Lab,
  measurement: Measurement,
  contender: Contender,
  task: () => Promise<void>,
): Promise<void> {
  if (contender.error !== undefined) return;
  try {
    await task();
  } catch (error) {
    contender.error = error instanceof Error ? error.message : String(error);
    lab.say(`${titleOf(measurement, contender)}: ${contender.error}`);
  }
}

function jobOf(measurement: Measurement, { session }: Contender): Omit<Job, "kind" | "round"> {
  const { work, seconds, connections, keys } = measurement;
  const { target } = session.running;
  const { filling = work, writes } = workOf(work);
  const bucket = `bench-${filling}-${keys}`;
  const job = { target, bucket, work, seconds, connections, keys };
  return writes === true ? { ...job, bytesMax: ROUND_BYTES_MAX } : job;
}

async function fill(lab: Lab, measurement: Measurement, contender: Contender): Promise<void> {
  const job = jobOf(measurement, contender);
  const id = `${contender.session.subject.name} ${job.bucket}`;
  if (lab.filled.has(id)) return;
  lab.filled.add(id);
  await untilRoom(lab.folder, roomFor(measurement));
  if (workOf(measurement.work).fill) {
    lab.say(`${titleOf(measurement, contender)}: putting what is needed`);
  }
  const isPerRound = workOf(measurement.work).fillsEachRound === true;
  await lab.generator.send({ ...job, ...(isPerRound && { seconds: 0 }), kind: "fill", round: 0 });
}

const roomFor = ({ work }: Measurement) => Math.max(ROOM_BYTES, workOf(work).bytes * 1.6);

/** What a round may write to the file system, in bytes; what only reads, nothing. */
function writtenBytes({ work }: Measurement, seconds: number): number {
  const { writes, bytes } = workOf(work);
  if (writes !== true) return 0;
  const most = seconds * PUTS_PER_SECOND_MAX * Math.max(bytes, SMALL_WRITE_BYTES);
  return WRITTEN_SHARE * Math.min(most, Math.max(bytes, ROUND_BYTES_MAX));
}

interface Turn {
  readonly contender: Contender;
  readonly round: number;
  readonly seconds: number;
}

async function run(lab: Lab, measurement: Measurement, turn: Turn): Promise<Round> {
  const { contender, round, seconds } = turn;
  const { session } = contender;
  if (measurement.isRestarted === true) await session.restart();
  const job = { ...jobOf(measurement, contender), round: numberOf(measurement, turn), seconds };
  if (workOf(measurement.work).fillsEachRound === true && round > 0) {
    await lab.generator.send({ ...job, kind: "fill" });
  }
  await untilRoom(lab.folder, roomFor(measurement));
  await warmRoom(lab.folder, writtenBytes(measurement, seconds));
  const gathered = contender.crowd > 0 ? await gather(lab, measurement, contender) : undefined;
  try {
    const { outcome, usage } = await metered(session.running.pids, () =>
      lab.generator.send({ ...job, kind: "run" }),
    );
    if (gathered) contender.more = { ...(await gathered.state()) };
    return roundOf(outcome, usage);
  } finally {
    await gathered?.disperse();
  }
}

/** Rounds with and without a crowd write different keys. */
const numberOf = ({ rounds }: Measurement, { contender, round }: Turn) =>
  contender.crowd > 0 ? rounds + 1 + round : round;

async function gather(lab: Lab, measurement: Measurement, contender: Contender): Promise<Crowd> {
  const read = { ...measurement, work: CROWD_WORK };
  await fill(lab, read, contender);
  const { target, bucket } = jobOf(read, contender);
  const gathered = await Crowd.gather({
    target,
    readers: contender.crowd,
    writers: contender.crowd,
    readPath: `/${bucket}/${CROWD_WORK}/0`,
    writePath: `/${bucket}/slow`,
    objectBytes: CROWD_OBJECT_BYTES,
  });
  await untilAtRest(contender.session.running.pids);
  return gathered;
}

function roundOf(outcome: Outcome, usage: Usage | undefined): Round {
  const { operations, seconds, latenciesMs, clientCpuSeconds } = outcome;
  if (operations === 0) throw new Error("no operation in a whole round");
  const micros = (cpuSeconds: number) => rounded((cpuSeconds / operations) * 1e6);
  return {
    operationsPerSecond: rounded(operations / seconds),
    p50Ms: rounded(latenciesMs.p50),
    p99Ms: rounded(latenciesMs.p99),
    ...(usage && { cpuMicros: micros(usage.cpuSeconds), peakMiB: rounded(usage.peakMiB) }),
    clientCpuMicros: micros(clientCpuSeconds),
  };
}

const rounded = (value: number) => Number(value.toPrecision(4));

function resultOf(measurement: Measurement, contender: Contender): Result {
  const { section, work, connections, seconds, crowd } = measurement;
  const x = crowd === undefined ? measurement.x : contender.crowd;
  const { more, error } = contender;
  return {
    section,
    work: measurement.isRestarted === true ? `${work}-restarted` : work,
    server: contender.session.subject.name,
    ...(x !== undefined && { x }),
    connections,
    bytesPerOperation: workOf(work).bytes,
    secondsOfRound: seconds,
    at: new Date().toISOString(),
    rounds: contender.rounds,
    ...(error !== undefined && { error }),
    ...(more && { more }),
  };
}
