// A data node: serves the shards of its drives to gateways that prove that they know the cluster secret: in HTTP, and on the
// channels for reads and for writes that HTTP's upgrades open. Fastify carries the routes. The order for every request: URL, proof, protocol,
// body digest, then the drive. Only liveness and readiness are open, and they tell nothing.
// Invariant: nothing is read from or written to a drive for a request that is not proven.

import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "../telemetry/logger.ts";
import { assert } from "../util/assert.ts";
import type { Clock } from "../util/clock.ts";
import { renderOwners } from "./journal-messages.ts";
import { allRoutes, DriveService } from "./drive-service.ts";
import { errorAnswer, isKnownError, sendAnswer, sendStream } from "./node-answer.ts";
import { boundConnections, lingerOver, makeApp, noRoute, SILENCE_MS } from "./node-app.ts";
import type { DriveJournal } from "./node-journal.ts";
import type { CallRoute, DriveAnswer } from "./node-routes.ts";
import { agreeTo, lastResponse } from "./node-upgrade.ts";
import { OWNER_HEADER } from "./owner-header.ts";
import {
  checkUrl,
  driveOfReads,
  HELLO_PATH,
  isNodeId,
  OWNERS_PATH,
  PROTOCOL_HEADER,
  PROTOCOL_VERSION,
  RefusedRequestError,
  renderHello,
  SMALL_BODY_BYTES_MAX,
  WRITES_PATH,
} from "./protocol.ts";
import { READ_UPGRADE } from "./read-frames.ts";
import { ReadMemory } from "./read-memory.ts";
import { ReadService } from "./read-service.ts";
import { RequestBodies } from "./request-bodies.ts";
import {
  deriveClusterKeys,
  deriveReadKeys,
  deriveWriteKeys,
  RequestVerifier,
  type ClusterKeys,
  type SignedRequest,
} from "./rpc-auth.ts";
import { ShardError, type ShardStore } from "./shard-store.ts";
import { WRITE_UPGRADE } from "./write-frames.ts";
import { WriteService } from "./write-service.ts";

const LIVE_PATH = "/_kintsugi/live";
const READY_PATH = "/_kintsugi/ready";

/** Requests in HTTP at a time. */
const REQUEST_COUNT_MAX = 512;

export interface NodeServerOptions {
  /** The drives that it serves; closing them is the caller's. */
  readonly drives: readonly ShardStore[];
  /** Of the drives that may be members of the metadata; closing them is the caller's. */
  readonly journals?: readonly DriveJournal[];
  /** 1 to 64 letters, digits, dots, dashes and underscores, the same at every start. */
  readonly nodeId: string;
  /** What fails together with it. */
  readonly zone?: string | undefined;
  /** The cluster secret. */
  readonly secret: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface NodeServer {
  /** Resolves once it accepts connections. Port 0 takes a free one. */
  listen(host: string, port: number): Promise<{ readonly port: number }>;
  /** Takes no more requests, waits up to `graceMs` milliseconds for those under way, and cuts the rest off. */
  close(graceMs: number): Promise<void>;
}

/** @throws RangeError when the secret is too short. */
export async function openNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  assert(isNodeId(options.nodeId), "a node id is short and plain");
  const server = new DataNode(options);
  await server.ready();
  return server;
}

/** What a proven request asks for. */
interface ProvenWork {
  readonly work: (signed: SignedRequest, body: Uint8Array) => Promise<DriveAnswer>;
  /** Of its body, where that is no stream. */
  readonly bodyBytesMax?: number | undefined;
}

class DataNode implements NodeServer {
  readonly #app: FastifyInstance;
  readonly #keys: ClusterKeys;
  readonly #verifier: RequestVerifier;
  readonly #service: DriveService;
  readonly #hello: Buffer;
  readonly #logger: Logger;
  readonly #reads: ReadService;
  readonly #writes: WriteService;
  readonly #bodies = new RequestBodies();
  /** The signatures that were found good, until their request is over. */
  readonly #signed = new WeakMap<IncomingMessage, SignedRequest>();
  #requestCount = 0;
  #isClosing = false;

  constructor(options: NodeServerOptions) {
    const { drives, journals = [], nodeId, zone, secret, clock, logger } = options;
    const session = randomBytes(16).toString("hex");
    this.#keys = deriveClusterKeys(secret);
    this.#verifier = new RequestVerifier({ keys: this.#keys, nodeId, session, clock });
    this.#service = new DriveService({ drives, journals, clock, bodies: this.#bodies });
    const driveIds = drives.map((drive) => drive.driveId);
    this.#hello = renderHello({ nodeId, session, driveIds, zone });
    this.#logger = logger;
    this.#reads = new ReadService({ memory: new ReadMemory(), logger, silenceMs: SILENCE_MS });
    this.#writes = new WriteService({
      find: (write) => this.#service.find(write),
      logger,
      silenceMs: SILENCE_MS,
    });
    this.#app = makeApp();
    this.#addRoutes();
  }

  async ready(): Promise<void> {
    await this.#app.ready();
    const { server } = this.#app;
    boundConnections(server);
    server.on("upgrade", (raw: IncomingMessage, socket: Socket, rest: Buffer) => {
      // What came with the request is not HTTP's any more.
      if (rest.length > 0) socket.unshift(rest);
      this.#upgrade(raw, socket);
    });
  }

  async listen(host: string, port: number): Promise<{ readonly port: number }> {
    await this.#app.listen({ host, port });
    const address = this.#app.server.address();
    assert(typeof address === "object" && address !== null, "a TCP server has an address");
    return { port: address.port };
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    this.#reads.close();
    this.#writes.close();
    const timer = setTimeout(() => {
      this.#app.server.closeAllConnections();
      this.#reads.destroy();
      this.#writes.destroy();
    }, graceMs);
    await this.#app.close();
    clearTimeout(timer);
    await this.#service.close();
  }

  /** Agrees to a channel, or refuses: nothing else is upgraded. */
  #upgrade(raw: IncomingMessage, socket: Socket): void {
    socket.on("error", () => undefined);
    try {
      this.#letIn(raw, undefined, true);
      if (raw.method !== "GET") throw noRoute();
      if (this.#isClosing) throw new ShardError("Unavailable", "the node is closing");
      this.#serveChannel(raw, socket);
    } catch (error) {
      this.#refuseTo(lastResponse(raw, socket), raw, error);
    }
  }

  #serveChannel(raw: IncomingMessage, socket: Socket): void {
    const { headers, url = "" } = raw;
    const signed = this.#signed.get(raw);
    assert(signed !== undefined, "only proven requests are handled");
    const [keys, { nonce }] = [this.#keys, signed];
    const driveId = driveOfReads(url);
    if (driveId !== undefined && headers.upgrade === READ_UPGRADE) {
      const drive = this.#service.driveOf(driveId);
      const salt = agreeTo(READ_UPGRADE, socket, { keys, nonce });
      this.#reads.serve({ socket, drive, keys: deriveReadKeys(keys, nonce, salt) });
    } else if (url === WRITES_PATH && headers.upgrade === WRITE_UPGRADE) {
      const salt = agreeTo(WRITE_UPGRADE, socket, { keys, nonce });
      this.#writes.serve(socket, deriveWriteKeys(keys, nonce, salt));
    } else {
      throw noRoute();
    }
  }

  #addRoutes(): void {
    const app = this.#app;
    app.addHook("onRequest", async ({ raw, routeOptions }) => this.#letIn(raw, routeOptions.url));
    app.setErrorHandler((error, { raw }, reply) => this.#refuse(raw, reply, error));
    app.setNotFoundHandler(({ raw }, reply) => this.#refuse(raw, reply, noRoute()));
    app.get(LIVE_PATH, (_request, reply) => reply.send({ status: "live" }));
    app.get(READY_PATH, (_request, reply) => {
      const status = this.#isClosing ? "closing" : "ready";
      return reply.code(this.#isClosing ? 503 : 200).send({ status });
    });
    app.get(HELLO_PATH, ({ raw }, reply) =>
      this.#run(raw, reply, { work: async () => ({ status: 200, body: this.#hello }) }),
    );
    app.get(OWNERS_PATH, ({ raw }, reply) =>
      this.#run(raw, reply, {
        work: async () => ({ status: 200, body: renderOwners(await this.#service.owners()) }),
      }),
    );
    for (const route of allRoutes) {
      // Those are asked on channels for writes.
      if (route.method === "PUT") continue;
      app.route({
        method: route.method,
        url: route.pattern,
        handler: (request, reply) => this.#serveDrive(route, request, reply),
      });
    }
  }

  /** @throws RefusedRequestError */
  #letIn(raw: IncomingMessage, pattern: string | undefined, isUpgrade = false): void {
    if (pattern === LIVE_PATH || pattern === READY_PATH) return;
    // Fastify would answer 415 to types that it does not know before a route sees them.
    delete raw.headers["content-type"];
    const { method = "", url = "" } = raw;
    checkUrl(url);
    const { authorization } = raw.headers;
    const protocol = raw.headers[PROTOCOL_HEADER];
    if (authorization !== undefined && protocol !== PROTOCOL_VERSION) {
      throw new RefusedRequestError(
        "UnknownProtocol",
        `this node speaks ${PROTOCOL_VERSION} and no other protocol: run the same version everywhere`,
      );
    }
    const isHello = pattern === HELLO_PATH;
    const owner = ownerHeaderOf(raw);
    this.#signed.set(
      raw,
      this.#verifier.verify({ method, url, isHello, isUpgrade, owner }, authorization),
    );
  }

  async #serveDrive(route: CallRoute, { raw, params }: FastifyRequest, reply: FastifyReply) {
    const parameters = new Map(Object.entries(params ?? {}));
    const { bodyBytesMax, patienceMs } = route;
    const work = (signed: SignedRequest, body: Uint8Array): Promise<DriveAnswer> => {
      const driveId = String(parameters.get("drive"));
      const parameter = String(parameters.get("shard") ?? parameters.get("bucket"));
      const target = { driveId, parameter, url: raw.url ?? "", owner: signed.owner };
      return this.#service.call(route, target, body);
    };
    // What takes long then is work on a drive, not a gateway that is silent.
    if (patienceMs !== undefined) raw.socket.setTimeout(patienceMs);
    await this.#run(raw, reply, { work, bodyBytesMax });
    if (patienceMs !== undefined) raw.socket.setTimeout(SILENCE_MS);
  }

  /** Runs what a proven request asks for, within the bounds, and answers. */
  async #run(
    raw: IncomingMessage,
    reply: FastifyReply,
    { work, bodyBytesMax: bytesMax = SMALL_BODY_BYTES_MAX }: ProvenWork,
  ): Promise<void> {
    const signed = this.#signed.get(raw);
    assert(signed !== undefined, "only proven requests are handled");
    if (this.#requestCount >= REQUEST_COUNT_MAX) {
      return this.#refuse(raw, reply, new ShardError("Unavailable", "the node is busy"));
    }
    this.#requestCount += 1;
    try {
      await this.#bodies.use(raw, { signed, bytesMax }, async (body) => {
        await this.#answer(reply, signed, await work(signed, body));
      });
    } catch (error) {
      this.#refuse(raw, reply, error);
    } finally {
      this.#requestCount -= 1;
    }
  }

  async #answer(reply: FastifyReply, signed: SignedRequest, answer: DriveAnswer): Promise<void> {
    const response = reply.hijack().raw;
    const { stream } = answer;
    if (response.destroyed) {
      await answer.undo?.();
      await stream?.chunks[Symbol.asyncIterator]().return?.();
      return;
    }
    const asker = { keys: this.#keys, nonce: signed.nonce };
    if (stream !== undefined) await sendStream(response, asker, stream);
    else sendAnswer(response, asker, { ...answer, isLast: this.#isClosing });
  }

  #refuse(raw: IncomingMessage, reply: FastifyReply, error: unknown): void {
    this.#refuseTo(reply.hijack().raw, raw, error);
  }

  #refuseTo(response: ServerResponse, raw: IncomingMessage, error: unknown): void {
    const signed = this.#signed.get(raw);
    const asker = signed === undefined ? undefined : { keys: this.#keys, nonce: signed.nonce };
    const isFault = !isKnownError(error);
    // A sender that went away is no fault of the node.
    if (isFault && !response.destroyed) {
      this.#logger.error({ err: error, method: raw.method }, "a request of a gateway failed");
    }
    sendAnswer(response, asker, { ...errorAnswer(error), isLast: this.#isClosing });
    if (!raw.complete) lingerOver(raw, response);
  }
}

function ownerHeaderOf({ headers }: IncomingMessage): string | undefined {
  const value = headers[OWNER_HEADER];
  return Array.isArray(value) ? value.join() : value;
}
