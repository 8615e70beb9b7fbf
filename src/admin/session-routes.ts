// The admin API's routes for browsers: signing in, by a request that the page signs with the root key, so that the secret
// key never leaves it; and out again.

import { TLSSocket } from "node:tls";
import type { ServerResponse } from "node:http";
import { parseFields } from "./admin-request.ts";
import type { AdminCall, AdminRoute } from "./admin-route.ts";
import { instant, tagged, text } from "./json-schema.ts";
import { sendJson } from "./send-json.ts";

export const SESSION_ROUTES: readonly AdminRoute[] = [
  {
    method: "POST",
    path: "/v1/session",
    access: "root",
    isSignIn: true,
    schema: {
      operationId: "openSession",
      summary: "Signs a browser in",
      description:
        "Signed as every request. Sets a cookie; with it, and with the token in the header `x-kintsugi-session`, " +
        "every GET is answered without a signature.",
      answer: {
        description: "the token that goes with the cookie",
        schema: tagged<{ readonly token: string; readonly expiresAt: string }>("report", {
          token: text(),
          expiresAt: instant("at the latest; sooner where it is not used"),
        }),
      },
    },
    handle: openSession,
  },
  {
    method: "DELETE",
    path: "/v1/session",
    access: "session",
    schema: {
      operationId: "closeSession",
      summary: "Signs a browser out",
      answer: { description: "the session is no more", schema: tagged("report", {}) },
    },
    handle: closeSession,
  },
];

async function openSession({ context, body, out }: AdminCall): Promise<void> {
  parseFields(body, []);
  const { token, expiresAt, cookie } = context.sessions.open(isTls(out));
  out.setHeader("set-cookie", cookie);
  sendJson(out, 200, { type: "report", token, expiresAt: new Date(expiresAt).toISOString() });
}

async function closeSession({ context, request, out }: AdminCall): Promise<void> {
  out.setHeader("set-cookie", context.sessions.close(request, isTls(out)));
  sendJson(out, 200, { type: "report" });
}

function isTls({ socket }: ServerResponse): boolean {
  return socket instanceof TLSSocket;
}
