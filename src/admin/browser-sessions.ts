// Browsers that signed in. A session has two halves: an id in a cookie that scripts cannot read, and a token that the page
// keeps and sends in a header. Cookies are sent to every port of a host, and by requests that other sites cause; the
// token is neither, so that one without the other opens nothing. In memory only, few, and not for long.
// Invariant: what a session may do is decided by the route, never here.

import { createHash, randomBytes } from "node:crypto";
import { equalDigests } from "../auth/equal-digests.ts";
import type { WireRequest } from "../core/wire-request.ts";
import type { Clock } from "../util/clock.ts";
import { AdminError } from "./admin-error.ts";

/** Where the page puts its half. */
export const SESSION_HEADER = "x-kintsugi-session";

const SECRET_BYTES = 32;
const SESSIONS_MAX = 32;
const IDLE_MS_MAX = 30 * 60_000;
const LIFE_MS_MAX = 12 * 60 * 60_000;

interface Session {
  readonly tokenHash: string;
  /** Monotonic milliseconds. */
  readonly openedAt: number;
  usedAt: number;
}

export interface OpenedSession {
  /** For the page to keep. */
  readonly token: string;
  /** At the latest, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** What Set-Cookie says. */
  readonly cookie: string;
}

export class BrowserSessions {
  readonly #clock: Clock;
  readonly #cookieName: string;
  /** By the hash of their id: a look-up tells nothing of how much of an id was right. Oldest first. */
  readonly #sessions = new Map<string, Session>();

  /** Cookies of servers on one host differ by cluster, since they do not by port. */
  constructor(clock: Clock, clusterId: string) {
    this.#clock = clock;
    this.#cookieName = `kintsugi-${hashOf(clusterId).slice(0, 12)}`;
  }

  /** For a browser whose request was proven. The oldest session makes room where there are too many. */
  open(isTls: boolean): OpenedSession {
    this.#forgetOld();
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined && this.#sessions.size >= SESSIONS_MAX) this.#sessions.delete(oldest);
    const [id, token] = [newSecret(), newSecret()];
    const now = this.#clock.monotonic();
    this.#sessions.set(hashOf(id), { tokenHash: hashOf(token), openedAt: now, usedAt: now });
    const expiresAt = this.#clock.now() + LIFE_MS_MAX;
    return { token, expiresAt, cookie: this.#cookie(id, isTls) };
  }

  /** @throws AdminError 403 */
  admit(request: WireRequest): void {
    this.#forgetOld();
    const session = this.#find(request);
    if (session === undefined) {
      throw new AdminError(403, "AccessDenied", "sign in: there is no such session, or no more");
    }
    session[1].usedAt = this.#clock.monotonic();
  }

  /** What Set-Cookie says then. */
  close(request: WireRequest, isTls: boolean): string {
    const session = this.#find(request);
    if (session !== undefined) this.#sessions.delete(session[0]);
    return `${this.#cookie("", isTls)}; Max-Age=0`;
  }

  #find(request: WireRequest): [string, Session] | undefined {
    // Browsers say who asks. Those that do not are kept out by the token all the same.
    const site = request.headers.get("sec-fetch-site") ?? "same-origin";
    if (site !== "same-origin") return undefined;
    const tokenHash = hashOf(request.headers.get(SESSION_HEADER) ?? "");
    for (const id of cookiesOf(request, this.#cookieName)) {
      const idHash = hashOf(id);
      const session = this.#sessions.get(idHash);
      if (session === undefined) continue;
      if (equalDigests(session.tokenHash, tokenHash)) return [idHash, session];
    }
    return undefined;
  }

  #cookie(id: string, isTls: boolean): string {
    return `${this.#cookieName}=${id}; Path=/; HttpOnly; SameSite=Strict${isTls ? "; Secure" : ""}`;
  }

  #forgetOld(): void {
    const now = this.#clock.monotonic();
    for (const [idHash, { openedAt, usedAt }] of this.#sessions) {
      if (now - openedAt < LIFE_MS_MAX && now - usedAt < IDLE_MS_MAX) continue;
      this.#sessions.delete(idHash);
    }
  }
}

/** Whether a request means to be let in by a session. */
export function namesSession({ headers }: WireRequest): boolean {
  return headers.has(SESSION_HEADER) && !headers.has("authorization");
}

/** Values of all cookies of that name: another port of the host may have set one as well. */
function cookiesOf({ headers }: WireRequest, name: string): readonly string[] {
  return (headers.get("cookie") ?? "").split(/[;,]/).flatMap((pair) => {
    const [key = "", value = ""] = pair.trim().split("=", 2);
    return key === name ? [value] : [];
  });
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
