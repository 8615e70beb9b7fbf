// A signature that was obeyed is not obeyed again for as long as its date is good, in bounded memory.

import { expect, test } from "vitest";
import { ReplayGuard } from "../../../src/admin/replay-guard.ts";
import { HandClock } from "../../support/store-lab.ts";

const MINUTE_MS = 60_000;
const header = (signature: string): string =>
  `AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/kintsugi/aws4_request, SignedHeaders=host, Signature=${signature}`;

test("the same signature is refused, however the header is written, until it has expired", () => {
  const clock = new HandClock();
  const guard = new ReplayGuard(clock);
  guard.take(header("aa"));
  guard.take(header("bb"));
  expect(() => guard.take(header("aa"))).toThrow(/made before/);
  expect(() => guard.take(`AWS4-HMAC-SHA256 Signature=aa,SignedHeaders=host,Credential=k`)).toThrow(
    /made before/,
  );
  clock.nowMs += 29 * MINUTE_MS;
  expect(() => guard.take(header("aa"))).toThrow(/made before/);
  clock.nowMs += 2 * MINUTE_MS;
  guard.take(header("aa"));
});

test("when there are too many, new ones wait and none is forgotten", () => {
  const clock = new HandClock();
  const guard = new ReplayGuard(clock);
  for (let index = 0; index < 10_000; index += 1) guard.take(header(String(index)));
  expect(() => guard.take(header("one more"))).toThrow(/too many/);
  expect(() => guard.take(header("0"))).toThrow(/made before/);
  clock.nowMs += 31 * MINUTE_MS;
  guard.take(header("one more"));
});
