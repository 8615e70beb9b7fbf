// What the matrix consists of: sections of groups, each a few servers on one folder that do a few works.

import type { Measurement } from "../measure-work.ts";
import { clusterOf, embedded, embeddedWithDrives } from "../subjects/own-subjects.ts";
import type { Subject } from "../subjects/subject.ts";
import { GIB, KIB, MIB } from "../works/sizes.ts";

export interface Group {
  readonly section: string;
  readonly medium: "disk" | "memory";
  readonly subjects: readonly Subject[];
  readonly measurements: readonly Measurement[];
}

export interface Scale {
  readonly peers: readonly Subject[];
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
  /** Distinct small objects that are read. */
  readonly keys: number;
  /** The largest bucket of `buckets`. */
  readonly keysMax: number;
  readonly connectionsMax: number;
  readonly crowd: number;
  readonly sizeMax: number;
}

export const SECTIONS = [
  "memory",
  "disk",
  "sizes",
  "buckets",
  "connections",
  "drives",
  "nodes",
  "slow-clients",
] as const;
export type SectionName = (typeof SECTIONS)[number];

/** Half of the objects that GETs read: 50,000, unless fewer are asked for. */
const listedKeys = ({ keys }: Scale) => Math.max(2_000, Math.floor(keys / 2));
const DISK_CONNECTIONS = 64;
const DELETE_CONNECTIONS = 4;

/** A measurement with what a scale says. */
function measure(
  scale: Scale,
  section: string,
  work: string,
  more: Partial<Measurement> = {},
): Measurement {
  const { seconds, rounds, connections, keys } = scale;
  return { section, work, connections, seconds, rounds, keys, ...more };
}

/** The table of all servers where nothing waits for a disk. */
function memory(scale: Scale): readonly Group[] {
  const section = "memory";
  const listed = { keys: listedKeys(scale) };
  const works = [
    [
      measure(scale, section, "put-4k"),
      measure(scale, section, "get-4k"),
      measure(scale, section, "get-4k", { isRestarted: true }),
    ],
    [measure(scale, section, "put-64k"), measure(scale, section, "get-64k")],
    ["put-1m", "get-1m", "put-16m", "get-16m", "range-64k"].map((work) =>
      measure(scale, section, work),
    ),
    [
      measure(scale, section, "list", listed),
      measure(scale, section, "list-delimiter", listed),
      measure(scale, section, "delete", { connections: DELETE_CONNECTIONS }),
    ],
  ];
  const subjects = [embedded, ...scale.peers];
  return works.map((measurements) => ({ section, medium: "memory", subjects, measurements }));
}

/** The same servers where a write is durable on a real disk. */
function disk(scale: Scale): readonly Group[] {
  const section = "disk";
  const many = { connections: DISK_CONNECTIONS };
  const works = [
    [measure(scale, section, "put-4k", many), measure(scale, section, "get-4k", many)],
    [measure(scale, section, "put-64k", many), measure(scale, section, "get-64k", many)],
    ["put-1m", "get-1m", "put-16m", "get-16m"].map((work) => measure(scale, section, work)),
  ];
  const subjects = [embedded, ...scale.peers.filter((peer) => peer.isStartedHere)];
  return works.map((measurements) => ({ section, medium: "disk", subjects, measurements }));
}

const SIZE_NAMES: readonly (readonly [string, number])[] = [
  ["1", 1],
  ["1k", KIB],
  ["4k", 4 * KIB],
  ["16k", 16 * KIB],
  ["64k", 64 * KIB],
  ["256k", 256 * KIB],
  ["1m", MIB],
  ["4m", 4 * MIB],
  ["16m", 16 * MIB],
  ["64m", 64 * MIB],
  ["256m", 256 * MIB],
  ["1g", GIB],
  ["5g", 5 * GIB],
];

/** Of large objects few at a time: they fill the memory that they lie in. */
function connectionsFor(bytes: number, most: number): number {
  if (bytes >= GIB) return 1;
  return bytes > 16 * MIB ? Math.min(4, most) : most;
}

function sizes(scale: Scale): readonly Group[] {
  const section = "sizes";
  const rounds = Math.min(scale.rounds, 3);
  return SIZE_NAMES.filter(([, bytes]) => bytes <= scale.sizeMax).map(([name, bytes]) => ({
    section,
    medium: "memory",
    subjects: [embedded],
    measurements: ["put", "get"].map((verb) => ({
      ...measure(scale, section, `${verb}-${name}`),
      x: bytes,
      keys: Math.min(scale.keys, 20_000),
      connections: connectionsFor(bytes, scale.connections),
      rounds: bytes >= GIB ? 1 : rounds,
    })),
  }));
}

const powersOfTen = (from: number, to: number) =>
  Array.from(
    { length: Math.floor(Math.log10(to / from) + 1e-9) + 1 },
    (_, power) => from * 10 ** power,
  );

/** One server whose buckets grow; the larger ones stand beside the smaller. */
function buckets(scale: Scale): readonly Group[] {
  const section = "buckets";
  const measurements = powersOfTen(1_000, scale.keysMax).flatMap((keys) =>
    ["list", "get-listed", "put-listed"].map((work) =>
      measure(scale, section, work, { x: keys, keys }),
    ),
  );
  return [{ section, medium: "memory", subjects: [embedded], measurements }];
}

const CONNECTIONS = [1, 4, 16, 64, 256, 1_000, 4_000, 10_000];

function manyConnections(scale: Scale): readonly Group[] {
  const section = "connections";
  const keys = Math.min(scale.keys, 20_000);
  const measurements = CONNECTIONS.filter((count) => count <= scale.connectionsMax).flatMap((x) =>
    ["get-4k", "put-4k"].map((work) => measure(scale, section, work, { x, keys, connections: x })),
  );
  return [{ section, medium: "memory", subjects: [embedded], measurements }];
}

const GROWTH_WORKS = ["put-4k", "get-4k", "put-1m", "get-1m", "put-16m", "get-16m"];
const DRIVES = [1, 2, 3, 4, 6, 8, 12, 16];

function drives(scale: Scale): readonly Group[] {
  const section = "drives";
  const keys = Math.min(scale.keys, 5_000);
  return DRIVES.map((x) => ({
    section,
    medium: "memory",
    subjects: [embeddedWithDrives(x)],
    measurements: GROWTH_WORKS.filter((work) => !work.endsWith("16m")).map((work) =>
      measure(scale, section, work, { x, keys, rounds: Math.min(scale.rounds, 3) }),
    ),
  }));
}

const NODES = 6;

/** Embedded against a gateway with node processes, alternating. */
function nodes(scale: Scale): readonly Group[] {
  const section = "nodes";
  const keys = Math.min(scale.keys, 5_000);
  const subjects = [embedded, clusterOf(NODES)];
  const measurements = GROWTH_WORKS.map((work) => measure(scale, section, work, { keys }));
  return [{ section, medium: "memory", subjects, measurements }];
}

/** What others feel of many slow ones, and what memory they take. */
function slowClients(scale: Scale): readonly Group[] {
  const section = "slow-clients";
  const { crowd } = scale;
  const keys = Math.min(scale.keys, 5_000);
  const measurements = ["get-4k", "put-4k"].map((work) =>
    measure(scale, section, work, { keys, crowd }),
  );
  return [{ section, medium: "memory", subjects: [embedded], measurements }];
}

const GROUPS_OF: Readonly<Record<SectionName, (scale: Scale) => readonly Group[]>> = {
  memory,
  disk,
  sizes,
  buckets,
  connections: manyConnections,
  drives,
  nodes,
  "slow-clients": slowClients,
};

export function groupsOf(section: SectionName, scale: Scale): readonly Group[] {
  return GROUPS_OF[section](scale);
}
