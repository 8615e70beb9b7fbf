// A signed request is good for a quarter of an hour around its date; later it is a replay.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html

import { CLOCK_SKEW_MS_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import type { Clock } from "../util/clock.ts";
import { renderAmzDate, renderIsoDate } from "./amz-date.ts";

/**
 * SDKs set their clocks by the Date header, which has whole seconds, and date what they sign in whole seconds again: that
 * may be this much behind.
 */
const SDK_LAG_MS = 2_000;

/**
 * `dateMs` is what the client read off its own clock.
 * @throws S3Error RequestTimeTooSkewed
 */
export function checkSkew(dateMs: number, clock: Clock): void {
  const nowMs = clock.now();
  // On a clock that was moved just now, a date shortly before may have been signed after. A real clock tells them equal.
  const dates = [clock.translate(dateMs), clock.translate(dateMs + SDK_LAG_MS) - SDK_LAG_MS];
  if (dates.some((date) => Math.abs(date - nowMs) <= CLOCK_SKEW_MS_MAX)) return;
  throw new S3Error("RequestTimeTooSkewed", {
    detail: {
      RequestTime: renderAmzDate(dateMs),
      ServerTime: renderIsoDate(nowMs),
      MaxAllowedSkewMilliseconds: String(CLOCK_SKEW_MS_MAX),
    },
  });
}
