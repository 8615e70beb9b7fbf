// A JSON answer, one line long.

import type { ServerResponse } from "node:http";

export function sendJson(out: ServerResponse, status: number, value: object): void {
  sendText(out, status, JSON.stringify(value));
}

/** Of JSON that is text already. */
export function sendText(out: ServerResponse, status: number, json: string): void {
  const bytes = Buffer.from(`${json}\n`);
  out.writeHead(status, { "content-type": "application/json", "content-length": bytes.length });
  out.end(bytes);
}
