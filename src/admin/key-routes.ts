// The admin API's routes about the master key. A key leaves the server only where nobody else can read it.

import { TLSSocket } from "node:tls";
import type { ServerResponse } from "node:http";
import { isOwnMachine } from "../util/own-machine.ts";
import { AdminError } from "./admin-error.ts";
import type { KeyStatus } from "./admin-keys.ts";
import { parseFields, textField } from "./admin-request.ts";
import type { AdminCall, AdminRoute } from "./admin-route.ts";
import { flag, maybe, objectOf, oneOf, tagged, text, type FieldSchemas } from "./json-schema.ts";
import { sendJson } from "./send-json.ts";

const keyFields: FieldSchemas<KeyStatus> = {
  id: maybe(text("of the key that wraps")),
  origin: oneOf(["given", "kept", "none", "throwaway"] satisfies readonly KeyStatus["origin"][]),
  isBare: flag("whether it lies in the metadata in the clear"),
  isReady: flag("whether objects can be encrypted with it now"),
  obstacle: maybe(text("why not, and what to do")),
};

export const KEY_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: "/v1/key",
    access: "root",
    schema: {
      operationId: "getKeyStatus",
      summary: "Which master key of encryption is in use",
      answer: { description: "never the key itself", schema: objectOf<KeyStatus>(keyFields) },
    },
    handle: sendStatus,
  },
  {
    method: "POST",
    path: "/v1/key/export",
    access: "root",
    schema: {
      operationId: "exportKey",
      summary: "The kept master key, made where there is none",
      description: "Over TLS, or from the server's own machine, alone.",
      answer: {
        description: "the key, in hex",
        schema: tagged<{ readonly id: string; readonly key: string }>("report", {
          id: text(),
          key: text(),
        }),
      },
    },
    handle: exportKey,
  },
  {
    method: "POST",
    path: "/v1/key/confirm",
    access: "root",
    schema: {
      operationId: "confirmKey",
      summary: "Says that somebody has a copy of the kept key: from then on it is used",
      body: objectOf<{ readonly id: string }>({ id: text() }),
      answer: { description: "how it stands now", schema: tagged("report", keyFields) },
    },
    handle: confirmKey,
  },
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
