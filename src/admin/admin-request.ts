// The body of an admin request: read within bounds, compared with what was signed, and parsed as the small JSON object
// that it must be.

import type { IncomingMessage } from "node:http";
import { isBodyOf } from "./admin-access.ts";
import { AdminError } from "./admin-error.ts";

const BODY_BYTES_MAX = 64 * 1024;

/** @throws AdminError when it is too large, ends early, or is not what was signed. */
export async function readBody(message: IncomingMessage, sha256Hex: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > BODY_BYTES_MAX) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw new AdminError(400, "IncompleteBody", "the body ended early", { cause: error });
  }
  if (sizeBytes > BODY_BYTES_MAX) {
    throw new AdminError(413, "EntityTooLarge", `a body has at most ${BODY_BYTES_MAX} bytes`);
  }
  const body = Buffer.concat(chunks);
  if (isBodyOf(sha256Hex, body)) return body;
  throw new AdminError(
    400,
    "XAmzContentSHA256Mismatch",
    "the body is not the one whose hash was signed",
  );
}

/** Fields of an admin request by name; none for an empty body. @throws AdminError 400 when it is something else. */
export function parseFields(body: Buffer, names: readonly string[]): ReadonlyMap<string, unknown> {
  if (body.length === 0) return new Map();
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new AdminError(400, "MalformedJSON", "the body is not JSON", { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new AdminError(400, "MalformedJSON", "the body must be a JSON object");
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  for (const name of fields.keys()) {
    if (names.includes(name)) continue;
    // A misspelled field would else be ignored in silence.
    throw new AdminError(400, "InvalidArgument", `there is no field ${name.slice(0, 100)}`);
  }
  return fields;
}

/** @throws AdminError 400 */
export function textField(fields: ReadonlyMap<string, unknown>, name: string): string | undefined {
  const value = fields.get(name);
  if (value === undefined || typeof value === "string") return value;
  throw new AdminError(400, "InvalidArgument", `${name} must be a text`);
}

/** @throws AdminError 400 */
export function flagField(fields: ReadonlyMap<string, unknown>, name: string): boolean {
  const value = fields.get(name) ?? false;
  if (typeof value === "boolean") return value;
  throw new AdminError(400, "InvalidArgument", `${name} must be true or false`);
}
