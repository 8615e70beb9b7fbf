// The command line of `npm run bench` and `npm run bench:matrix`, where they are the same: how long, and against whom.

import { OWN_NAME } from "./subjects/own-subjects.ts";
import { readPeers, urlPeer } from "./subjects/peers.ts";
import type { Keys, Subject } from "./subjects/subject.ts";

export const text = { type: "string" } as const;
export const texts = { type: "string", multiple: true } as const;
export const flag = { type: "boolean" } as const;

/** What both commands take. */
export const commonOptions = {
  help: flag,
  against: texts,
  "against-access-key": text,
  "against-secret-key": text,
  "against-pid": text,
  peers: text,
  seconds: text,
  rounds: text,
  connections: text,
  keys: text,
} as const;

export const COMMON_USAGE = `  --peers FILE          other servers, started from commands (see bench/README.md)
  --against [NAME=]URL  another one that runs already; may be given several times
                        --against-access-key, --against-secret-key, --against-pid: of one without a name
                        BENCH_NAME_ACCESS_KEY, BENCH_NAME_SECRET_KEY, BENCH_NAME_PID: of one with a name
  --seconds N           of each round
  --rounds N            of each work
  --keys N              distinct small objects that GETs read`;

export interface AgainstValues {
  readonly against?: string[] | undefined;
  readonly "against-access-key"?: string | undefined;
  readonly "against-secret-key"?: string | undefined;
  readonly "against-pid"?: string | undefined;
  readonly peers?: string | undefined;
}

/** @throws Error with words for the user. */
export function peersOf(values: AgainstValues): readonly Subject[] {
  const running = (values.against ?? []).map((entry) => {
    const [, name, url = ""] = /^(?:([\w-]+)=)?(.+)$/.exec(entry) ?? [];
    if (name !== undefined) return named(name, url);
    return unnamed(url, values);
  });
  const peers = [...(values.peers === undefined ? [] : readPeers(values.peers)), ...running];
  const names = [OWN_NAME, ...peers.map((peer) => peer.name)];
  if (new Set(names).size < names.length)
    throw new Error(`two servers of one name: ${names.join(", ")}`);
  return peers;
}

function named(name: string, url: string): Subject {
  const of = (what: string) =>
    process.env[`BENCH_${name.toUpperCase().replaceAll("-", "_")}_${what}`];
  const keys = keysOf(url, of("ACCESS_KEY"), of("SECRET_KEY"));
  return urlPeer({ name, url: new URL(url), pid: pidOf(of("PID")), ...keys });
}

function unnamed(url: string, values: AgainstValues): Subject {
  const secret = values["against-secret-key"] ?? process.env["BENCH_AGAINST_SECRET_KEY"];
  const keys = keysOf(url, values["against-access-key"], secret);
  const pid = pidOf(values["against-pid"]);
  return urlPeer({ name: "against", url: new URL(url), pid, ...keys });
}

/** @throws Error where one is missing. */
export function keysOf(url: string, accessKey?: string, secretKey?: string): Keys {
  if (accessKey === undefined || secretKey === undefined) throw new Error(`${url} needs its keys`);
  return { accessKey, secretKey };
}

export const pidOf = (value: string | undefined) =>
  value === undefined ? undefined : Number(value);

/** @throws Error where it is not a positive number. */
export function numberOf(value: string | undefined, fallback: number): number {
  const number = Number(value ?? fallback);
  if (!(number > 0)) throw new Error(`not a positive number: ${value}`);
  return number;
}
