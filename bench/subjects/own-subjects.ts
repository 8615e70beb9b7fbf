// Kintsugi as it is measured: embedded, with any number of drives, and as a gateway with data nodes.

import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { OWN_KEYS, startKintsugi, startOwnServer, type StartedKintsugi } from "../own-server.ts";
import { type Running, type Subject, targetOf } from "./subject.ts";

export const OWN_NAME = "kintsugi";
const KEYS = { accessKey: OWN_KEYS.KINTSUGI_ACCESS_KEY, secretKey: OWN_KEYS.KINTSUGI_SECRET_KEY };

/** All defaults: six drive folders, 4+2. */
export const embedded: Subject = {
  name: OWN_NAME,
  about: "this tree, embedded, 4+2 on six folders",
  isStartedHere: true,
  start: (folder) => startEmbedded(folder, []),
};

export function embeddedWithDrives(drives: number): Subject {
  return {
    ...embedded,
    about: `this tree, embedded, ${drives} drives`,
    start: (folder) => startEmbedded(folder, ["--drives", String(drives)]),
  };
}

async function startEmbedded(folder: string, args: readonly string[]): Promise<Running> {
  const server = await startOwnServer({ folder, args });
  return { target: targetOf(server.endpoint, KEYS), pids: [server.pid], stop: server.stop };
}

/** A gateway and `count` node processes with a drive each, over HTTP on loopback. */
export function clusterOf(count: number): Subject {
  return {
    name: `${OWN_NAME}-nodes`,
    about: `this tree, a gateway and ${count} node processes`,
    isStartedHere: true,
    start: (folder) => startCluster(folder, count),
  };
}

/** The secret of the cluster that lies in a folder. */
const secrets = new Map<string, string>();

async function startCluster(folder: string, count: number): Promise<Running> {
  const secret = secrets.get(folder) ?? randomBytes(32).toString("hex");
  secrets.set(folder, secret);
  const env = { ...OWN_KEYS, KINTSUGI_CLUSTER_SECRET: secret };
  const started: StartedKintsugi[] = [];
  const stop = async () => {
    for (const each of started.toReversed()) await each.stop();
  };
  try {
    const urls: string[] = [];
    for (let node = 1; node <= count; node += 1) {
      const drive = join(folder, `node-${node}`);
      mkdirSync(drive, { recursive: true });
      const server = await startKintsugi({ args: ["node", drive, "--port", "0"], env });
      started.push(server);
      urls.push(server.endpoint.origin);
    }
    const ports = ["--port", "0", "--admin-port", "none"];
    const args = ["gateway", join(folder, "gateway"), "--nodes", urls.join(","), ...ports];
    const gateway = await startKintsugi({ args, env });
    started.push(gateway);
    return { target: targetOf(gateway.endpoint, KEYS), pids: started.map(({ pid }) => pid), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
