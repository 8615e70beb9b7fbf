// Agreeing to a channel, and refusing one: the end of HTTP on a connection.

import { randomBytes } from "node:crypto";
import { ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Asker } from "./node-answer.ts";
import { PROOF_HEADER, PROTOCOL_HEADER, PROTOCOL_VERSION, SALT_HEADER } from "./protocol.ts";
import { proveAnswer } from "./rpc-auth.ts";

/** Says that what follows on that connection is of that protocol. Returns the salt of its keys. */
export function agreeTo(protocol: string, socket: Socket, { keys, nonce }: Asker): string {
  const salt = randomBytes(16).toString("hex");
  const proof = proveAnswer(keys, { nonce, status: 101, body: salt });
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "connection: Upgrade",
    `upgrade: ${protocol}`,
    `${PROTOCOL_HEADER}: ${PROTOCOL_VERSION}`,
    `${PROOF_HEADER}: ${proof}`,
    `${SALT_HEADER}: ${salt}`,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  return salt;
}

/** A response where HTTP has none, since an upgrade was asked for: the connection ends with it. */
export function lastResponse(raw: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(raw);
  response.assignSocket(socket);
  response.once("finish", () => socket.destroySoon());
  return response;
}
