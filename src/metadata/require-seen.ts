// What was decided about one version is for that version alone: in a bucket without versioning the next one has its id.

import { S3Error } from "../core/s3-error.ts";
import type { SeenVersion } from "./metadata-store.ts";

/** @throws S3Error ServiceUnavailable where another version is there by now than was looked at */
export function requireSeen({ sequence: seen }: SeenVersion, sequence: number): void {
  if (seen === undefined || seen === sequence) return;
  throw new S3Error("ServiceUnavailable", {
    message: "The object was replaced while the request was decided about. Try again.",
  });
}
