// A bucket with versions, as the lab knows it beside the one without: one call at a time changes a key, so that its versions
// are known one by one, but for the call that a crash has cut off.

import type { Piece } from "./contents.ts";
import { VersionedKey, type VersioningState } from "./version-stack.ts";

export interface VersionValue {
  readonly pieces: readonly Piece[];
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
}

export type LabVersionedKey = VersionedKey<VersionValue>;

const NAMES = ["v", "v/0", "v/1", "v/x/2", "v/x/3", "v/y/4", "w/5", "w/6"];

export class VersionWorld {
  readonly bucket: string;
  readonly keys: readonly LabVersionedKey[] = NAMES.map((name) => new VersionedKey(name));
  versioning: VersioningState = "off";

  constructor(bucket: string) {
    this.bucket = bucket;
  }

  path(key: LabVersionedKey): string {
    return `/${this.bucket}/${key.name}`;
  }
}
