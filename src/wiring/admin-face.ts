// The admin API of a server or gateway: its own port, over the same store. Loaded once S3 is served, so that it costs the
// start nothing. Where the default port is taken the server goes on without it, and says so; a port that was asked for
// must be free.

import { AdminAccess, type MetricsAccess } from "../admin/admin-access.ts";
import type { AdminCatalog } from "../admin/admin-catalog.ts";
import type { AdminDrives } from "../admin/admin-drives.ts";
import type { AdminHealing } from "../admin/admin-healing.ts";
import type { AdminJobs } from "../admin/admin-jobs.ts";
import type { AdminKeys } from "../admin/admin-keys.ts";
import type { AdminNodes } from "../admin/admin-nodes.ts";
import type { AdminQuotas } from "../admin/admin-quotas.ts";
import { openAdminServer, type AdminServer } from "../admin/admin-server.ts";
import { JobDesk } from "../admin/job-desk.ts";
import type { OtherProcesses } from "../admin/process-metrics.ts";
import { StatusBoard } from "../admin/status-board.ts";
import type { ServerFacts } from "../admin/status-report.ts";
import type { WorkerStatus } from "../background/worker.ts";
import { refuseKnownPair, type KeyPair } from "../config/credential-rules.ts";
import type { StoreStatus } from "../store/store-status.ts";
import type { OpenLogger } from "../telemetry/logger.ts";
import type { CountsView } from "../telemetry/summed-counts.ts";
import type { Clock } from "../util/clock.ts";
import { rootAccount } from "./accounts.ts";
import type { CloseStack } from "./close-stack.ts";
import { endpointOf } from "./endpoint.ts";
import { errnoOf } from "./explain-failure.ts";
import { StartError } from "./start-error.ts";
import { readTlsPair, watchTlsPair, type TlsPair, type TlsPaths } from "./tls-files.ts";

export interface AdminFaceOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Whether somebody asked for this very port. */
  readonly isPortGiven: boolean;
  readonly metrics: MetricsAccess;
}

export interface AdminFaceParts {
  readonly inspect: () => Promise<StoreStatus>;
  /** Whether requests are answered now. */
  readonly isServing: () => boolean;
  readonly workers: () => readonly WorkerStatus[];
  readonly healing: AdminHealing;
  readonly jobs: AdminJobs;
  readonly keys: AdminKeys;
  readonly nodes: AdminNodes;
  readonly quotas: AdminQuotas;
  readonly catalog: AdminCatalog;
  readonly drives: AdminDrives;
  readonly counts: CountsView;
  /** Processes that serve beside this one. */
  readonly others: () => OtherProcesses;
  readonly facts: ServerFacts;
  readonly root: KeyPair;
  readonly publicHosts: readonly string[];
  readonly tls: TlsPaths | undefined;
  readonly clock: Clock;
  readonly logger: OpenLogger;
}

export interface AdminFace {
  /** Undefined where it could not be opened. */
  readonly endpoint: string | undefined;
  readonly remarks: readonly string[];
}

/** Serves when it resolves. What it opens is put on the close stack. @throws when a port that was asked for is taken. */
export async function openAdminFace(
  parts: AdminFaceParts,
  options: AdminFaceOptions,
  closeStack: CloseStack,
): Promise<AdminFace> {
  const { tls, logger, root } = parts;
  const { host, metrics } = options;
  refuseKnownPair(root, host);
  if (metrics.token !== undefined) logger.hide(metrics.token);
  let pair = tls === undefined ? undefined : await readTlsPair(tls);
  const server = openAdminServer({
    context: contextOf(parts, () => pair?.endsAt),
    access: new AdminAccess({
      root: { ...root, account: rootAccount },
      clock: parts.clock,
      publicHosts: parts.publicHosts,
      metrics,
    }),
    clock: parts.clock,
    logger,
    tls: pair,
  });
  const port = await listenOrSay(server, options);
  if (typeof port === "string") return { endpoint: undefined, remarks: [port] };
  closeStack.add(() => server.close());
  const use = (renewed: TlsPair): void => server.setTls((pair = renewed));
  if (tls !== undefined) closeStack.add(watchTlsPair(tls, use, logger));
  return { endpoint: endpointOf({ host, port, isTls: tls !== undefined }), remarks: [] };
}

function contextOf(parts: AdminFaceParts, certificateEndsAt: () => number | undefined) {
  const { catalog, drives, facts, healing, jobs, keys, nodes, quotas, counts, others, clock } =
    parts;
  const desk = new JobDesk(() => clock.now());
  const processCount = (): number => 1 + others().figures.length;
  const board = new StatusBoard({ ...parts, processCount, desk, certificateEndsAt });
  const desks = { catalog, desk, drives, healing, jobs, keys, nodes, quotas };
  return { ...desks, board, facts, counts, others };
}

/** Resolves to the port, or to why there is none. */
async function listenOrSay(
  server: AdminServer,
  { host, port, isPortGiven }: AdminFaceOptions,
): Promise<number | string> {
  try {
    return (await server.listen(host, port)).port;
  } catch (error) {
    if (errnoOf(error)?.code !== "EADDRINUSE") throw error;
    const words = `port ${port} of ${host} is in use: give another with --admin-port`;
    // Without the cause: what is usually said of a port in use names another flag.
    if (isPortGiven) throw new StartError(`the admin API cannot be opened, for ${words}`);
    return `the admin API is not open, for ${words}`;
  }
}
