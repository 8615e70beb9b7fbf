// What a data node does on its drives for whoever proved that it may ask: finds the drive, has the fence admit the change, and
// calls the route.

import type { Authority } from "../journal/journal-member.ts";
import type { Clock } from "../util/clock.ts";
import { journalRoutes } from "./node-journal-routes.ts";
import { NodeJournal, type DriveJournal } from "./node-journal.ts";
import {
  driveRoutes,
  type CallRoute,
  type DriveAnswer,
  type DriveRoute,
  type StreamRoute,
} from "./node-routes.ts";
import { OpenPacks } from "./open-packs.ts";
import { parseOwner } from "./owner-header.ts";
import { RefusedRequestError, SMALL_BODY_BYTES_MAX } from "./protocol.ts";
import { checkDigest, RequestBodies } from "./request-bodies.ts";
import { UNSIGNED_BODY } from "./rpc-auth.ts";
import { ShardError, type ShardStore } from "./shard-store.ts";
import type { StreamedBody } from "./streamed-body.ts";
import type { WireWrite } from "./write-frames.ts";
import type { WriteWork } from "./write-service.ts";

export const allRoutes: readonly DriveRoute[] = [...driveRoutes, ...journalRoutes];

/** What a request is about. */
export interface RouteTarget {
  readonly driveId: string;
  /** The last parameter of the route, as sent. */
  readonly parameter: string;
  readonly url: string;
  /** As sent. */
  readonly owner: string | undefined;
}

export interface DriveServiceOptions {
  readonly drives: readonly ShardStore[];
  readonly journals: readonly DriveJournal[];
  readonly clock: Clock;
  readonly bodies: RequestBodies;
}

export class DriveService {
  readonly #drives: ReadonlyMap<string, ShardStore>;
  readonly #journals: ReadonlyMap<string, NodeJournal>;
  readonly #bodies: RequestBodies;
  readonly #packs = new OpenPacks();
  /** Their memory is their own: whatever is written, there is room for the records of journals. */
  readonly #appends = new RequestBodies();

  constructor({ drives, journals, clock, bodies }: DriveServiceOptions) {
    this.#drives = new Map(drives.map((drive) => [drive.driveId, drive]));
    this.#journals = new Map(
      journals.map((journal) => [journal.member.driveId, new NodeJournal(journal, clock)]),
    );
    this.#bodies = bodies;
  }

  /** @throws ShardError Unavailable where the node has no such drive. */
  driveOf(driveId: string): ShardStore {
    const drive = this.#drives.get(driveId);
    if (drive === undefined) throw new ShardError("Unavailable", "the node has no such drive");
    return drive;
  }

  /** To whom the drives are promised that keep a journal and say so. */
  async owners(): Promise<ReadonlyMap<string, Authority | undefined>> {
    const entries = await Promise.all(
      [...this.#journals].map(async ([driveId, journal]) => {
        try {
          return [[driveId, await journal.promised()] as const];
        } catch {
          return [];
        }
      }),
    );
    return new Map(entries.flat());
  }

  async call(route: CallRoute, target: RouteTarget, body: Uint8Array): Promise<DriveAnswer> {
    const common = await this.#admit(route, target);
    return route.handle({ ...common, body });
  }

  /** What is asked for on a channel for writes. @throws RefusedRequestError */
  find({ method, url, owner, body: digest }: WireWrite): WriteWork {
    for (const [route, pattern] of writePatterns) {
      const [, driveId, parameter = ""] = pattern.exec(url) ?? [];
      if (driveId === undefined || route.method !== method) continue;
      const target = { driveId, parameter, url, owner };
      if (route.method !== "PUT") return this.#findCall(route, target, digest);
      if (digest !== UNSIGNED_BODY) throw new RefusedRequestError("BadRequest", "that is streamed");
      return {
        isStreamed: true,
        patienceMs: route.patienceMs,
        run: async (stream) => route.handle({ ...(await this.#admit(route, target)), stream }),
      };
    }
    throw new RefusedRequestError("BadRequest", "there is no such route");
  }

  async close(): Promise<void> {
    await this.#packs.closeAll();
  }

  #findCall(route: CallRoute, target: RouteTarget, digest: string): WriteWork {
    const bytesMax = route.bodyBytesMax ?? SMALL_BODY_BYTES_MAX;
    const run = (stream: StreamedBody): Promise<DriveAnswer> => {
      return this.#bodies.useStreamed(stream, bytesMax, async (whole) => {
        if (whole === undefined) throw new ShardError("Unavailable", "it was given up");
        const { chunks } = whole;
        const [first, ...others] = chunks;
        const body = first !== undefined && others.length === 0 ? first : Buffer.concat(chunks);
        checkDigest(body, digest);
        return this.call(route, target, body);
      });
    };
    return { isStreamed: false, patienceMs: route.patienceMs, run };
  }

  /** @throws ShardError, JournalError, RefusedRequestError where it may not be done. */
  async #admit({ method, isJournal }: DriveRoute, target: RouteTarget) {
    const { driveId, parameter, url } = target;
    const drive = this.driveOf(driveId);
    const journal = this.#journals.get(driveId);
    const owner = ownerOf(target.owner);
    if (method !== "GET" && isJournal !== true) await journal?.admit(owner);
    return { drive, journal, owner, parameter, url, packs: this.#packs, appends: this.#appends };
  }
}

/** The routes that a channel for writes serves, and how to find out of which a URL is. */
const writePatterns = allRoutes
  .filter(({ method }) => method === "PUT" || method === "POST")
  .map((route): readonly [CallRoute | StreamRoute, RegExp] => {
    const source = route.pattern
      .replace(":drive", "([A-Za-z0-9-]{1,64})")
      .replace(/:(?:shard|bucket)/, "([^/?]+)");
    return [route, new RegExp(`^${source}(?:\\?|$)`)];
  });

/** @throws RefusedRequestError BadRequest where it names none. */
function ownerOf(text: string | undefined): Authority | undefined {
  if (text === undefined) return undefined;
  const owner = parseOwner(text);
  if (owner === undefined) throw new RefusedRequestError("BadRequest", "the owner is malformed");
  return owner;
}
