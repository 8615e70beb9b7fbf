// The `Location` of a finished upload: the object's address as the client itself spelled it.

import type { WireRequest } from "../core/wire-request.ts";

/** Host and path of the request; only the scheme is ours to tell. */
export function objectUrl(request: Pick<WireRequest, "headers" | "rawPath">): string {
  return `http://${request.headers.get("host") ?? "localhost"}${request.rawPath}`;
}
