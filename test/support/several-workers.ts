// A supervised server, or gateway, of several workers, from outside: which process is which, and clients that are known to talk to one
// of them, for the kernel says whose a connection is.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Agent } from "node:http";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { atEnd } from "./at-end.ts";
import { givenFolder, startProcess, type KintsugiProcess } from "./kintsugi-process.ts";
import { until } from "./until.ts";

export const KEYS = { accessKey: "operator", secretKey: "operator-secret-0123456789" };
const ENV = {
  KINTSUGI_ACCESS_KEY: KEYS.accessKey,
  KINTSUGI_SECRET_KEY: KEYS.secretKey,
  KINTSUGI_ADMIN_PORT: "0",
  KINTSUGI_METRICS_PUBLIC: "on",
  KINTSUGI_BUCKETS: "bucket",
};
const START_MS_MAX = 60_000;
const TRIES_MAX = 40;

export interface WorkersOptions {
  readonly workers?: number;
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A gateway of these data nodes instead of a server with drives of its own. */
  readonly nodes?: { readonly urls: readonly string[]; readonly secret: string };
}

/** Resolves once all workers serve. */
export async function givenWorkers(options: WorkersOptions = {}): Promise<SeveralWorkers> {
  const { workers = 2, env = {}, nodes } = options;
  const folder = options.folder ?? (await givenFolder());
  const more = ["--port", "0", "--json", "--workers", String(workers)];
  const scratch = await givenFolder();
  const given = { ...ENV, TMPDIR: scratch, ...env };
  const server =
    nodes === undefined
      ? startProcess(["server", folder, ...more], { env: given })
      : startProcess(["gateway", folder, "--nodes", nodes.urls.join(","), ...more], {
          env: { ...given, KINTSUGI_CLUSTER_SECRET: nodes.secret },
        });
  const lab = new SeveralWorkers({ server, url: await server.ready(), folder, scratch });
  await lab.sidesReady(workers - 1);
  return lab;
}

type LabParts = Pick<SeveralWorkers, "folder" | "scratch" | "server" | "url">;

export class SeveralWorkers {
  readonly server: KintsugiProcess;
  readonly url: string;
  /** Holds the drives. */
  readonly folder: string;
  /** Where the server puts what is not to last. */
  readonly scratch: string;

  constructor({ server, url, folder, scratch }: LabParts) {
    this.server = server;
    this.url = url;
    this.folder = folder;
    this.scratch = scratch;
  }

  /** The first worker, which writes. */
  get lead(): number {
    return this.workers[0] ?? 0;
  }

  /** All workers that are alive, the lead first. */
  get workers(): readonly number[] {
    const { pid } = this.server;
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number).filter(isAlive);
  }

  /** Of those that have said that they serve beside the lead, the ones that are alive. */
  get sides(): readonly number[] {
    const said = [...this.server.output.matchAll(/"pid":(\d+),"msg":"a worker serves beside/g)];
    return said.map(([, pid]) => Number(pid)).filter(isAlive);
  }

  /** Resolves once so many serve beside the lead. */
  async sidesReady(count: number): Promise<void> {
    await until(START_MS_MAX, `${count} sides`, () => this.sides.length === count);
  }

  get adminUrl(): string {
    return String((JSON.parse(this.server.stdout.split("\n")[0] ?? "") as Banner).adminEndpoint);
  }

  /** Samples of the metrics page by their names, labels included. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const page = await (await fetch(`${this.adminUrl}/metrics`)).text();
    const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(
      lines.map((line) => [line.replace(/ \S+$/, ""), Number(line.split(" ").at(-1))]),
    );
  }

  /** A client of any worker, which tries as often as the SDK does. */
  client(): S3Client {
    return this.#open(new Agent({ keepAlive: true }), 3);
  }

  /** A client whose only connection is one of this worker's. */
  async clientAt(pid: number): Promise<S3Client> {
    const others: S3Client[] = [];
    try {
      for (let tries = 0; tries < TRIES_MAX; tries += 1) {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        const client = this.#open(agent, 1);
        await client.send(new ListBucketsCommand({}));
        if (this.#ownerOf(agent) === pid) return client;
        // Kept open: each worker has its turn.
        others.push(client);
      }
    } finally {
      for (const client of others) client.destroy();
    }
    throw new Error(`no connection came to the worker ${pid}:\n${this.server.output}`);
  }

  #open(agent: Agent, maxAttempts: number): S3Client {
    const client = new S3Client({
      endpoint: this.url,
      region: "us-east-1",
      credentials: { accessKeyId: KEYS.accessKey, secretAccessKey: KEYS.secretKey },
      maxAttempts,
      requestHandler: { httpAgent: agent },
    });
    atEnd(() => {
      client.destroy();
      agent.destroy();
    });
    return client;
  }

  /** The worker that has the other end of the agent's idle connection; undefined where it has none. */
  #ownerOf(agent: Agent): number | undefined {
    const [socket] = Object.values(agent.freeSockets).flat();
    const inode = inodeOf(Number(new URL(this.url).port), socket?.localPort ?? 0);
    return this.workers.find((pid) => inode !== undefined && hasSocket(pid, inode));
  }
}

interface Banner {
  readonly adminEndpoint?: string;
}

/** Of the connection from `remotePort` to `localPort`, at its end. */
function inodeOf(localPort: number, remotePort: number): string | undefined {
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n");
  const fields = lines.map((line) => line.trim().split(/\s+/));
  const found = fields.find(
    ([, local = "", remote = ""]) =>
      local.endsWith(hexOf(localPort)) && remote.endsWith(hexOf(remotePort)),
  );
  return found?.[9];
}

function hexOf(port: number): string {
  return `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

function hasSocket(pid: number, inode: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => linkOf(`${folder}/${fd}`) === `socket:[${inode}]`);
  } catch {
    return false;
  }
}

/** Empty for a file that has been closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
