// Runs a role that serves: starts it with the settings, says so on standard output, and ends it when it is told to.
// Standard output has the banner and the line "ready URL", and nothing else; the log goes to standard error.

import { lookup } from "node:dns/promises";
import { readConfig, type Config } from "./config.ts";
import type { KeyPair } from "./config/credential-rules.ts";
import type { Settings } from "./config/settings-table.ts";
import type { RunningServer } from "./server.ts";
import { UsageError } from "./config/usage-error.ts";
import { openLogger, type OpenLogger } from "./telemetry/logger.ts";
import { realClock } from "./util/clock.ts";
import type { AdminFaceOptions } from "./wiring/admin-face.ts";
import { renderBannerJson, renderBannerText } from "./wiring/banner.ts";
import type { GivenEncryption } from "./wiring/master-keyring.ts";
import type { S3FaceOptions } from "./wiring/s3-face.ts";
import type { SupervisorLink } from "./wiring/supervisor-link.ts";
import type { SideOrders, SidePlan } from "./wiring/supervisor-protocol.ts";

type ServingRole = "gateway" | "node" | "server";

/** A role that serves, and what it has to say of itself. */
interface Started {
  readonly endpoint: string;
  readonly bannerText: string;
  readonly bannerJson: string;
  /** How long the oldest write of metadata has been under way, in milliseconds. */
  writeWaitMs?(): number;
  /** Who may serve beside it. */
  readonly sides?: SidePlan | undefined;
  /** So many connections end with their next answer. */
  shed?(count: number): void;
  close(): Promise<void>;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
const FOLDER_DEFAULT = "./data";

/** Resolves when the role serves; from then on signals, or the supervisor, end the process. */
export async function runRole(
  role: ServingRole,
  args: readonly string[],
  link: SupervisorLink | undefined,
): Promise<void> {
  const side = link?.orders.side;
  if (link !== undefined && side !== undefined) {
    await runSide(link, side);
    return;
  }
  const config = await readConfig({ role, args, env: process.env, mayCreate: true });
  const { settings } = config;
  if (link !== undefined && !settings.supervisor) refuseLateWish();
  if (link === undefined && config.origins.get("workers") !== "default" && settings.workers > 1) {
    throw new UsageError("--workers needs the supervisor: leave --supervisor off away, or both");
  }
  const logger = openRoleLogger(settings, link);
  const stopping = stopOnSignal(logger, link);
  const started = await START[role](config, logger, link);
  stopping.use(started);
  link?.onShed((count) => started.shed?.(count));
  if (started.sides !== undefined && link?.isDealtTo === false) {
    logger.info({}, "one worker serves: the address is one that workers cannot share");
  }
  // Before anybody can read that it serves.
  link?.noteReady(
    () => started.writeWaitMs?.() ?? 0,
    // Connections that the supervisor does not deal out can reach nobody else.
    link.isDealtTo ? started.sides : undefined,
  );
  process.stdout.write(`${settings.json ? started.bannerJson : started.bannerText}\n`);
  process.stdout.write(`ready ${started.endpoint}\n`);
}

/** Serves beside another worker, which says what to serve from. */
async function runSide(link: SupervisorLink, orders: SideOrders): Promise<void> {
  const { SideControl } = await import("./wiring/side-control.ts");
  // Without the one that writes there is nothing to serve, and nothing to finish.
  const control = new SideControl(orders, () => process.kill(process.pid, "SIGKILL"));
  const serving = import("./wiring/serve-side.ts");
  const { welcome, incarnation } = await control.welcome();
  const { config, encryption } = welcome;
  const logger = openRoleLogger(config.settings, link);
  const stopping = stopOnSignal(logger, link);
  const { serveSide } = await serving;
  const options = s3Options(config, { logger, link, encryption });
  const onUseless = (): void => {
    logger.error(
      {},
      "the metadata's writer or the drives are out of reach: this worker ends, and another follows",
    );
    logger.flush();
    process.exit(1);
  };
  const server = await serveSide({ orders, control, welcome, incarnation, onUseless }, options);
  stopping.use({
    close: async () => {
      await server.close();
      control.close();
    },
  });
  link.onShed((count) => server.shed(count));
  link.noteReady(() => server.writeWaitMs());
  logger.info({ number: orders.number, pid: process.pid }, "a worker serves beside the first");
}

function openRoleLogger(settings: Settings, link: SupervisorLink | undefined): OpenLogger {
  const logger = openLogger(settings.logLevel);
  for (const secret of [settings.secretKey, settings.clusterSecret]) {
    if (secret !== undefined) logger.hide(secret);
  }
  process.once("exit", () => logger.flush());
  endOnFault(logger);
  link?.useLogger(logger);
  return logger;
}

/** By then the supervisor is there. */
function refuseLateWish(): never {
  throw new UsageError(
    "the settings file turns the supervisor off, and is read too late for that: " +
      "give --supervisor off or KINTSUGI_SUPERVISOR=off",
  );
}

/** Signals that come before requests are answered end the role at once: nothing is acknowledged yet. */
function stopOnSignal(
  logger: OpenLogger,
  link: SupervisorLink | undefined,
): { use: (started: Pick<Started, "close">) => void } {
  let use: ((started: Pick<Started, "close">) => void) | undefined;
  const whenStarted = new Promise<Pick<Started, "close">>((resolve) => (use = resolve));
  let isStarted = false;
  let isStopping = false;
  const end = (code: number): never => link?.end(code) ?? process.exit(code);
  const stop = async (signal: string): Promise<never> => {
    if (isStopping || !(isStarted || link?.isServing === true)) return end(isStopping ? 1 : 0);
    isStopping = true;
    logger.info({ signal }, "stopping: requests under way are finished, no new ones taken");
    try {
      const started = await whenStarted;
      await started.close();
    } catch (error) {
      logger.error({ err: error }, "could not stop cleanly");
      return end(1);
    }
    return end(0);
  };
  for (const signal of SIGNALS) {
    // A terminal signals the whole group; a worker hears of it once, from its supervisor.
    process.on(signal, () => void (link === undefined && stop(signal)));
  }
  link?.onStop((signal) => void stop(signal));
  return {
    use: (started) => {
      isStarted = true;
      use?.(started);
    },
  };
}

/** After a fault that nobody caught the state is unknown: the process ends, and whoever runs it starts it again. */
function endOnFault(logger: OpenLogger): void {
  const end = (error: unknown, kind: string): never => {
    logger.fatal({ err: error instanceof Error ? error : new Error(String(error)) }, kind);
    logger.flush();
    process.exit(1);
  };
  process.on("uncaughtException", (error) => end(error, "an exception that nothing caught"));
  process.on("unhandledRejection", (error) => end(error, "a rejection that nothing caught"));
}

const START = { gateway: startGateway, node: startNode, server: startEmbedded };

async function startEmbedded(
  config: Config,
  logger: OpenLogger,
  link?: SupervisorLink,
): Promise<Started> {
  const { openEmbedded } = await import("./server.ts");
  const { settings, operands, origins } = config;
  const encryption = await readEncryption(settings);
  const sideCount = await countSides(settings, logger, link);
  const server = await openEmbedded({
    ...s3Options(config, { logger, link, encryption }),
    folders: operands,
    drives: { count: settings.drives, isGiven: origins.get("drives") !== "default" },
    acceptLoss: settings.acceptLoss,
    clusterId: settings.clusterId,
    ...(link === undefined ? {} : { supervision: link }),
    ...(sideCount === 0 ? {} : { sides: { count: sideCount, config } }),
  });
  return withBanner(server, settings, link);
}

/** How many workers are to serve beside this one. */
async function countSides(
  { host, workers }: Settings,
  logger: OpenLogger,
  link: SupervisorLink | undefined,
): Promise<number> {
  if (link === undefined || workers === 1) return 0;
  // What is wrong with a name is told by whoever listens.
  const addresses = await lookup(host, { all: true }).catch(() => []);
  if (addresses.length <= 1) return workers - 1;
  logger.info(
    { host },
    "one worker serves: the name has several addresses, which workers cannot share",
  );
  return 0;
}

async function startGateway(
  config: Config,
  logger: OpenLogger,
  link?: SupervisorLink,
): Promise<Started> {
  const { openGateway } = await import("./server.ts");
  const { settings, operands } = config;
  const [folder = FOLDER_DEFAULT, ...more] = operands;
  if (more.length > 0) throw new UsageError("a gateway has one DIR, for its metadata");
  const sideCount = await countSides(settings, logger, link);
  const gateway = await openGateway({
    ...s3Options(config, { logger, link, encryption: await readEncryption(settings) }),
    folder,
    nodes: settings.nodes,
    clusterSecret: secretOf(settings),
    // Standard output belongs to the banner.
    onProgress: (words) => process.stderr.write(`kintsugi: ${words}\n`),
    acceptLoss: settings.acceptLoss,
    clusterId: settings.clusterId,
    onFenced: (words) => endFenced(words, logger, link),
    ...(sideCount === 0 ? {} : { sides: { count: sideCount, config } }),
  });
  return withBanner(gateway, settings, link);
}

/**
 * The drives belong to another process now: this one must change nothing, and tell nothing, any more. Nor may another
 * worker follow it, which would take them back.
 */
function endFenced(words: string, logger: OpenLogger, link: SupervisorLink | undefined): never {
  logger.fatal({}, words);
  logger.flush();
  return link?.end(1) ?? process.exit(1);
}

async function startNode(config: Config, logger: OpenLogger): Promise<Started> {
  const { openDataNode } = await import("./wiring/data-node.ts");
  const { settings, operands } = config;
  const node = await openDataNode({
    folders: operands.length === 0 ? [FOLDER_DEFAULT] : operands,
    host: settings.host,
    port: settings.port,
    zone: settings.zone,
    clusterSecret: secretOf(settings),
    clock: realClock,
    logger,
  });
  const { endpoint, nodeId, driveCount, remarks } = node;
  const notes = remarks.map((remark) => `\n  note        ${remark}`);
  return {
    endpoint,
    bannerText: `Kintsugi data node ${nodeId} serves ${driveCount} ${driveCount === 1 ? "drive" : "drives"} at ${endpoint}${notes.join("")}`,
    bannerJson: JSON.stringify({ endpoint, nodeId, drives: driveCount, pid: process.pid, remarks }),
    close: () => node.close(),
  };
}

function withBanner(
  server: RunningServer,
  settings: Settings,
  link: SupervisorLink | undefined,
): Started {
  const banner = { ...server, region: settings.region, pid: link?.supervisorPid };
  return {
    endpoint: server.endpoint,
    bannerText: renderBannerText(banner),
    bannerJson: renderBannerJson(banner),
    sides: server.sides,
    shed: (count) => server.shed(count),
    writeWaitMs: () => server.writeWaitMs(),
    close: () => server.close(),
  };
}

async function readEncryption(settings: Settings): Promise<GivenEncryption> {
  const { readKmsKeys, readMasterKeys } = await import("./wiring/given-master-keys.ts");
  const masterKeys = await readMasterKeys(settings);
  return { masterKeys, kmsKeys: await readKmsKeys(settings) };
}

interface FaceParts {
  readonly logger: OpenLogger;
  readonly link: SupervisorLink | undefined;
  readonly encryption: GivenEncryption | undefined;
}

function s3Options(config: Config, { logger, link, encryption }: FaceParts): S3FaceOptions {
  const { settings } = config;
  const { tlsCert, tlsKey, accessKey, secretKey } = settings;
  const keys: KeyPair | undefined =
    accessKey === undefined || secretKey === undefined ? undefined : { accessKey, secretKey };
  return {
    host: settings.host,
    port: settings.port,
    region: settings.region,
    domains: settings.domain,
    publicHosts: settings.publicHosts,
    sigv2: settings.sigv2,
    encryption,
    takesKeysOverHttp: settings.keysOverHttp,
    hasFastEtags: settings.etag === "fast",
    keepTrashMs: settings.keepTrash,
    tls:
      tlsCert === undefined || tlsKey === undefined
        ? undefined
        : { certPath: tlsCert, keyPath: tlsKey },
    keys,
    users: settings.users,
    newBuckets: settings.newBuckets,
    buckets: settings.buckets,
    admin: adminOptions(config),
    repair: settings,
    clock: realClock,
    logger,
    ...(link === undefined
      ? {}
      : {
          takeSocket: (host: string, port: number) =>
            link.takeSocket(host, port, settings.workers > 1),
          onServing: () => link.noteServing(),
        }),
  };
}

function adminOptions({ settings, origins }: Config): AdminFaceOptions | undefined {
  const { adminHost, adminPort, metricsPublic, metricsToken, port } = settings;
  if (adminPort === "none") return undefined;
  const isPortGiven = origins.get("adminPort") !== "default";
  return {
    host: adminHost,
    // Whoever takes any free port for S3 runs several servers, or tests: one fixed port would be in the way of the next.
    port: !isPortGiven && port === 0 ? 0 : adminPort,
    isPortGiven,
    metrics: { isPublic: metricsPublic, token: metricsToken },
  };
}

function secretOf({ clusterSecret }: Settings): string {
  if (clusterSecret === undefined) throw new UsageError("the cluster's secret is missing");
  return clusterSecret;
}
