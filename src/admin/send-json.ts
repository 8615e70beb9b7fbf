// A JSON answer, one line long.

import type { ServerResponse } from "node:http";

export function sendJson(out: ServerResponse, status: number, value: object): void {
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
  out.writeHead(status, { "content-type": "application/json", "content-length": bytes.length });
  out.end(bytes);
}
