// A signed request is good for a quarter of an hour around its date; later it is a replay.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html

import { CLOCK_SKEW_MS_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import type { Clock } from "../util/clock.ts";
import { renderAmzDate, renderIsoDate } from "./amz-date.ts";

/**
 * `dateMs` is what the client read off its own clock.
 * @throws S3Error RequestTimeTooSkewed
 */
export function checkSkew(dateMs: number, clock: Clock): void {
  const nowMs = clock.now();
  if (Math.abs(clock.translate(dateMs) - nowMs) <= CLOCK_SKEW_MS_MAX) return;
  throw new S3Error("RequestTimeTooSkewed", {
    detail: {
      RequestTime: renderAmzDate(dateMs),
      ServerTime: renderIsoDate(nowMs),
      MaxAllowedSkewMilliseconds: String(CLOCK_SKEW_MS_MAX),
    },
  });
}
