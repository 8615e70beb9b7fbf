// A bucket as the layers above the store see it.

import type { BucketRecord } from "../metadata/records.ts";

export type BucketView = BucketRecord;
