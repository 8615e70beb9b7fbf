// The `Location` of a finished upload: the object's address as the client itself spelled it.

import type { S3Request } from "./operation.ts";

/** Host and path of the request; the scheme is that of our own port, not of a proxy before it. */
export function objectUrl(request: Pick<S3Request, "headers" | "isSecure" | "rawPath">): string {
  return `${request.isSecure ? "https" : "http"}://${request.headers.get("host") ?? "localhost"}${request.rawPath}`;
}
