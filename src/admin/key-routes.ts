// The admin API's routes about the master key. A key leaves the server only where nobody else can read it.

import { TLSSocket } from "node:tls";
import type { ServerResponse } from "node:http";
import { isOwnMachine } from "../util/own-machine.ts";
import { AdminError } from "./admin-error.ts";
import { parseFields, textField } from "./admin-request.ts";
import type { AdminCall, AdminRoute } from "./admin-route.ts";
import { sendJson } from "./send-json.ts";

export const KEY_ROUTES: readonly AdminRoute[] = [
  { method: "GET", path: "/v1/key", access: "root", handle: sendStatus },
  { method: "POST", path: "/v1/key/export", access: "root", handle: exportKey },
  { method: "POST", path: "/v1/key/confirm", access: "root", handle: confirmKey },
];

async function sendStatus({ context, body, out }: AdminCall): Promise<void> {
  parseFields(body, []);
  sendJson(out, 200, context.keys.status());
}

async function exportKey({ context, body, out }: AdminCall): Promise<void> {
  parseFields(body, []);
  requirePrivate(out);
  sendJson(out, 200, { type: "report", ...(await context.keys.export()) });
}

async function confirmKey({ context, body, out }: AdminCall): Promise<void> {
  const id = textField(parseFields(body, ["id"]), "id");
  if (id === undefined) throw new AdminError(400, "InvalidArgument", "id is missing");
  await context.keys.confirm(id);
  sendJson(out, 200, { type: "report", ...context.keys.status() });
}

/** @throws AdminError */
function requirePrivate({ socket }: ServerResponse): void {
  if (socket instanceof TLSSocket || isOwnMachine(socket?.remoteAddress)) return;
  throw new AdminError(
    403,
    "AccessDenied",
    "a key is not sent over plain HTTP to another machine: ask on the server's own, or give it TLS",
  );
}
